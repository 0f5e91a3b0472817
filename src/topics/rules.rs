//! The rules that decide, each with its text. Names and decisions come from the decision table
//! itself, so that they cannot differ from it.

use crate::command::Effect;
use crate::policy::{Decision, Limits, Standing, Tier, decide, rule};
use crate::profile::{Production, Unmarked};

/// A rule as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Its name, as refusals, records and `explain` say it.
    pub name: String,
    /// When it decides.
    pub when: String,
    /// What it decides.
    pub decides: String,
    /// The ways forward after a refusal; empty where it never refuses.
    pub forward: &'static str,
}

/// Rules that are no cell of the decision table: name, when, decision, way forward.
const OTHERS: &[(&str, &str, &str, &str)] = &[
    (
        "no-database",
        "Nothing that the command does touches a database, as far as tagout knows the program.",
        "Allowed. A program that the catalogue does not know still runs scrubbed, fenced and recorded.",
        "",
    ),
    (
        "required-variable",
        "A layer of the configuration requires a variable (`require`), and the command would not have it.",
        "Refused.",
        "Set it where the layer that requires it can see it, or let it through for this run: --keep NAME.",
    ),
];

/// What an effect means, for people.
pub fn effect_text(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "Touches no database",
        Effect::Reads => "Reads rows or structure: SELECT, pg_dump, db:version",
        Effect::Writes => {
            "Writes or deletes single rows, as the application does every day: queue:work, INSERT, db:seed"
        }
        Effect::ChangesSchema => {
            "Changes the schema: migrate, db:migrate, ALTER TABLE, CREATE INDEX"
        }
        Effect::Opaque => "Can do anything: a console, a script, SQL that cannot be read",
        Effect::Stops => "Stops the server: SHUTDOWN, pg_ctl stop",
        Effect::Destroys => {
            "Destroys data: migrate:fresh, db:drop, flush, DROP, TRUNCATE, DELETE without a condition"
        }
    }
}

const STANDINGS: [Standing; 4] = [
    Standing::Known {
        tier: Tier::Production,
        local_and_own: false,
    },
    Standing::Known {
        tier: Tier::Disposable,
        local_and_own: false,
    },
    Standing::Known {
        tier: Tier::Unmarked,
        local_and_own: false,
    },
    Standing::Unresolved,
];

/// All rules.
pub fn rules() -> Vec<RuleText> {
    let touching = Effect::ALL.into_iter().filter(|e| *e > Effect::None);
    let cells = touching.flat_map(|effect| STANDINGS.map(|standing| cell(effect, standing)));
    let others = OTHERS
        .iter()
        .map(|(name, when, decides, forward)| RuleText {
            name: (*name).to_owned(),
            when: (*when).to_owned(),
            decides: (*decides).to_owned(),
            forward,
        });
    cells.chain(others).collect()
}

fn cell(effect: Effect, standing: Standing) -> RuleText {
    RuleText {
        name: rule(effect, standing),
        when: format!(
            "The strongest thing that the command does is `{}` ({}), and {}.",
            effect.word(),
            effect_text(effect),
            standing_text(standing)
        ),
        decides: decision_text(effect, standing),
        forward: forward(effect, standing),
    }
}

fn standing_text(standing: Standing) -> &'static str {
    match standing {
        Standing::Known { tier, .. } => match tier {
            Tier::Production => "a mark says that the target is production",
            Tier::Disposable => "a mark says that the target may be destroyed",
            Tier::Unmarked => "no mark recognises the target",
        },
        Standing::Unresolved => {
            "which target it reaches could not be decided; what is missing is said with the refusal"
        }
    }
}

/// The cell in words, found by asking the table.
fn decision_text(effect: Effect, standing: Standing) -> String {
    let allowed = |production, unmarked, standing| {
        let limits = Limits {
            production,
            unmarked,
        };
        decide(effect, standing, limits) == Decision::Allowed
    };
    let strict = |production| allowed(production, Unmarked::Refuse, standing);
    if strict(Production::Never) {
        return "Allowed.".to_owned();
    }
    let own = Standing::Known {
        tier: Tier::Unmarked,
        local_and_own: true,
    };
    let mut ways = Vec::new();
    if matches!(
        standing,
        Standing::Known {
            tier: Tier::Unmarked,
            ..
        }
    ) {
        if allowed(Production::Never, Unmarked::Refuse, own) {
            ways.push("the target is on this machine and every field of it comes from the project's own files".to_owned());
        }
        if allowed(Production::Never, Unmarked::Allow, standing) {
            ways.push("the profile says `unmarked = \"allow\"`".to_owned());
        }
    }
    let levels = Production::WORDS.iter().find(|(_, level)| strict(*level));
    ways.extend(
        levels.map(|(word, _)| format!("the profile says `production = \"{word}\"` or more")),
    );
    match ways.as_slice() {
        [] => "Refused, by every profile.".to_owned(),
        ways => format!("Refused, unless {}.", ways.join(", or ")),
    }
}

fn forward(effect: Effect, standing: Standing) -> &'static str {
    match standing {
        Standing::Known {
            tier: Tier::Disposable,
            ..
        } => "",
        Standing::Known {
            tier: Tier::Unmarked,
            ..
        } => match effect {
            Effect::Opaque | Effect::Stops | Effect::Destroys => {
                "If this database may be destroyed, mark it once with the command that the refusal shows (`tagout mark disposable ...`). If it may not, you have just been helped."
            }
            Effect::None | Effect::Reads | Effect::Writes | Effect::ChangesSchema => "",
        },
        Standing::Known {
            tier: Tier::Production,
            ..
        } => match effect {
            Effect::Stops | Effect::Destroys => {
                "If this is not the database you meant, mend the source that the refusal names (file and line, or variable)."
            }
            Effect::None
            | Effect::Reads
            | Effect::Writes
            | Effect::ChangesSchema
            | Effect::Opaque => {
                "Use a profile that allows this on production, if you may; else mend the source that the refusal names."
            }
        },
        Standing::Unresolved => {
            "Say the target where tagout can read it (the project's own files, or an option with a literal value), or ask the framework itself: --probe. `tagout explain` says what is missing."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_said_as_the_table_has_them() {
        let all = rules();
        let decides = |name: &str| {
            let found = all.iter().find(|r| r.name == name);
            found.unwrap_or_else(|| panic!("{name}")).decides.as_str()
        };
        assert_eq!(decides("destroys-production"), "Refused, by every profile.");
        assert_eq!(decides("destroys-unresolved"), "Refused, by every profile.");
        assert_eq!(decides("destroys-disposable"), "Allowed.");
        assert_eq!(decides("writes-unmarked"), "Allowed.");
        assert_eq!(
            decides("destroys-unmarked"),
            "Refused, unless the profile says `unmarked = \"allow\"`."
        );
        assert_eq!(
            decides("changes-schema-production"),
            "Refused, unless the profile says `production = \"migrate\"` or more."
        );
        assert!(decides("opaque-unmarked").contains("project's own files"));
    }
}
