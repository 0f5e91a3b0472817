//! Production addresses in the variables of jobs and processes, by the marks.

use crate::policy::Tier;
use crate::profile::Mark;
use crate::source::Sourced;
use crate::target::url::{Url, decode};
use crate::target::{Address, Engine, Target, marks};

use super::script::{Setting, Variable};

/// Names that hold a database's name beside `..._HOST`.
const DATABASES: &[&str] = &["DATABASE", "NAME", "DB", "DBNAME"];

/// The variables that hold an address of production, each with the target and the mark.
pub(super) fn production<'v>(
    variables: &'v [Variable],
    marks_known: &[Mark],
    file: &str,
) -> Vec<(&'v Variable, Target, String)> {
    let mut found = Vec::new();
    for variable in variables {
        let Setting::Text(text) = &variable.value else {
            continue;
        };
        let target = by_url(variable, text, file)
            .or_else(|| by_host(variable, text, variables, file))
            .or_else(|| by_name(variable, text, variables, file));
        if let Some(target) = target
            && let (Tier::Production, mark) = marks::tier(&target, marks_known)
        {
            found.push((variable, target, mark.unwrap_or_default()));
        }
    }
    found
}

fn by_url(variable: &Variable, text: &str, file: &str) -> Option<Target> {
    // What JDBC puts before a URL says nothing.
    let url = Url::split(text.strip_prefix("jdbc:").unwrap_or(text))?;
    let engine = Engine::from_driver(&url.scheme);
    if matches!(engine, Engine::Other(_)) {
        return None;
    }
    let source = || variable.source(file);
    let host = url.host.clone().filter(|h| !h.is_empty())?;
    let address = Address::Host {
        host: Sourced::new(decode(&host), source()),
        port: port(url.port.as_deref(), &engine).map(|p| Sourced::new(p, source())),
        hostaddr: None,
    };
    let name = decode(url.path.trim_start_matches('/'));
    let database = Some(name).filter(|n| !n.is_empty());
    Some(Target::new(engine, address).database(database.map(|d| Sourced::new(d, source()))))
}

fn port(text: Option<&str>, engine: &Engine) -> Option<u16> {
    text.and_then(|p| p.parse().ok()).or(engine.default_port())
}

fn value<'v>(variables: &'v [Variable], name: &str) -> Option<&'v str> {
    let found = variables.iter().rev().find(|v| v.name == name)?;
    match &found.value {
        Setting::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn engine_of(prefix: &str, variables: &[Variable]) -> Engine {
    let stem = prefix.trim_end_matches('_').to_ascii_lowercase();
    let said = ["CONNECTION", "ENGINE", "ADAPTER", "DRIVER"]
        .iter()
        .find_map(|name| value(variables, &format!("{prefix}{name}")));
    Engine::from_driver(said.unwrap_or(&stem))
}

fn by_host(variable: &Variable, text: &str, variables: &[Variable], file: &str) -> Option<Target> {
    let prefix = variable.name.strip_suffix("HOST")?;
    if prefix.is_empty() || text.is_empty() || text.contains("://") {
        return None;
    }
    let engine = engine_of(prefix, variables);
    let source = || variable.source(file);
    let said = value(variables, &format!("{prefix}PORT"));
    let address = Address::Host {
        host: Sourced::new(text.to_owned(), source()),
        port: port(said, &engine).map(|p| Sourced::new(p, source())),
        hostaddr: None,
    };
    let mut names = DATABASES.iter();
    let database = names.find_map(|name| value(variables, &format!("{prefix}{name}")));
    let database = database.map(|d| Sourced::new(d.to_owned(), source()));
    Some(Target::new(engine, address).database(database))
}

/// A database's name alone: where no host is said, any may be meant.
fn by_name(variable: &Variable, text: &str, variables: &[Variable], file: &str) -> Option<Target> {
    let prefix = ["PG", "DB_", "MYSQL_", "POSTGRES_", "MONGO_", "DATABASE_"]
        .into_iter()
        .find(|p| {
            let rest = variable.name.strip_prefix(p);
            rest.is_some_and(|r| DATABASES.contains(&r))
        })?;
    if text.is_empty() || value(variables, &format!("{prefix}HOST")).is_some() {
        return None;
    }
    let source = || variable.source(file);
    // The client's own default place: nothing here says another one.
    let address = Address::Socket {
        path: Sourced::new(String::new(), source()),
        port: None,
    };
    let database = Sourced::new(text.to_owned(), source());
    Some(Target::new(engine_of(prefix, variables), address).database(Some(database)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind};

    fn variables(pairs: &[(&str, &str)]) -> Vec<Variable> {
        let variable = |(n, (name, value)): (usize, &(&str, &str))| Variable {
            name: (*name).to_owned(),
            value: Setting::Text((*value).to_owned()),
            line: n + 1,
            column: 1,
        };
        pairs.iter().enumerate().map(variable).collect()
    }

    #[test]
    fn marks_decide_what_is_production() {
        let mut mark = Mark::empty(
            Tier::Production,
            Source::new(SourceKind::ProjectFile, "tagout.toml:1"),
        );
        mark.host = Some("db1.internal".to_owned());
        type Pairs = &'static [(&'static str, &'static str)];
        let cases: &[(Pairs, &[&str])] = &[
            (
                &[("DATABASE_URL", "postgres://u:secret@db1.internal:5432/shop")],
                &["DATABASE_URL"],
            ),
            (
                &[("DATABASE_URL", "postgres://localhost/shop_production")],
                &["DATABASE_URL"],
            ),
            (&[("DATABASE_URL", "postgres://localhost/shop_test")], &[]),
            (
                &[("DB_HOST", "db1.internal"), ("DB_DATABASE", "shop")],
                &["DB_HOST"],
            ),
            (&[("PGDATABASE", "shop_production")], &["PGDATABASE"]),
            (
                &[
                    ("SMTP_HOST", "mail.internal"),
                    ("APP_URL", "https://db1.internal"),
                ],
                &[],
            ),
            (&[("NODE_ENV", "production")], &[]),
        ];
        for (pairs, expected) in cases {
            let variables = variables(pairs);
            let found = production(&variables, std::slice::from_ref(&mark), "ci.yml");
            let names: Vec<&str> = found.iter().map(|(v, _, _)| v.name.as_str()).collect();
            assert_eq!(&names, expected, "{pairs:?}");
            assert!(
                found
                    .iter()
                    .all(|(_, t, _)| !t.to_string().contains("secret"))
            );
        }
    }
}
