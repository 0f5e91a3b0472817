//! mongosh and mongo: JavaScript that is read only as far as it is a chain of known calls.

use crate::command::tools::getopt::{self, Style};
use crate::command::{Action, Command, Effect, Reach, Reading, Step, Stop, Tool, World};
use crate::target::libpq;

/// Judges a call of mongosh or of the database tools.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let parsed = getopt::parse(tool, step, Style::Gnu { posix: false });
    let mut command = Command::new(Some(tool), step.clone());
    command.args = parsed.args;
    if let Some(why) = parsed.trouble {
        command.hints.push(("unread", why.clone()));
        return Reading::command(command.doing(Action::new(tool.name, Effect::Opaque, why)));
    }
    if command.args.has(&["--help", "--version"]) {
        let why = "only help or the version is printed";
        command.stops_early = Some(Stop::new("nothing-runs", why));
        return Reading::command(command);
    }
    if tool.name != "mongosh" {
        let action = match tool.action(tool.name) {
            Some(entry) => {
                let (effect, why) = crate::command::tools::effect_of(entry, &command.args, 0);
                Action::new(entry.name, effect, why)
            }
            None => Action::new(tool.name, tool.bare, ""),
        };
        return Reading::command(command.doing(action));
    }
    shell(&mut command, world);
    Reading::command(command)
}

fn shell(command: &mut Command, world: &World<'_>) {
    let home = libpq::home(&command.step.vars, world);
    let rc = home.map(|h| command.step.path(h).join(".mongoshrc.js"));
    if let Some(rc) = rc.filter(|r| world.files.exists(r) && !command.args.has(&["--norc"])) {
        let why = format!(
            "{} runs first; --norc keeps mongosh from that",
            rc.display()
        );
        command.reaches.push(Reach::Unknown(why.clone()));
        command
            .actions
            .push(Action::new("startup file", Effect::Opaque, why));
    }
    let scripts = command.args.has(&["--file"])
        || command
            .args
            .operand_texts()
            .any(|o| o.ends_with(".js") || o.ends_with(".mongodb"));
    let evals: Vec<_> = command
        .args
        .options
        .iter()
        .filter(|o| o.name == "--eval")
        .cloned()
        .collect();
    for eval in &evals {
        let text = eval.value.as_deref().unwrap_or("");
        let (effect, why) = match &eval.unknown {
            Some(why) => (Effect::Opaque, format!("it is not literal: {why}")),
            None => judge(text, &mut command.reaches),
        };
        command.actions.push(Action::new("--eval", effect, why));
    }
    if scripts {
        command.actions.push(Action::new(
            "script",
            Effect::Opaque,
            "a script in JavaScript",
        ));
    } else if evals.is_empty() || command.args.has(&["--shell"]) {
        command.actions.push(Action::new(
            "console",
            Effect::Opaque,
            "a JavaScript session",
        ));
    }
}

const READS: &[&str] = &[
    "find",
    "findOne",
    "count",
    "countDocuments",
    "estimatedDocumentCount",
    "aggregate",
    "distinct",
    "stats",
    "dataSize",
    "storageSize",
    "totalIndexSize",
    "getIndexes",
    "getCollectionNames",
    "getCollectionInfos",
    "version",
    "serverStatus",
    "hostInfo",
    "getName",
    "getCollection",
    "getSiblingDB",
    "limit",
    "skip",
    "sort",
    "toArray",
    "pretty",
    "project",
    "projection",
    "explain",
    "hello",
    "isMaster",
    "status",
    "conf",
    "printReplicationInfo",
    "ObjectId",
    "ISODate",
    "Date",
    "NumberLong",
    "NumberInt",
    "NumberDecimal",
    "UUID",
    "print",
    "printjson",
    "currentOp",
    "size",
    "itcount",
    "hint",
    "maxTimeMS",
    "batchSize",
    "isCapped",
    "getDB",
    "getMongo",
    "getUsers",
];
const WRITES: &[&str] = &[
    "insertOne",
    "insertMany",
    "insert",
    "updateOne",
    "replaceOne",
    "deleteOne",
    "findOneAndUpdate",
    "findOneAndReplace",
    "findOneAndDelete",
    "findAndModify",
];
const SCHEMA: &[&str] = &[
    "createIndex",
    "createIndexes",
    "createCollection",
    "createView",
];
const STOPS: &[&str] = &[
    "shutdownServer",
    "stepDown",
    "reconfig",
    "fsyncLock",
    "killOp",
    "freeze",
];
const DESTROYS: &[&str] = &[
    "dropDatabase",
    "drop",
    "deleteMany",
    "remove",
    "renameCollection",
    "dropIndex",
    "dropIndexes",
    "dropUser",
    "updateMany",
    "convertToCapped",
];

