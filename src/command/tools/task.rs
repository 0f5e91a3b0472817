//! `task x` (Taskfile): the commands of a task, of those it needs and of those it calls, where they
//! can be read off the file.

use crate::command::{Args, Reading, Step, Tool, Word, World};
use crate::source::Source;
use crate::target::readers::yaml::{self, Kind, Node};

/// How deep tasks may call each other, and how many commands are followed.
const MAX_DEPTH: usize = 16;
const MAX_LINES: usize = 200;

/// The names that are looked for.
const FILES: &[&str] = &[
    "Taskfile.yml",
    "taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
];

/// Reads `task [options] [NAME=value] task...`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    let only_says = [
        "-l",
        "--list",
        "-a",
        "--list-all",
        "-n",
        "--dry",
        "--summary",
        "--status",
    ];
    if args.has(&only_says) || args.has(&["--help", "--version", "-i", "--init"]) {
        return Reading::not_mine(step);
    }
    let mut base = step.clone().through(tool.name);
    if let Some(dir) = args.value(&["-d", "--dir"]) {
        base.cwd = base.path(dir);
    }
    let path = match args.value(&["-t", "--taskfile"]) {
        Some(file) => Some(base.path(file)),
        None => {
            let mut found = FILES.iter().map(|name| base.cwd.join(name));
            found.find(|path| world.files.is_file(path))
        }
    };
    let Some(path) = path else {
        return Reading::not_mine(step);
    };
    let opaque = |why: String| Reading::opaque(Some(tool), step, "task", why);
    if let Some((word, why)) = step.first_unknown() {
        return opaque(format!("the word `{word}` is not literal: {why}"));
    }
    let root = match world.files.read_text(&path).map(|text| yaml::parse(&text)) {
        Ok(Ok(root)) => root,
        Ok(Err(_)) | Err(_) => return opaque(format!("{} cannot be read", path.display())),
    };
    let shown = crate::files::shown(&path, &step.cwd);
    for table in ["vars", "env"] {
        set(&mut base, root.get(table), &shown);
    }
    let mut names = Vec::new();
    for word in args.operand_texts() {
        match word.split_once('=') {
            Some((name, value)) => base.vars.set(name, value, Source::argument("task")),
            None => names.push(word),
        }
    }
    if names.is_empty() {
        names.push("default");
    }
    let mut tasks = Tasks {
        root: &root,
        steps: Vec::new(),
    };
    for name in names {
        if let Err(why) = tasks.task(name, &base, 0) {
            return opaque(why);
        }
    }
    Reading::steps(tasks.steps)
}

struct Tasks<'a> {
    root: &'a Node,
    steps: Vec<Step>,
}

impl Tasks<'_> {
    fn task(&mut self, name: &str, base: &Step, depth: usize) -> Result<(), String> {
        let tasks = self.root.get("tasks");
        let Some(task) = tasks.and_then(|tasks| tasks.get(name)) else {
            return match self.root.get("includes") {
                Some(_) => Err(format!("the task `{name}` may stand in an included file")),
                None => Ok(()),
            };
        };
        if depth > MAX_DEPTH || self.steps.len() > MAX_LINES {
            return Err("too many tasks to follow".to_owned());
        }
        let mut base = base.clone();
        if let Some(dir) = task.get("dir").and_then(Node::text) {
            base.cwd = base.path(dir);
        }
        for table in ["vars", "env"] {
            set(&mut base, task.get(table), name);
        }
        for need in list(task.get("deps")) {
            self.entry(need, true, &base, depth)?;
        }
        let own = match &task.kind {
            Kind::Map(_) => list(task.get("cmds")).chain(task.get("cmd")).collect(),
            _ => list(Some(task)).collect::<Vec<_>>(),
        };
        own.into_iter()
            .try_for_each(|entry| self.entry(entry, false, &base, depth))
    }

    /// A command, or the call of a task.
    fn entry(&mut self, entry: &Node, call: bool, base: &Step, depth: usize) -> Result<(), String> {
        let mut base = base.clone();
        set(&mut base, entry.get("vars"), "task");
        if let Some(deferred) = entry.get("defer") {
            return self.entry(deferred, false, &base, depth + 1);
        }
        match (entry.text(), entry.get("task"), entry.get("cmd")) {
            (Some(name), _, _) if call => self.task(name, &base, depth + 1),
            (Some(line), _, _) => self.line(line, &base),
            (None, Some(name), _) => match name.text() {
                Some(name) => self.task(name.trim_start_matches(':'), &base, depth + 1),
                None => Err("a task without a name".to_owned()),
            },
            (None, None, Some(line)) => self.line(line.text().unwrap_or(""), &base),
            (None, None, None) => Err("a command that cannot be read".to_owned()),
        }
    }

    fn line(&mut self, line: &str, base: &Step) -> Result<(), String> {
        let mut base = base.clone();
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inner, behind) = after.split_once("}}").ok_or("an open template")?;
            text.push_str(before);
            let name = inner.trim().trim_start_matches('.');
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            text.push_str(&format!("${{{}}}", if plain { name } else { "TEMPLATE" }));
            base.vars_open
                .get_or_insert("a template that is filled in later".to_owned());
            rest = behind;
        }
        text.push_str(rest);
        let words = ["bash", "-c"].map(Word::literal).into_iter();
        let argv = words.chain([Word::literal(text)]).collect();
        self.steps.push(base.with_argv(argv));
        Ok(())
    }
}

fn list(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    match node.map(|node| (&node.kind, node)) {
        Some((Kind::List(items), _)) => items.as_slice(),
        Some((_, node)) => std::slice::from_ref(node),
        None => &[],
    }
    .iter()
}

/// Sets the literal entries of a table as variables.
fn set(step: &mut Step, table: Option<&Node>, shown: &str) {
    let Some(Kind::Map(entries)) = table.map(|t| &t.kind) else {
        return;
    };
    for (name, value) in entries {
        if let (Some(name), Some(value)) = (name.text(), value.text())
            && !value.contains("{{")
        {
            step.vars.set(name, value, Source::argument(shown));
        }
    }
}
