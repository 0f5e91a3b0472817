//! sqlite3: one dash or two before an option, the file first, then statements.

use super::scripts::Scripts;
use crate::command::sql;
use crate::command::{
    Action, Args, Command, Effect, Opt, Place, Reach, Reading, Step, Stop, Tool, World,
};

/// Judges a call of sqlite3.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    match parse(tool, step) {
        Ok(args) => command.args = args,
        Err(why) => {
            command.hints.push(("unread", why.clone()));
            return Reading::command(command.doing(Action::new(tool.name, Effect::Opaque, why)));
        }
    }
    if command.args.has(&["-help", "-version"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    let read = |text: &str| sql::sqlite_script(text);
    let mut scripts = Scripts::new(command, world, &read);
    if scripts.command.args.has(&["-A"]) {
        scripts.opaque("-A", "an archive is written or read");
        return Reading::command(scripts.command);
    }
    startup(&mut scripts, world);
    let options = scripts.command.args.options.clone();
    for option in options.iter().filter(|o| o.name == "-cmd") {
        scripts.option(option, sql::sqlite_script);
    }
    let operands = scripts.command.args.operands.clone();
    for (at, word) in operands.iter().skip(1) {
        let option = Opt {
            name: "SQL".to_owned(),
            value: Some(word.text.clone()),
            unknown: word.unknown.clone(),
            at: *at,
        };
        scripts.option(&option, sql::sqlite_script);
    }
    if operands.len() < 2 {
        scripts.stdin();
    }
    spare_new_copies(&mut scripts.command, world);
    Reading::command(scripts.command)
}

/// A copy to a file that is not there overwrites nothing.
fn spare_new_copies(command: &mut Command, world: &World<'_>) {
    let step = &command.step;
    let there = command.reaches.iter().any(|reach| match reach {
        Reach::Connection(path) => path.contains(':') || world.files.exists(&step.path(path)),
        Reach::Database(_) => false,
        Reach::Unknown(_) => true,
    });
    if there || step.place != Place::Here || step.cwd_unknown.is_some() {
        return;
    }
    let copies = |a: &&mut Action| matches!(a.name.as_ref(), ".backup" | ".save");
    for action in command.actions.iter_mut().filter(copies) {
        action.effect = Effect::Writes;
        action.why = "writes a new file".into();
    }
}

/// What runs first: the file of `-init`, else the user's own. The home is the user database's,
/// whatever `HOME` says.
fn startup(scripts: &mut Scripts<'_>, world: &World<'_>) {
    let step = scripts.command.step.clone();
    if let Some(file) = scripts.command.args.value(&["-init"]) {
        let path = step.path(file);
        scripts.file(&path, 0);
        return;
    }
    let config = step
        .vars
        .filled("XDG_CONFIG_HOME")
        .map(|c| step.path(c.as_ref()).join("sqlite3/sqliterc"));
    let homes = [
        world.caller.home.clone(),
        crate::target::libpq::home(&step.vars, world),
    ];
    let own = homes
        .into_iter()
        .flatten()
        .map(|h| step.path(h).join(".sqliterc"));
    let mut seen: Vec<std::path::PathBuf> = Vec::new();
    for path in config.into_iter().chain(own) {
        if world.files.exists(&path) && !seen.contains(&path) {
            let note = format!(
                "sqlite3 runs {} first; -init keeps it from that",
                path.display()
            );
            scripts.command.notes.push(note);
            scripts.file(&path, 0);
            seen.push(path);
        }
    }
}

fn parse(tool: &Tool, step: &Step) -> Result<Args, String> {
    let mut args = Args::default();
    let mut at = 1;
    while let Some(word) = step.argv.get(at) {
        let text = word.text.as_str();
        if !text.starts_with('-') || text == "-" {
            args.operands.push((at, word.clone()));
            at += 1;
            continue;
        }
        let name = text.replacen("--", "-", 1);
        if name.starts_with("-A") {
            args.options
                .push(option("-A", None, word.unknown.clone(), at));
            return Ok(args);
        }
        let values = if tool.data("two-values").contains(&name.as_str()) {
            2
        } else if tool.value_options.contains(&name.as_str()) {
            1
        } else if tool.data("flags").contains(&name.as_str()) {
            0
        } else {
            return Err(format!("the option `{name}` is not known here"));
        };
        let value = (values > 0).then(|| step.argv.get(at + 1)).flatten();
        let unknown = word
            .unknown
            .clone()
            .or_else(|| value.and_then(|w| w.unknown.clone()));
        args.options
            .push(option(&name, value.map(|w| w.text.clone()), unknown, at));
        at += 1 + values;
    }
    Ok(args)
}

fn option(name: &str, value: Option<String>, unknown: Option<String>, at: usize) -> Opt {
    Opt {
        name: name.to_owned(),
        value,
        unknown,
        at,
    }
}
