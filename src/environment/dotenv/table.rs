//! The table of dialects: a name, the reader, and which installed versions read like it.

use super::{
    DotenvError, Entry, Process, bash, django, docker, expand, golang, node, php, python, ruby,
    rust,
};

type Reader = fn(&str, &Process<'_>) -> Result<Vec<Entry>, DotenvError>;

/// One way of reading a `.env` file.
#[derive(Debug)]
pub struct Dialect {
    /// Library and version that it was held against.
    pub name: &'static str,
    /// The library, as its registry calls it; empty where it is a program.
    pub package: &'static str,
    /// The lowest version (major, minor) that reads like this.
    pub since: (u32, u32),
    /// What it is, for people.
    pub what: &'static str,
    /// Values are handed out by name, with the failure of each, instead of as a whole.
    pub by_lookup: bool,
    pub(super) reader: Reader,
}

const fn row(
    name: &'static str,
    package: &'static str,
    since: (u32, u32),
    what: &'static str,
    reader: Reader,
) -> Dialect {
    Dialect {
        name,
        package,
        since,
        what,
        by_lookup: false,
        reader,
    }
}

/// All dialects, by name.
pub static DIALECTS: &[Dialect] = &[
    row(
        "bash-set-a-source",
        "",
        (0, 0),
        "set -a; . FILE",
        bash::source,
    ),
    row(
        "compose-go-v2-2026-07",
        "compose-go",
        (2, 0),
        "docker compose 2",
        golang::compose,
    ),
    row(
        "django-environ-0.14.0",
        "django-environ",
        (0, 0),
        "Env.read_env()",
        django::read_env,
    ),
    Dialect {
        by_lookup: true,
        ..row(
            "django-environ-0.14.0-lookup",
            "",
            (0, 0),
            "env('NAME') after read_env()",
            django::lookup,
        )
    },
    row(
        "django-environ-0.14.0-parse_comments",
        "",
        (0, 0),
        "Env.read_env(parse_comments=True)",
        django::with_comments,
    ),
    row(
        "docker-compose-1.29.2",
        "docker-compose",
        (1, 0),
        "docker-compose 1",
        python::compose_1,
    ),
    row(
        "docker-run-env-file-28.2.2",
        "",
        (0, 0),
        "docker run --env-file",
        docker::run,
    ),
    row(
        "dotenv-expand-5.1.0",
        "dotenv-expand",
        (0, 0),
        "dotenv + dotenv-expand 5",
        expand::five,
    ),
    row(
        "dotenv-expand-10.0.0",
        "dotenv-expand",
        (6, 0),
        "dotenv + dotenv-expand 10",
        expand::ten,
    ),
    row(
        "dotenv-expand-11.0.7",
        "dotenv-expand",
        (11, 0),
        "dotenv + dotenv-expand 11",
        expand::eleven,
    ),
    row(
        "dotenv-expand-12.0.3",
        "dotenv-expand",
        (12, 0),
        "dotenv + dotenv-expand 12",
        expand::twelve,
    ),
    row(
        "dotenv-expand-1000.0.0",
        "dotenv-expand",
        (1000, 0),
        "dotenv + dotenv-expand 1000",
        expand::thousand,
    ),
    row(
        "dotenvx-2.38.2",
        "@dotenvx/dotenvx",
        (0, 0),
        "dotenvx run",
        expand::dotenvx,
    ),
    row(
        "dotenvy-0.15.7",
        "dotenvy",
        (0, 15),
        "Rust's dotenvy",
        rust::dotenvy,
    ),
    row(
        "godotenv-1.5.1",
        "godotenv",
        (1, 5),
        "Go's godotenv",
        golang::godotenv,
    ),
    row("next-env-16.4.6", "@next/env", (0, 0), "Next", expand::next),
    row(
        "node-dotenv-8.6.0",
        "dotenv",
        (0, 0),
        "node's dotenv, to 10",
        node::first,
    ),
    row(
        "node-dotenv-14.3.2",
        "dotenv",
        (11, 0),
        "node's dotenv, 11 to 14",
        node::second,
    ),
    row(
        "node-dotenv-16.6.1",
        "dotenv",
        (15, 0),
        "node's dotenv, 15 and 16",
        node::third,
    ),
    row(
        "node-dotenv-17.4.2",
        "dotenv",
        (17, 0),
        "node's dotenv, 17",
        node::third,
    ),
    row(
        "node-dotenv-18.0.10",
        "dotenv",
        (18, 0),
        "node's dotenv, 18",
        node::third,
    ),
    row(
        "node-dotenv-18.0.10-fast",
        "",
        (18, 0),
        "node's dotenv, 18, with fast",
        node::third,
    ),
    row(
        "node-env-file-20.20.2",
        "node",
        (20, 0),
        "node --env-file, 20",
        node::env_file_20,
    ),
    row(
        "node-env-file-22.23.3",
        "node",
        (22, 0),
        "node --env-file, 22",
        node::env_file_22,
    ),
    row(
        "node-env-file-24.21.0",
        "node",
        (24, 0),
        "node --env-file, 24",
        node::env_file_22,
    ),
    row(
        "node-env-file-26.10.0",
        "node",
        (26, 0),
        "node --env-file, 26",
        node::env_file_22,
    ),
    row(
        "phpdotenv-1.1",
        "vlucas/phpdotenv",
        (1, 0),
        "phpdotenv 1",
        |text, process| phpdotenv(text, process, 1, 1),
    ),
    row(
        "phpdotenv-2.6",
        "vlucas/phpdotenv",
        (2, 0),
        "phpdotenv 2",
        |text, process| phpdotenv(text, process, 2, 6),
    ),
    row(
        "phpdotenv-3.6",
        "vlucas/phpdotenv",
        (3, 0),
        "phpdotenv 3",
        |text, process| phpdotenv(text, process, 3, 6),
    ),
    row(
        "phpdotenv-4.3",
        "vlucas/phpdotenv",
        (4, 0),
        "phpdotenv 4",
        |text, process| phpdotenv(text, process, 4, 3),
    ),
    row(
        "phpdotenv-5.6",
        "vlucas/phpdotenv",
        (5, 0),
        "phpdotenv 5",
        |text, process| phpdotenv(text, process, 5, 6),
    ),
    row(
        "python-decouple-3.8",
        "python-decouple",
        (0, 0),
        "python-decouple",
        python::decouple,
    ),
    row(
        "python-dotenv-0.21.1",
        "python-dotenv",
        (0, 0),
        "dotenv_values(), 0.x",
        python::values_before,
    ),
    row(
        "python-dotenv-1.0.1",
        "python-dotenv",
        (1, 0),
        "dotenv_values(), 1.0 and 1.1",
        python::values_before,
    ),
    row(
        "python-dotenv-1.0.1-load",
        "",
        (0, 0),
        "load_dotenv(), 1.0 and 1.1",
        python::load_before,
    ),
    row(
        "python-dotenv-1.2.4",
        "python-dotenv",
        (1, 2),
        "dotenv_values(), 1.2",
        python::values_now,
    ),
    row(
        "python-dotenv-1.2.4-load",
        "",
        (1, 2),
        "load_dotenv(), 1.2",
        python::load_now,
    ),
    row(
        "ruby-dotenv-2.4.0",
        "ruby-dotenv",
        (0, 0),
        "ruby's dotenv, to 2.7",
        ruby::first,
    ),
    row(
        "ruby-dotenv-2.8.1",
        "ruby-dotenv",
        (2, 8),
        "ruby's dotenv, 2.8",
        ruby::second,
    ),
    row(
        "ruby-dotenv-3.2.0",
        "ruby-dotenv",
        (3, 0),
        "ruby's dotenv, 3",
        ruby::third,
    ),
    row(
        "vite-loadEnv-8.3.8",
        "vite",
        (0, 0),
        "Vite's loadEnv",
        expand::vite,
    ),
];

/// The dialect of that name.
pub fn dialect(name: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|d| d.name == name)
}

/// The dialect of an installed package (`dotenv`, `16.4.5`): the newest one not younger than it.
pub fn for_package(package: &str, version: &str) -> Option<&'static Dialect> {
    let mut parts = version
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .split('.')
        .map(|p| p.parse::<u32>().unwrap_or(0));
    let asked = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    DIALECTS
        .iter()
        .filter(|d| d.package == package && d.since <= asked)
        .max_by_key(|d| d.since)
}

fn phpdotenv(
    text: &str,
    process: &Process<'_>,
    major: u32,
    minor: u32,
) -> Result<Vec<Entry>, DotenvError> {
    let version = php::Version::new(major, minor);
    let entries = php::read(text, version, process)?;
    Ok(php::effective(&entries, version, process))
}
