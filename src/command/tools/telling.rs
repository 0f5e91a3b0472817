//! Programs that nobody knows and actions that no list has, by their names: who calls something
//! `reset-database` says what it does. SQL among the words of an unknown program is read.

use crate::command::sql::{self, Dialect};
use crate::command::{Action, Command, Effect, Place, Reading, Step, Tool, Word, catalogue};

/// How many words may name the action.
const NAMING: usize = 4;

/// Judges by the names what `reading` left as touching no database.
pub(in crate::command) fn judge(step: &Step, reading: &mut Reading) {
    let here = step.place == Place::Here && step.cwd_unknown.is_none();
    if !here && reading.command.is_none() && reading.steps.is_empty() {
        let tool = catalogue::find(step.program());
        reading.command = Some(Command::new(tool, step.clone()));
    }
    let Some(command) = &mut reading.command else {
        return;
    };
    let listed = |tool: &'static Tool| {
        let named = command
            .actions
            .iter()
            .any(|a| tool.action(&a.name).is_some());
        named || super::words::action_of(tool, &command.args).is_some()
    };
    // What is not there may be where it cannot be seen: `ssh app npm run db:reset`.
    let stops = command.stops_early.is_some() && here;
    let silent = command.effect() > Effect::None || stops;
    let weak = command.effect() < Effect::Opaque && !stops;
    // A single word, as most programs are called, tells of nothing: no list is unpacked for it.
    let plain = |program: &str| program.bytes().all(|b| b.is_ascii_lowercase());
    let bare = command.step.argv.len() == 1 && plain(command.step.program());
    if silent && !weak || bare && command.tool.is_none() {
        return;
    }
    let words = catalogue::find("(words)");
    let setting = words
        .filter(|_| weak)
        .and_then(|words| setting(words, &command.step));
    if let Some(name) = setting {
        let why = "a setting by which the application makes its tables anew";
        command.actions.push(Action::new(name, Effect::Opaque, why));
        return;
    }
    if silent || !reading.steps.is_empty() || command.tool.is_some_and(listed) {
        return;
    }
    let Some(words) = words else {
        return;
    };
    let unknown = command.tool.is_none() && catalogue::find(command.step.program()).is_none();
    if command
        .tool
        .is_some_and(|tool| !words.data("readers").contains(&tool.reader))
    {
        return;
    }
    let script = |tool: &Tool| words.data("interpreters").contains(&tool.reader);
    let program = || catalogue::find(command.step.program());
    let script = command.tool.or_else(program).is_some_and(script);
    let found = match told(words, &command.step, unknown, script) {
        Some(name) => Action::new(
            name,
            Effect::Opaque,
            "its name says that it destroys; what it does is not known",
        ),
        None if unknown && queries(words, &command.step) => Action::new(
            "SQL",
            Effect::Destroys,
            "SQL among the words of an unknown program",
        ),
        None => return,
    };
    command.stops_early = None;
    command.actions.push(found);
}

/// A setting of an application, among the words or the variables, that makes its tables anew.
fn setting(words: &Tool, step: &Step) -> Option<String> {
    let given = |setting: &&&str| step.words().any(|w| w.contains(**setting));
    let named = words.data("settings").iter().find(given);
    let variables = words
        .data("variables")
        .iter()
        .filter_map(|v| v.split_once('='));
    let set = |(name, value): &(&str, &str)| {
        step.vars
            .filled(name)
            .is_some_and(|text| text.starts_with(value))
    };
    let variable = || variables.clone().find(set).map(|(name, _)| name);
    named.copied().or_else(variable).map(str::to_owned)
}

/// What a word tells: that it destroys, and that it is about data.
fn tells(words: &Tool, word: &str) -> Option<(bool, bool)> {
    if !word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b":._-+@/".contains(&b))
    {
        return None;
    }
    let parts = parts(word);
    let has = |key: &str| parts.iter().any(|p| words.data(key).contains(&p.as_str()));
    let tested = |p: &String| p.starts_with("test") || p.ends_with("test") && p != "latest";
    if has("spares") || parts.iter().any(tested) {
        return None;
    }
    let data = has("destroyed") || parts.iter().any(|p| speaks(p));
    Some((has("destroys"), data))
}

