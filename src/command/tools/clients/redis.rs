//! redis-cli: options end at the first word of the command; commands are judged by the catalogue.

use crate::command::catalogue::ActionEntry;
use crate::command::{
    Action, Args, Command, Effect, Opt, Reach, Reading, Stdin, Step, Stop, Tool, World,
};

/// Judges a call of redis-cli.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = parse(tool, step);
    let args = &command.args;
    let help = args
        .options
        .last()
        .is_some_and(|o| o.name == "-h" && o.value.is_none());
    if help || args.has(&["--help", "--version", "-v"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    let known = |o: &Opt| {
        tool.value_options.contains(&o.name.as_str())
            || tool.data("flags").contains(&o.name.as_str())
    };
    if let Some(option) = args.options.iter().find(|o| !known(o)) {
        let why = format!("the option `{}` is not known here", option.name);
        command.hints.push(("unread", why.clone()));
        return Reading::command(command.doing(Action::new("redis-cli", Effect::Opaque, why)));
    }
    if let Some(action) = mode(&command.args) {
        return Reading::command(command.doing(action));
    }
    let words: Vec<String> = command.args.operand_texts().map(str::to_owned).collect();
    let unknown = command
        .args
        .operands
        .iter()
        .any(|(_, w)| w.unknown.is_some());
    if unknown {
        let why = "the command is not literal";
        command
            .actions
            .push(Action::new("command", Effect::Opaque, why));
    } else if words.is_empty() {
        stdin(&mut command, tool, world);
    } else {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (name, effect, why) = judge(tool, &words);
        if name == "FLUSHALL" {
            command.hints.push(("database", "*".to_owned()));
        }
        command.actions.push(Action::new(name, effect, why));
    }
    Reading::command(command)
}

/// Options that say what is done instead of a command.
fn mode(args: &Args) -> Option<Action> {
    const MODES: &[(&str, Effect, &str)] = &[
        ("--eval", Effect::Opaque, "runs a script"),
        ("--ldb", Effect::Opaque, "runs a script"),
        ("--pipe", Effect::Opaque, "commands from standard input"),
        (
            "--lru-test",
            Effect::Destroys,
            "fills the server until it evicts",
        ),
        ("--bigkeys", Effect::Reads, ""),
        ("--hotkeys", Effect::Reads, ""),
        ("--memkeys", Effect::Reads, ""),
        ("--scan", Effect::Reads, ""),
        ("--stat", Effect::Reads, ""),
        ("--latency", Effect::Reads, ""),
        ("--latency-history", Effect::Reads, ""),
        ("--latency-dist", Effect::Reads, ""),
        ("--rdb", Effect::Reads, ""),
        ("--functions-rdb", Effect::Reads, ""),
        ("--replica", Effect::Reads, ""),
        ("--slave", Effect::Reads, ""),
        ("--intrinsic-latency", Effect::None, ""),
    ];
    if let Some(sub) = args.value(&["--cluster"]) {
        let effect = match sub {
            "check" | "info" | "help" | "backup" => Effect::Reads,
            "call" => Effect::Opaque,
            _ => Effect::Destroys,
        };
        return Some(Action::new("--cluster", effect, "changes the cluster"));
    }
    MODES
        .iter()
        .find(|(name, _, _)| args.has(&[name]))
        .map(|(name, effect, why)| Action::new(*name, *effect, *why))
}

/// One command a line.
fn stdin(command: &mut Command, tool: &'static Tool, world: &World<'_>) {
    let text = match command.step.stdin.clone().read() {
        Stdin::Null => return,
        Stdin::Text(text, _) => Ok(text),
        Stdin::File(path) => world.files.read_text(&path).map_err(|e| e.to_string()),
        Stdin::Terminal => {
            let why = "somebody types what it does";
            command
                .actions
                .push(Action::new("console", Effect::Opaque, why));
            return;
        }
        Stdin::Inherited | Stdin::Stream(_) => {
            Err("what standard input says is not known beforehand".to_owned())
        }
        Stdin::Unknown(why) => Err(why),
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => {
            let reach = format!("another server may be chosen there: {why}");
            command.reaches.push(Reach::Unknown(reach));
            command
                .actions
                .push(Action::new("standard input", Effect::Opaque, why));
            return;
        }
    };
    for (number, line) in text.lines().enumerate() {
        let words: Vec<&str> = line
            .split_whitespace()
            .map(|w| w.trim_matches(['"', '\'']))
            .collect();
        // A number in front repeats the command.
        let words = match words.first() {
            Some(first) if words.len() > 1 && first.bytes().all(|b| b.is_ascii_digit()) => {
                &words[1..]
            }
            _ => &words[..],
        };
        let Some(first) = words.first() else { continue };
        if first.eq_ignore_ascii_case("connect") {
            let place = words.get(1..3).map(|w| w.join(" "));
            command.reaches.push(match place {
                Some(place) => Reach::Connection(place),
                None => Reach::Unknown("connect without a place".to_owned()),
            });
            continue;
        }
        if first.eq_ignore_ascii_case("select") {
            if let Some(number) = words.get(1) {
                command.reaches.push(Reach::Database((*number).to_owned()));
            }
            continue;
        }
        let (name, effect, why) = judge(tool, words);
        if !command
            .actions
            .iter()
            .any(|a| a.name == name && a.effect == effect)
        {
            let why = format!("line {} of standard input: {why}", number + 1);
            command.actions.push(Action::new(name, effect, why));
        }
    }
}

/// What a command does, by its first one or two words.
fn judge(tool: &'static Tool, words: &[&str]) -> (String, Effect, String) {
    let first = words
        .first()
        .map_or(String::new(), |w| w.to_ascii_uppercase());
    let second = words
        .get(1)
        .map_or(String::new(), |w| w.to_ascii_uppercase());
    let both = format!("{first} {second}");
    let found: Option<&'static ActionEntry> = tool.action(&both).or_else(|| tool.action(&first));
    let Some(entry) = found else {
        let name: String = first.chars().take(32).collect();
        return (
            name,
            Effect::Opaque,
            "no command that is known here".to_owned(),
        );
    };
    let several = matches!(entry.name, "DEL" | "UNLINK") && words.len() > 2;
    let replaces =
        entry.name == "RESTORE" && words.iter().any(|w| w.eq_ignore_ascii_case("replace"));
    if several || replaces {
        return (
            entry.name.to_owned(),
            Effect::Destroys,
            "deletes or replaces keys".to_owned(),
        );
    }
    (entry.name.to_owned(), entry.effect, entry.why.to_owned())
}

fn parse(tool: &Tool, step: &Step) -> Args {
    let mut args = Args::default();
    let mut at = 1;
    while let Some(word) = step.argv.get(at) {
        let name = word.text.as_str();
        if !name.starts_with('-') || !args.operands.is_empty() || name == "-" {
            args.operands.push((at, word.clone()));
            at += 1;
            continue;
        }
        let value = if tool.value_options.contains(&name) {
            step.argv.get(at + 1)
        } else {
            None
        };
        args.options.push(Opt {
            name: name.to_owned(),
            value: value.map(|w| w.text.clone()),
            unknown: word
                .unknown
                .clone()
                .or_else(|| value.and_then(|w| w.unknown.clone())),
            at,
        });
        // What follows a script's file or a cluster command is theirs.
        if matches!(name, "--eval" | "--cluster") {
            return args;
        }
        at += 1 + usize::from(value.is_some());
    }
    args
}
