//! mysql, mariadb and their family: options to addresses, switches inside scripts.

use crate::command::{Command, Reach, World};
use crate::source::{Source, Sourced};
use crate::target::mysql::{self, Options};
use crate::target::{Address, Resolution};

/// Finds the databases of a client of MySQL or MariaDB.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(why) = command.hint("unread") {
        return mysql::gap(why);
    }
    let Some(tool) = command.tool else {
        return Resolution::none();
    };
    let found = mysql::options(tool, &command.step, world)
        .and_then(|options| Ok((mysql::addresses(&options, command, world)?, options)));
    let (addresses, options) = match found {
        Ok(found) => found,
        Err(stop) => {
            return Resolution {
                errors: vec![stop],
                ..Resolution::default()
            };
        }
    };
    let from = tool.data("database").first().copied().unwrap_or("operand");
    let names = names(command, &options, from);
    if from == "binlog" && !options.has("--read-from-remote-server") {
        return Resolution::none();
    }
    follow(command, &addresses, names, &options, world)
}

/// The databases that the words themselves name.
fn names(command: &Command, options: &Options, from: &str) -> Vec<Sourced<String>> {
    let operands = |skip: usize| {
        command
            .args
            .operand_texts()
            .skip(skip)
            .map(|t| Sourced::new(t.to_owned(), Source::argument("operand")))
    };
    let every = |what: &str| vec![Sourced::new("*".to_owned(), Source::argument(what))];
    match from {
        "mysql" => operands(0)
            .next()
            .or_else(|| options.last("--database"))
            .filter(|d| !d.value.is_empty())
            .into_iter()
            .collect(),
        "none" | "binlog" => Vec::new(),
        "schema" => {
            let default = || Sourced::new("mysqlslap".to_owned(), Source::default_of("mysqlslap"));
            let name = options.last("--create-schema").unwrap_or_else(default);
            vec![name]
        }
        "server" => every(command.tool_name()),
        _ if options.has("--all-databases") => every("option --all-databases"),
        _ if options.has("--databases") => operands(0).collect(),
        _ => operands(0).take(1).collect(),
    }
}

/// Follows the switches of a script from the first connection on.
fn follow(
    command: &Command,
    first: &[Address],
    names: Vec<Sourced<String>>,
    options: &Options,
    world: &World<'_>,
) -> Resolution {
    let mut resolution = Resolution::none();
    let user = options.last("--user");
    let mut addresses = first.to_vec();
    let mut named: Vec<Option<Sourced<String>>> = names.into_iter().map(Some).collect();
    for reach in &command.reaches {
        match reach {
            Reach::Unknown(why) => resolution.merge(mysql::gap(why)),
            Reach::Database(name) => {
                let source = Source::argument("the statements");
                let name = Some(Sourced::new(name.clone(), source));
                if !named
                    .iter()
                    .flatten()
                    .any(|n| Some(&n.value) == name.as_ref().map(|m| &m.value))
                {
                    named.push(name);
                }
            }
            Reach::Connection(words) => {
                finish(&mut resolution, &addresses, &named, user.as_ref());
                let mut words = words.split('\n').skip(1);
                let source = Source::argument("the script's connect");
                let name = words
                    .next()
                    .map(|n| Some(Sourced::new(n.to_owned(), source.clone())));
                if let Some(host) = words.next() {
                    let mut moved = options.clone();
                    moved.given.push(mysql::Given {
                        name: "--host".to_owned(),
                        value: Some(host.to_owned()),
                        unknown: None,
                        source,
                        typed: false,
                    });
                    match mysql::addresses(&moved, command, world) {
                        Ok(found) => addresses = found,
                        Err(stop) => resolution.merge(mysql::gap(&stop.detail)),
                    }
                }
                named = name.map_or(named, |n| vec![n]);
            }
        }
    }
    finish(&mut resolution, &addresses, &named, user.as_ref());
    resolution
}

fn finish(
    resolution: &mut Resolution,
    addresses: &[Address],
    named: &[Option<Sourced<String>>],
    user: Option<&Sourced<String>>,
) {
    let nothing = [None];
    let names = if named.is_empty() {
        &nothing[..]
    } else {
        named
    };
    let targets = mysql::targets(addresses, names, user.cloned());
    resolution.merge(Resolution {
        targets,
        ..Resolution::default()
    });
}