/// What a text of JavaScript does; opaque unless all its calls are known.
fn judge(text: &str, reaches: &mut Vec<Reach>) -> (Effect, String) {
    let trimmed = text.trim().trim_end_matches(';');
    let mut words = trimmed.split_whitespace();
    if matches!(
        (words.next(), words.next(), words.next()),
        (Some("show"), Some(_), None)
    ) {
        return (Effect::Reads, String::new());
    }
    let calls = calls(text);
    let hits = |list: &[&str]| {
        calls
            .iter()
            .find(|(c, _)| list.contains(&c.as_str()))
            .map(|(c, _)| c.clone())
    };
    for (call, argument) in &calls {
        match call.as_str() {
            "getSiblingDB" | "getDB" => reaches.push(match argument {
                Some(name) => Reach::Database(name.clone()),
                None => Reach::Unknown("a database that is not named literally".to_owned()),
            }),
            "connect" | "Mongo" | "load" => {
                reaches.push(Reach::Unknown(format!("{call}() in JavaScript")));
            }
            _ => {}
        }
    }
    if let Some(call) = hits(DESTROYS) {
        return (Effect::Destroys, format!("calls {call}()"));
    }
    if names_harm(text) {
        return (
            Effect::Destroys,
            "writes over a collection or drops one".to_owned(),
        );
    }
    if let Some(call) = hits(STOPS) {
        return (Effect::Stops, format!("calls {call}()"));
    }
    let plain = text.chars().all(|c| c != '`' && c != '\\')
        && ![
            "=>",
            "function",
            "$where",
            "$function",
            "$accumulator",
            "eval",
            "require",
            "process",
            "[\"",
            "['",
            "=",
            "use ",
            "async",
        ]
        .iter()
        .any(|w| text.contains(w));
    let known = |c: &str| READS.contains(&c) || WRITES.contains(&c) || SCHEMA.contains(&c);
    if !plain || calls.iter().any(|(c, _)| !known(c)) || !trimmed.starts_with(['d', 'r', 'p']) {
        return (
            Effect::Opaque,
            "JavaScript that cannot be read here".to_owned(),
        );
    }
    if hits(SCHEMA).is_some() {
        (Effect::ChangesSchema, String::new())
    } else if hits(WRITES).is_some() {
        (Effect::Writes, String::new())
    } else {
        (Effect::Reads, String::new())
    }
}

/// Whether a key or a name of something that drops stands in the text. What a literal text only
/// speaks of does not count.
fn names_harm(text: &str) -> bool {
    let harm = |t: &str| {
        ["$out", "$merge", "dropDatabase"]
            .iter()
            .any(|w| t.contains(w))
    };
    let mut rest = text;
    while let Some(open) = rest.find(['"', '\'']) {
        let (outside, tail) = rest.split_at(open);
        let quote = if tail.starts_with('"') { '"' } else { '\'' };
        let inner = tail.get(1..).unwrap_or("");
        let Some(end) = inner.find(quote) else { break };
        let (said, after) = inner.split_at(end);
        let word = said
            .chars()
            .all(|c| c.is_alphanumeric() || c == '$' || c == '_');
        if harm(outside) || (word && (harm(said) || said == "drop")) {
            return true;
        }
        rest = after.get(1..).unwrap_or("");
    }
    harm(rest)
}

/// Names in front of a parenthesis, outside texts, with a first argument that is a plain text.
fn calls(text: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' | '\'' => {
                name.clear();
                let mut escaped = false;
                for (_, inner) in chars.by_ref() {
                    if inner == c && !escaped {
                        break;
                    }
                    escaped = inner == '\\' && !escaped;
                }
            }
            '(' => {
                let rest = text.get(at + 1..).unwrap_or("").trim_start();
                let argument = rest
                    .chars()
                    .next()
                    .filter(|q| matches!(q, '"' | '\''))
                    .and_then(|q| {
                        let (inner, after) = rest.get(1..)?.split_once(q)?;
                        after
                            .trim_start()
                            .starts_with(')')
                            .then(|| inner.to_owned())
                    });
                if !name.is_empty() {
                    found.push((std::mem::take(&mut name), argument));
                }
            }
            c if c.is_alphanumeric() || c == '_' || c == '$' => name.push(c),
            c if c.is_whitespace() => {}
            _ => name.clear(),
        }
    }
    found
}