/// The name that tells of destroying: of the program, or the words that name its action.
fn told(words: &Tool, step: &Step, unknown: bool, script: bool) -> Option<String> {
    if step.words().any(|w| words.data("asks").contains(&w)) {
        return None;
    }
    let own = stem(step.program());
    // A word for destroying alone is no program's name: somebody typed SQL.
    let own = own
        .filter(|_| unknown)
        .map(|name| (name, tells(words, name)));
    let (mut destroys, mut data) = match own {
        Some((_, None)) => return None,
        Some((name, Some((true, true)))) => return Some(name.to_owned()),
        Some((_, Some((_, data)))) => (false, data),
        None => (false, false),
    };
    for option in step.words().filter(|w| w.starts_with("--")) {
        let option = option.split('=').next().unwrap_or(option);
        let whole = tells(words, option) == Some((true, true));
        if whole || words.data("options").contains(&option) {
            return Some(option.to_owned());
        }
    }
    let defined = |w: &&str| w.starts_with("-D") && w.contains('=');
    let naming = step.words().filter(|w| !w.starts_with('-') || defined(w));
    // `sbt 'runMain com.acme.DropTables'`.
    let one = |w: &'_ str| {
        w.split_once("runMain ")
            .map_or(0, |(_, class)| w.len() - class.len())
    };
    let naming = naming.map(|w| w.get(one(w)..).unwrap_or(w));
    let mut name = Vec::new();
    let packager = |w: &str| words.data("packagers").contains(&w);
    let module = step.words().find(|w| !w.starts_with('-'));
    let packages = packager(step.program()) || script && module.is_some_and(packager);
    for word in naming.take(NAMING) {
        let word = word.rsplit('=').next().unwrap_or(word);
        if word.ends_with(".jar") {
            continue;
        }
        let first = name.is_empty() || name == ["run"];
        if is_file(word) && !(script && first) || packages && words.data("packages").contains(&word)
        {
            return None;
        }
        let (verb, noun) = tells(words, word)?;
        (destroys, data) = (destroys | verb, data | noun);
        name.push(word);
        if destroys && data {
            return Some(name.join(" "));
        }
    }
    None
}

/// Whether a word names a file that a program reads: a formatter is given `drop_tables.sql`.
fn is_file(word: &str) -> bool {
    let ending = word.rsplit_once('.').map(|(_, ending)| ending);
    let short = |e: &str| (1..5).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
    word.contains('/') || ending.is_some_and(short)
}

/// The administration of a database by its own program: an operand that names destroying or stopping
/// does, whatever it is done to.
pub(super) fn administration(tool: &'static Tool, step: &Step) -> Reading {
    let mut reading = super::words::read(tool, step);
    let Some(words) = catalogue::find("(words)") else {
        return reading;
    };
    let Some(command) = &mut reading.command else {
        return reading;
    };
    let asks = step.words().any(|w| words.data("asks").contains(&w));
    if command.stops_early.is_some() || command.effect() > Effect::None || asks {
        return reading;
    }
    if queries(words, step) {
        let why = "SQL among its words";
        command.actions = vec![Action::new("SQL", Effect::Destroys, why)];
        return reading;
    }
    let own = stem(step.program());
    for word in own
        .into_iter()
        .chain(command.args.operand_texts().take(NAMING))
    {
        let parts = parts(word);
        let has = |key: &str| parts.iter().any(|p| words.data(key).contains(&p.as_str()));
        if has("spares") || word.contains(' ') {
            break;
        }
        let (effect, why) = match (has("destroys"), has("stops")) {
            (true, _) => (Effect::Destroys, "its name says that it destroys"),
            (_, true) => (Effect::Stops, "its name says that it stops the server"),
            _ => continue,
        };
        command.actions = vec![Action::new(word.to_owned(), effect, why)];
        let server = command
            .args
            .value(tool.data("server"))
            .unwrap_or("its own server");
        let server = server.rsplit('@').next().unwrap_or(server).to_owned();
        command.hints.push(("name", server));
        command.hints.push(("engine", step.program().to_owned()));
        break;
    }
    reading
}

/// A file's name without its ending.
fn stem(program: &str) -> Option<&str> {
    program.split('.').next()
}

/// Whether a part of a name is an engine's, or made from one (`edgedb`, `mysql2`).
fn speaks(part: &str) -> bool {
    let made = part.ends_with("db") || part.contains("sql") || part.starts_with("db");
    made && part.len() > 3 && part != "dbus" || super::engine_of(part).is_some()
}

/// The parts of a name, in small letters: `reset-db`, `resetDb`, `DeleteDBInstance`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut small = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let before_small = chars.peek().is_some_and(char::is_ascii_lowercase);
        let starts = c.is_ascii_uppercase() && (small || before_small);
        if !c.is_ascii_alphanumeric() || starts {
            parts.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.push(c.to_ascii_lowercase());
        }
        small = c.is_ascii_lowercase();
    }
    parts
}

/// Whether a word is SQL that destroys: behind what takes a query, or anywhere where the program's
/// name speaks of SQL.
fn queries(words: &Tool, step: &Step) -> bool {
    let nouns = words.data("destroyed");
    let of_sql = |p: &String| speaks(p) || nouns.contains(&p.as_str());
    let of_sql = parts(step.program()).iter().any(of_sql);
    let takes = |w: &str| words.data("queries").contains(&w);
    let mut told = of_sql;
    step.argv.iter().skip(1).any(|word: &Word| {
        let (option, text) = match word.text.split_once('=') {
            Some((name, text)) if takes(name) => (true, text),
            _ => (false, word.text.as_str()),
        };
        let reads = told || option;
        told |= takes(text);
        let sql = || sql::judge(text, Dialect::Generic).effect();
        reads && text.contains(' ') && matches!(sql(), Effect::Destroys | Effect::Stops)
    })
}
