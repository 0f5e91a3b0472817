//! The decision table, and only it: pure, total, no clock, no file, no environment.

use crate::command::Effect;
use crate::profile::{Production, Unmarked};

/// What the marks make of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// It may be destroyed.
    Disposable,
    /// No mark recognises it.
    Unmarked,
    /// It must not be destroyed.
    Production,
}

impl Tier {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Disposable => "disposable",
            Tier::Unmarked => "unmarked",
            Tier::Production => "production",
        }
    }
}

/// What an effect falls on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A target that is known.
    Known {
        /// What the marks make of it.
        tier: Tier,
        /// It is on loopback, a local socket or a file inside the project, and every field comes
        /// from the project's own files.
        local_and_own: bool,
    },
    /// A target that could not be resolved.
    Unresolved,
}

impl Standing {
    /// The word for it in rules.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Known { tier, .. } => tier.word(),
            Standing::Unresolved => "unresolved",
        }
    }

    /// How much it weighs where several rules say the same: the worst is named.
    pub fn weight(self) -> u8 {
        match self {
            Standing::Known {
                tier: Tier::Disposable,
                ..
            } => 0,
            Standing::Known {
                tier: Tier::Unmarked,
                ..
            } => 1,
            Standing::Unresolved => 2,
            Standing::Known {
                tier: Tier::Production,
                ..
            } => 3,
        }
    }
}

/// What a profile says about targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Highest effect on production.
    pub production: Production,
    /// What happens to unmarked targets.
    pub unmarked: Unmarked,
}

/// The decision on one effect and one target. The values lie far apart so that no single flipped
/// bit turns one into the other.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Decision {
    /// It may run.
    Allowed = 0x5a3c_96e1,
    /// It may not.
    Refused = 0xa5c3_691e,
}

/// The name of the rule that decides on an effect and a standing: `destroys-production`.
pub fn rule(effect: Effect, on: Standing) -> String {
    format!("{}-{}", effect.word(), on.word())
}

/// The decision table of `docs/architecture.md`, cell by cell.
pub fn decide(effect: Effect, on: Standing, limits: Limits) -> Decision {
    let allowed = match on {
        Standing::Known {
            tier: Tier::Disposable,
            ..
        } => true,
        Standing::Known {
            tier: Tier::Unmarked,
            local_and_own,
        } => on_unmarked(effect, local_and_own, limits),
        Standing::Known {
            tier: Tier::Production,
            ..
        }
        | Standing::Unresolved => on_production(effect, limits),
    };
    if allowed {
        Decision::Allowed
    } else {
        Decision::Refused
    }
}

fn on_production(effect: Effect, limits: Limits) -> bool {
    let least = match effect {
        Effect::None => return true,
        Effect::Reads => Production::Read,
        Effect::Writes => Production::Write,
        Effect::ChangesSchema => Production::Migrate,
        Effect::Opaque => Production::Console,
        Effect::Stops | Effect::Destroys => return false,
    };
    limits.production >= least
}

fn on_unmarked(effect: Effect, local_and_own: bool, limits: Limits) -> bool {
    match effect {
        Effect::None | Effect::Reads | Effect::Writes | Effect::ChangesSchema => true,
        // Who allows consoles on production allows them here: a production mark must not loosen.
        Effect::Opaque => {
            local_and_own
                || limits.unmarked == Unmarked::Allow
                || limits.production == Production::Console
        }
        Effect::Stops | Effect::Destroys => limits.unmarked == Unmarked::Allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EFFECTS: [Effect; 7] = [
        Effect::None,
        Effect::Reads,
        Effect::Writes,
        Effect::ChangesSchema,
        Effect::Opaque,
        Effect::Stops,
        Effect::Destroys,
    ];

    fn effect() -> impl Strategy<Value = Effect> {
        proptest::sample::select(EFFECTS.to_vec())
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let levels: Vec<Production> = Production::WORDS.iter().map(|(_, p)| *p).collect();
        let unmarked = vec![Unmarked::Refuse, Unmarked::Allow];
        (
            proptest::sample::select(levels),
            proptest::sample::select(unmarked),
        )
            .prop_map(|(production, unmarked)| Limits {
                production,
                unmarked,
            })
    }

    fn known(tier: Tier, local_and_own: bool) -> Standing {
        Standing::Known {
            tier,
            local_and_own,
        }
    }

    proptest! {
        #[test]
        fn nothing_destroys_production_or_what_is_unresolved(limits in limits(), own: bool) {
            for effect in [Effect::Destroys, Effect::Stops] {
                prop_assert_eq!(decide(effect, known(Tier::Production, own), limits), Decision::Refused);
                prop_assert_eq!(decide(effect, Standing::Unresolved, limits), Decision::Refused);
            }
        }

        #[test]
        fn a_production_mark_never_loosens(effect in effect(), limits in limits(), own: bool) {
            for tier in [Tier::Disposable, Tier::Unmarked] {
                if decide(effect, known(tier, own), limits) == Decision::Refused {
                    prop_assert_eq!(decide(effect, known(Tier::Production, own), limits), Decision::Refused);
                }
            }
        }

        #[test]
        fn a_stronger_effect_is_never_allowed_where_a_weaker_one_is_refused(limits in limits(), own: bool, tier in 0usize..4) {
            let on = [known(Tier::Disposable, own), known(Tier::Unmarked, own), known(Tier::Production, own), Standing::Unresolved][tier];
            for pair in EFFECTS.windows(2) {
                if decide(pair[0], on, limits) == Decision::Refused {
                    prop_assert_eq!(decide(pair[1], on, limits), Decision::Refused);
                }
            }
        }
    }

    #[test]
    fn the_table_as_it_is_written() {
        let write = Limits {
            production: Production::Write,
            unmarked: Unmarked::Refuse,
        };
        let table = [
            (
                Effect::Reads,
                known(Tier::Production, false),
                Decision::Allowed,
            ),
            (Effect::Writes, Standing::Unresolved, Decision::Allowed),
            (
                Effect::ChangesSchema,
                known(Tier::Production, false),
                Decision::Refused,
            ),
            (
                Effect::ChangesSchema,
                known(Tier::Unmarked, false),
                Decision::Allowed,
            ),
            (
                Effect::Opaque,
                known(Tier::Unmarked, false),
                Decision::Refused,
            ),
            (
                Effect::Opaque,
                known(Tier::Unmarked, true),
                Decision::Allowed,
            ),
            (
                Effect::Opaque,
                known(Tier::Disposable, false),
                Decision::Allowed,
            ),
            (
                Effect::Destroys,
                known(Tier::Unmarked, true),
                Decision::Refused,
            ),
            (
                Effect::Destroys,
                known(Tier::Disposable, false),
                Decision::Allowed,
            ),
        ];
        for (effect, on, expected) in table {
            assert_eq!(decide(effect, on, write), expected, "{}", rule(effect, on));
        }
    }
}
