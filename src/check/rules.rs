//! The rules, each with the page that explains it.

use super::Level;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its id, as it stands in findings, ignores and baselines.
    pub id: &'static str,
    /// How much its findings weigh.
    pub level: Level,
    /// What it says, in one line.
    pub about: &'static str,
    /// Its page.
    pub page: &'static str,
}

macro_rules! rules {
    ($(($id:literal, $level:ident, $about:literal)),* $(,)?) => {
        /// All rules, by id.
        pub const RULES: &[Rule] = &[$(Rule {
            id: $id,
            level: Level::$level,
            about: $about,
            page: include_str!(concat!("../../docs/rules/", $id, ".md")),
        }),*];
    };
}

rules![
    (
        "changes-production",
        Error,
        "A command changes the schema of production, or can do anything to it, without tagout"
    ),
    (
        "destroys-production",
        Error,
        "A command destroys data of production"
    ),
    (
        "destroys-unmarked",
        Error,
        "A command destroys data of a database that no mark recognises"
    ),
    (
        "destroys-unresolved",
        Warning,
        "A command destroys data of a database that cannot be resolved from the files"
    ),
    (
        "ignore-without-reason",
        Error,
        "An ignore comment says no reason"
    ),
    (
        "production-address",
        Error,
        "The environment of a job or process holds an address of production"
    ),
    (
        "refused-command",
        Error,
        "A command behind tagout would be refused by its profile"
    ),
    (
        "unknown-profile",
        Error,
        "A command names a profile that does not exist"
    ),
    (
        "unknown-rule",
        Error,
        "An ignore comment names a rule that does not exist"
    ),
    (
        "unreadable-file",
        Warning,
        "A file could not be read as what its name says it is"
    ),
    (
        "unused-ignore",
        Warning,
        "An ignore comment silences nothing"
    ),
    (
        "unwrapped-command",
        Warning,
        "A command that changes a database starts without tagout"
    ),
    (
        "unwrapped-spawn",
        Warning,
        "Code starts a database command without tagout"
    ),
];

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_page_that_names_it() {
        for rule in RULES {
            assert!(
                rule.page.starts_with(&format!("# {}\n", rule.id)),
                "{}",
                rule.id
            );
            assert!(rule.page.contains("## What to do"), "{}", rule.id);
        }
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
