//! `tagout profile learn`: which of the dropped variables a command asks for. There is no system
//! call to watch for that: a program reads its own memory. So names are looked for where they can
//! be seen: in what the command says when it misses them, and in the project's code.

mod edit;

use std::collections::BTreeMap;
use std::path::Path;

use crate::environment::is_injecting;
use crate::files::{Files, shown};
use crate::init::survey::source_files;

pub use edit::with_passes;

/// At most so much of a file is read.
const MAX_BYTES: usize = 512 * 1024;
/// At most so many places are told of one name.
const PLACES: usize = 3;
/// Endings of files in which code or settings stand.
const ENDINGS: &[&str] = &[
    "php", "rb", "rake", "py", "js", "ts", "mjs", "cjs", "jsx", "tsx", "go", "rs", "java", "kt",
    "ex", "exs", "sh", "bash", "yml", "yaml", "toml", "ini", "cfg", "json", "erb", "prisma", "ru",
    "pl", "lua",
];
/// Beginnings of names that choose a database.
const DATABASE: &[&str] = &[
    "DB_",
    "DATABASE",
    "PG",
    "MYSQL",
    "MARIADB",
    "REDIS",
    "MONGO",
    "SQLALCHEMY_",
    "CLICKHOUSE",
    "MSSQL",
    "SQLSERVER",
    "POSTGRES",
    "PRISMA_",
    "JDBC_",
    "SPRING_DATASOURCE",
];
/// Names that choose a framework's environment, and so its database.
const ENVIRONMENT: &[&str] = &[
    "APP_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "NODE_ENV",
    "DJANGO_SETTINGS_MODULE",
    "FLASK_ENV",
    "LARAVEL_ENV",
];

/// What is to be thought of a name that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It may be let through.
    Ordinary,
    /// It chooses a database.
    ChoosesDatabase,
    /// It makes programs run other code.
    RunsCode,
}

impl Kind {
    /// Of a name.
    pub fn of(name: &str) -> Kind {
        let upper = name.to_ascii_uppercase();
        if is_injecting(name) {
            Kind::RunsCode
        } else if DATABASE.iter().any(|begin| upper.starts_with(begin))
            || upper.ends_with("DATABASE_URL")
            || ENVIRONMENT.contains(&upper.as_str())
        {
            Kind::ChoosesDatabase
        } else {
            Kind::Ordinary
        }
    }

    /// Why it is not proposed; empty where it is.
    pub fn why_not(self) -> &'static str {
        match self {
            Kind::Ordinary => "",
            Kind::ChoosesDatabase => "chooses a database: the project's own files should say it",
            Kind::RunsCode => "makes programs run other code: list it by hand, if you must",
        }
    }
}

/// A dropped variable that the command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Where that was seen.
    pub places: Vec<String>,
    /// What is to be thought of it.
    pub kind: Kind,
}

/// Which of the dropped names stand in the project's code, or in what the command printed.
pub fn asked(dropped: &[String], printed: &str, root: &Path, files: &dyn Files) -> Vec<Asked> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (_, name) in words(printed) {
        if let Some(name) = known(dropped, name) {
            let said = places.entry(name).or_default();
            if said.is_empty() {
                said.push("the command's own output".to_owned());
            }
        }
    }
    let wanted = |name: &str| {
        let ending = name.rsplit('.').next().unwrap_or("");
        ENDINGS.contains(&ending)
            || name.starts_with(".env")
            || name == "Rakefile"
            || name == "Procfile"
    };
    for path in source_files(root, files, &wanted).0 {
        let Ok(bytes) = files.head(&path, MAX_BYTES) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        for (line, name) in words(&text) {
            let Some(name) = known(dropped, name) else {
                continue;
            };
            let found = places.entry(name).or_default();
            let place = format!("{}:{line}", shown(&path, root));
            if found.len() < PLACES && !found.contains(&place) {
                found.push(place);
            }
        }
    }
    places
        .into_iter()
        .map(|(name, places)| Asked {
            name: name.to_owned(),
            places,
            kind: Kind::of(name),
        })
        .collect()
}

fn known<'d>(dropped: &'d [String], name: &str) -> Option<&'d str> {
    dropped.iter().find(|d| *d == name).map(String::as_str)
}

/// Words that could be names of variables, with their lines: three characters or more, capital
/// letters, as such names are written.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(at, line)| {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|w| w.len() > 2 && w.starts_with(|c: char| c.is_ascii_uppercase()))
            .filter(|w| !w.contains(|c: char| c.is_ascii_lowercase()))
            .map(move |w| (at + 1, w))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn names_are_found_in_code_and_in_complaints() {
        let files = Memory::new()
            .with(
                "/p/config/mail.php",
                "<?php\nreturn ['host' => env('MAIL_HOST')];",
            )
            .with("/p/config/database.php", "env('DB_HOST')")
            .with("/p/vendor/x.php", "env('SHELL_NOISE')");
        let dropped =
            ["MAIL_HOST", "DB_HOST", "STRIPE_KEY", "SHELL_NOISE", "MAIL"].map(str::to_owned);
        let found = asked(
            &dropped,
            "KeyError: 'STRIPE_KEY'\n",
            Path::new("/p"),
            &files,
        );
        let told: Vec<_> = found
            .iter()
            .map(|a| (a.name.as_str(), a.places.join(" "), a.kind))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "DB_HOST",
                    "config/database.php:1".to_owned(),
                    Kind::ChoosesDatabase
                ),
                ("MAIL_HOST", "config/mail.php:2".to_owned(), Kind::Ordinary),
                (
                    "STRIPE_KEY",
                    "the command's own output".to_owned(),
                    Kind::Ordinary
                ),
            ]
        );
    }
}
