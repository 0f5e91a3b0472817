//! sqlcmd, clickhouse-client, and clients that are told by the catalogue alone.

use super::scripts::Scripts;
use crate::command::sql::{self, Dialect};
use crate::command::tools::getopt::{self, Style};
use crate::command::{Action, Args, Command, Effect, Opt, Reading, Step, Stop, Tool, World};

/// Parses the words; `Err` is the finished reading where nothing more can be said.
fn start(tool: &'static Tool, step: &Step) -> Result<Command, Box<Reading>> {
    let parsed = getopt::parse(tool, step, Style::Gnu { posix: false });
    let mut command = Command::new(Some(tool), step.clone());
    command.args = parsed.args;
    if let Some(why) = parsed.trouble {
        command.hints.push(("unread", why.clone()));
        let action = Action::new(tool.name, Effect::Opaque, why);
        return Err(Box::new(Reading::command(command.doing(action))));
    }
    if command.args.has(&["--help", "--version"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Err(Box::new(Reading::command(command)));
    }
    Ok(command)
}

/// Judges a call of sqlcmd.
pub(super) fn sqlcmd(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = match start(tool, step) {
        Ok(command) => command,
        Err(reading) => return *reading,
    };
    if let Some(word) = command.args.operand(0) {
        let why = format!("`{word}` is a command of the newer sqlcmd");
        command.hints.push(("unread", why.clone()));
        return Reading::command(command.doing(Action::new("sqlcmd", Effect::Opaque, why)));
    }
    let mut scripts = Scripts::new(command, world, &|text| sql::sqlcmd_script(text));
    if let Some(path) = step.vars.filled("SQLCMDINI")
        && !scripts.command.args.has(&["--disable-cmd"])
    {
        let path = step.path(path.as_ref());
        scripts.file(&path, 0);
    }
    let options = scripts.command.args.options.clone();
    let mut told = false;
    for option in &options {
        match (option.name.as_str(), option.value.as_deref()) {
            ("--query" | "--initial-query", _) => {
                told |= option.name == "--query";
                scripts.option(option, sql::sqlcmd_script);
            }
            ("--input-file", Some(list)) => {
                told = true;
                for path in list.split(',') {
                    let path = step.path(path);
                    scripts.file(&path, 0);
                }
            }
            _ => {}
        }
    }
    if !told {
        scripts.stdin();
    }
    Reading::command(scripts.command)
}

/// Judges a call of clickhouse-client.
pub(super) fn clickhouse(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    if step.program() == "clickhouse" {
        match step.argv.get(1).map(|w| w.text.clone()).as_deref() {
            Some("client") => {
                step.argv.remove(1);
            }
            Some("local" | "format" | "benchmark" | "compressor" | "obfuscator") | None => {
                return Reading::not_mine(&step);
            }
            Some(_) => {
                let why = "another program of ClickHouse";
                return Reading::opaque(Some(tool), &step, "clickhouse", why);
            }
        }
    }
    let command = match start(tool, &step) {
        Ok(command) => command,
        Err(reading) => return *reading,
    };
    let read = |text: &str| sql::judge(text, Dialect::Clickhouse);
    let mut scripts = Scripts::new(command, world, &read);
    let options = scripts.command.args.options.clone();
    let mut told = false;
    for option in &options {
        match (option.name.as_str(), option.value.as_deref()) {
            ("--query", _) => {
                told = true;
                scripts.option(option, read);
            }
            ("--queries-file", Some(path)) => {
                told = true;
                let path = step.path(path);
                scripts.file(&path, 0);
            }
            _ => {}
        }
    }
    if !told {
        scripts.stdin();
    }
    Reading::command(scripts.command)
}

/// Judges a call of a client whose options `data` names: `query` those that carry SQL, `files` those
/// that name a script, `sql-operands` from which operand on they are SQL. Without any of them
/// standard input or a console decides.
pub(super) fn query(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::of(tool, &step.argv);
    if command
        .args
        .has(&["--help", "--version", "-version", "-help"])
    {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    let dialect = match tool.data("dialect").first() {
        Some(&"postgres") => Dialect::Postgres,
        Some(&"mysql") => Dialect::Mysql,
        Some(&"sqlite") => Dialect::Sqlite,
        _ => Dialect::Generic,
    };
    let read = move |text: &str| match dialect {
        Dialect::Postgres => sql::psql_script(text, &[]),
        Dialect::Mysql => sql::mysql_script(text),
        Dialect::Sqlite => sql::sqlite_script(text),
        _ => sql::judge(text, dialect),
    };
    let mut scripts = Scripts::new(command, world, &read);
    let mut told = false;
    for option in scripts.command.args.options.clone() {
        let name = option.name.as_str();
        if tool.data("query").contains(&name) {
            told = true;
            scripts.option(&option, read);
        } else if tool.data("files").contains(&name) {
            told = true;
            match (&option.value, &option.unknown) {
                (Some(path), None) => scripts.file(&step.path(path), 0),
                _ => scripts.opaque("script", "it is not named literally"),
            }
        }
    }
    let from = tool.data("sql-operands").first();
    let from = from.and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    for (at, word) in scripts.command.args.operands.clone().into_iter().skip(from) {
        told = true;
        let option = Opt {
            name: "SQL".to_owned(),
            value: Some(word.text),
            unknown: word.unknown,
            at,
        };
        scripts.option(&option, read);
    }
    if !told {
        scripts.stdin();
    }
    Reading::command(scripts.command)
}
