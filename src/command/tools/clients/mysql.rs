//! mysql, mariadb and their family.

use super::scripts::Scripts;
use crate::command::sql;
use crate::command::tools::effect_of;
use crate::command::{Action, Command, Effect, Opt, Reach, Reading, Step, Stop, Tool, World};
use crate::target::mysql::{self, Options};

/// Judges a client of MySQL or MariaDB.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    let options = match mysql::options(tool, step, world) {
        Ok(options) => options,
        Err(stop) => {
            // It stops where this reading is right; where it is not, nothing is known.
            if stop.what != "nothing-runs" {
                let why = stop.detail.clone();
                command
                    .actions
                    .push(Action::new(tool.name, Effect::Opaque, why));
            }
            command.stops_early = Some(stop);
            return Reading::command(command);
        }
    };
    command.args = options.args.clone();
    if command.args.has(&["--help", "--version"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    if let Some(why) = &options.trouble {
        command.hints.push(("unread", why.clone()));
        let why = why.clone();
        return Reading::command(command.doing(Action::new(tool.name, Effect::Opaque, why)));
    }
    match tool.name {
        "mysql" => Reading::command(client(command, &options, world)),
        "mysqladmin" => Reading::command(admin(command, tool)),
        _ => {
            let action = match tool.action(tool.name) {
                Some(entry) => {
                    let (effect, why) = effect_of(entry, &command.args, 0);
                    Action::new(entry.name, effect, why)
                }
                None => Action::new(tool.name, tool.bare, ""),
            };
            Reading::command(command.doing(action))
        }
    }
}

fn client(command: Command, options: &Options, world: &World<'_>) -> Command {
    if command.args.operands.len() > 1 {
        // It stops, where nobody takes the quotes away or puts them on later.
        let why = "more than one database is named";
        let mut command = command.doing(Action::new("mysql", Effect::Opaque, why));
        command.stops_early = Some(Stop::new("argv-rejected", why));
        return command;
    }
    let read = |text: &str| sql::mysql_script(text);
    let mut scripts = Scripts::new(command, world, &read);
    let mut told = false;
    for given in &options.given {
        let option = Opt {
            name: given.name.clone(),
            value: given.value.clone(),
            unknown: given.unknown.clone(),
            at: 0,
        };
        match given.name.as_str() {
            "--init-command" | "--init-command-add" => {
                scripts.option(&option, |text| sql::judge(text, sql::Dialect::Mysql));
            }
            "--execute" => {
                told = true;
                scripts.option(&option, sql::mysql_script);
            }
            "--default-character-set" if given.value.as_deref().is_some_and(splits_letters) => {
                scripts.opaque("--default-character-set", "quotes are read in another way");
            }
            "--named-commands" if given.value.as_deref() != Some("0") => {
                scripts.opaque(
                    "--named-commands",
                    "any line may be a command of the client",
                );
            }
            "--delimiter" => scripts.opaque("--delimiter", "the text is cut in another way"),
            "--pager" if given.value.is_some() => {
                scripts.command.notes.push("a pager is started".to_owned());
            }
            _ => {}
        }
    }
    if !told {
        scripts.stdin();
    }
    if scripts.command.actions.is_empty() && told {
        let action = Action::new("connect", Effect::Reads, "");
        scripts.command.actions.push(action);
    }
    scripts.command
}

/// Encodings in which a backslash may be the second half of a letter.
fn splits_letters(name: &str) -> bool {
    let safe = [
        "utf8", "latin", "ascii", "binary", "auto", "cp125", "koi8", "greek", "hebrew",
    ];
    !safe
        .iter()
        .any(|s| name.to_ascii_lowercase().starts_with(s))
}

/// `mysqladmin` takes several commands, each by any unique beginning.
fn admin(mut command: Command, tool: &'static Tool) -> Command {
    let words: Vec<(String, bool)> = command
        .args
        .operands
        .iter()
        .map(|(_, w)| (w.text.clone(), w.unknown.is_some()))
        .collect();
    let mut at = 0;
    while let Some((word, unknown)) = words.get(at) {
        at += 1;
        if *unknown {
            let why = "the command is not literal";
            command
                .actions
                .push(Action::new("mysqladmin", Effect::Opaque, why));
            continue;
        }
        let word = word.replace('_', "-").to_ascii_lowercase();
        let exact = tool.action(&word);
        let mut starting = tool.actions.iter().filter(|a| a.name.starts_with(&word));
        let found = exact.or_else(|| match (starting.next(), starting.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        });
        let Some(entry) = found else {
            let why = "no command that is known here";
            command.actions.push(Action::new(word, Effect::Opaque, why));
            continue;
        };
        command
            .actions
            .push(Action::new(entry.name, entry.effect, entry.why));
        match entry.name {
            "create" | "drop" => {
                let name = words.get(at).map(|(n, _)| n.clone());
                at += 1;
                command.reaches.push(match name {
                    Some(name) => Reach::Database(name),
                    None => Reach::Unknown("the database's name is missing".to_owned()),
                });
            }
            "kill" | "password" | "old-password" => at += 1,
            _ => {}
        }
    }
    command
}
