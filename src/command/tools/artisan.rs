//! artisan: its command's name by the console's rules, its effect by name and options, and the
//! hints from which the resolver finds the connections.

use std::path::{Path, PathBuf};

use super::symfony::{self, Found, Name};
use crate::command::{Action, Command, Effect, Reading, Step, Stop, Tool, Word, World, catalogue};
use crate::files::lexical;
use crate::target::readers::php;
use php::ast::{self, Kind, Stmt};

/// How many files of own commands are looked into.
const MAX_OWN: usize = 500;

/// `./artisan ...`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let script = step.path(step.program_path());
    run(tool, step, &script, 1, world)
}

/// Whether a PHP file is an artisan, by its name or by what it loads.
pub(super) fn is_artisan(path: &Path, world: &World<'_>) -> bool {
    if path.file_name().is_some_and(|n| n == "artisan") {
        return true;
    }
    let Ok(text) = world.files.read_text(path) else {
        return false;
    };
    text.len() < 16 * 1024
        && text.contains("bootstrap/app.php")
        && (text.contains("handleCommand")
            || text.contains("Console\\Kernel")
            || text.contains("ArgvInput")
            || !text.contains("Http"))
}

/// A command of the artisan at `script`; `before` words stand in front of its own.
pub(super) fn run(
    tool: &'static Tool,
    step: &Step,
    script: &Path,
    before: usize,
    world: &World<'_>,
) -> Reading {
    let real = world
        .files
        .real_path(script)
        .unwrap_or_else(|| lexical(script));
    let root = real.parent().unwrap_or(Path::new("/")).to_owned();
    let tokens = step.argv.get(before..).unwrap_or(&[]);
    let mut command = Command::new(Some(tool), step.clone());
    command.hints.push(("root", root.display().to_string()));
    command.hints.push(("script", real.display().to_string()));
    command.hints.push(("tokens", before.to_string()));
    let (typed, at) = match symfony::name(tokens) {
        Name::Given(typed, at) => (typed, at),
        Name::None => {
            command.hints.push(("uses", "none".to_owned()));
            return Reading::command(command.doing(Action::new(
                "list",
                Effect::None,
                "the list of commands is printed",
            )));
        }
        Name::Prints => {
            command.stops_early = Some(Stop::new(
                "nothing-runs",
                "only help or the version is printed",
            ));
            return Reading::command(command);
        }
    };
    if let Some(why) = tokens.get(at).and_then(|t| t.unknown.clone()) {
        let action = Action::new("unknown command", Effect::Opaque, why);
        command.hints.push(("uses", "main".to_owned()));
        return Reading::command(command.doing(action));
    }
    let project = Project { root, world };
    project.command(tool, command, &typed, tokens, before)
}

struct Project<'a> {
    root: PathBuf,
    world: &'a World<'a>,
}

impl Project<'_> {
    fn command(
        &self,
        tool: &'static Tool,
        mut command: Command,
        typed: &str,
        tokens: &[Word],
        before: usize,
    ) -> Reading {
        let own = self.own_commands();
        let mut possible: Vec<&str> = tool
            .actions
            .iter()
            .flat_map(|a| a.aliases.iter().chain([&a.name]))
            .copied()
            .collect();
        possible.extend(own.iter().map(|c| c.name.as_str()));
        let names = match symfony::find(typed, tool.data("core"), &possible) {
            Found::Names(names) => names,
            Found::Ambiguous(names) => {
                let detail = format!("`{typed}` may be {}", names.join(", "));
                command.stops_early = Some(Stop::new("command-ambiguous", detail));
                return Reading::command(command);
            }
            Found::Nothing => return self.nothing_found(command, typed),
        };
        if let [one] = names.as_slice()
            && one != typed
        {
            command
                .notes
                .push(format!("`{typed}` completes to `{one}`"));
        }
        let first = names.first().cloned().unwrap_or_default();
        let options = tool.data(&format!("options:{first}"));
        let strict = !options.is_empty() && names.len() == 1;
        let table = if strict {
            options
        } else {
            tool.data("with-value")
        };
        match symfony::parse(tokens, before, table, strict) {
            Ok(args) => command.args = args,
            Err(stop) => {
                command.stops_early = Some(stop);
                return Reading::command(command);
            }
        }
        for name in &names {
            if own.iter().any(|c| c.name == *name) {
                command.actions.push(Action::new(
                    name.clone(),
                    Effect::Opaque,
                    "a command of the project itself: it runs the project's code",
                ));
            } else if let Some(entry) = tool
                .actions
                .iter()
                .find(|a| a.name == name || a.aliases.contains(&name.as_str()))
            {
                let (effect, why) = super::effect_of(entry, &command.args, 0);
                command.actions.push(Action::new(entry.name, effect, why));
            }
        }
        self.by_option(&mut command);
        let carried = self.carried(&command, &names);
        self.hints(tool, &mut command, &names);
        let mut reading = Reading::command(command);
        reading.steps = carried;
        reading
    }

    fn nothing_found(&self, mut command: Command, typed: &str) -> Reading {
        if !self.world.files.is_dir(&self.root.join("vendor")) {
            let detail = format!("no command is called `{typed}`");
            command.stops_early = Some(Stop::new("command-unknown", detail));
            return Reading::command(command);
        }
        let why = "a command that neither the catalogue nor the project's own code names";
        command.hints.push(("uses", "main migrations".to_owned()));
        command.hints.push(("reads", String::new()));
        Reading::command(command.doing(Action::new(typed.to_owned(), Effect::Opaque, why)))
    }

    /// Seeding adds the seeders' code to a migration.
    fn by_option(&self, command: &mut Command) {
        let seeds = command.args.has(&["--seed"]) || command.args.value(&["--seeder"]).is_some();
        if seeds
            && command
                .actions
                .iter()
                .any(|a| a.name.starts_with("migrate"))
        {
            command.actions.push(Action::new(
                "db:seed",
                Effect::Opaque,
                "runs seeders, which often empty tables",
            ));
        }
    }

    /// `tenants:run migrate:fresh`, `tenants:artisan "migrate --force"`: the command inside.
    fn carried(&self, command: &Command, names: &[String]) -> Vec<Step> {
        let carrier = names
            .iter()
            .any(|n| n == "tenants:run" || n == "tenants:artisan");
        let Some(line) = command.args.operand(0).filter(|_| carrier) else {
            return Vec::new();
        };
        let before: usize = command
            .hint("tokens")
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let mut argv: Vec<Word> = command.step.argv.get(..before).unwrap_or(&[]).to_vec();
        argv.extend(line.split_whitespace().map(Word::literal));
        for option in &command.args.options {
            if option.name == "--option"
                && let Some(value) = &option.value
            {
                let value = value.strip_suffix("=1").unwrap_or(value);
                argv.push(Word::literal(format!("--{value}")));
            }
        }
        vec![command.step.with_argv(argv).through("tenants")]
    }

    fn hints(&self, tool: &'static Tool, command: &mut Command, names: &[String]) {
        let first = names.first().cloned().unwrap_or_default();
        command.hints.push(("artisan", first.clone()));
        let unknown = command
            .args
            .options
            .iter()
            .find(|o| o.name == "--database" && o.unknown.is_some());
        if let Some(connection) = command.args.value(&["--database"])
            && unknown.is_none()
        {
            command.hints.push(("connection", connection.to_owned()));
        }
        if first == "db"
            && let Some(connection) = command.args.operand(0)
        {
            command.hints.push(("connection", connection.to_owned()));
        }
        let (hint, at) = match first.as_str() {
            "queue:clear" | "queue:work" | "queue:listen" => ("operand", 0),
            "queue:monitor" => ("queues", 0),
            "cache:clear" | "cache:prune-stale-tags" => ("store", 0),
            "cache:forget" => ("store", 1),
            _ => ("", 0),
        };
        if let Some(operand) = command.args.operand(at).filter(|_| !hint.is_empty()) {
            command.hints.push((hint, operand.to_owned()));
        }
        let effect = command.effect();
        let mut uses: Vec<&str> = Vec::new();
        let only = tool.data("only");
        if effect > Effect::None && !names.iter().all(|n| only.contains(&n.as_str())) {
            uses.push("main");
        }
        for (key, list) in tool.data {
            if let Some(what) = key.strip_prefix("uses:")
                && names.iter().any(|n| list.contains(&n.as_str()))
            {
                uses.push(what);
            }
        }
        let seeds = command.actions.iter().any(|a| a.name == "db:seed");
        let runs_code = effect == Effect::Opaque || matches!(first.as_str(), "test" | "dusk");
        for (what, also) in [("seeders", seeds), ("models", seeds || runs_code)] {
            if also && !uses.contains(&what) {
                uses.push(what);
            }
        }
        if command.args.options.iter().any(|o| o.name == "--isolated") {
            uses.push("locks");
        }
        let consoles = matches!(effect, Effect::Opaque | Effect::Reads);
        if consoles
            && !first.starts_with("migrate")
            && !first.contains("cache")
            && first != "optimize"
        {
            command.hints.push(("reads", String::new()));
        }
        if effect == Effect::Opaque && !uses.contains(&"migrations") && first.contains("seed") {
            uses.push("main");
        }
        if uses.is_empty() {
            uses.push("none");
        }
        command.hints.push(("uses", uses.join(" ")));
        if matches!(first.as_str(), "test" | "dusk" | "dusk:fails") {
            command.hints.push(("testing", first.clone()));
            super::phpunit::judge(command, &self.root, self.world);
        }
        if matches!(first.as_str(), "config:cache" | "optimize") {
            command.notes.push("writes bootstrap/cache/config.php: every later command reaches what is resolved now".to_owned());
        }
        if first == "env:decrypt" || first == "config:clear" {
            command
                .notes
                .push("later commands may reach another database than those before".to_owned());
        }
    }

    /// The commands that the project's own code registers.
    fn own_commands(&self) -> Vec<Own> {
        let mut out = Vec::new();
        let mut open = vec![
            self.root.join("app/Console/Commands"),
            self.root.join("app/Commands"),
        ];
        let mut seen = 0;
        while let Some(dir) = open.pop() {
            for name in self.world.files.list(&dir) {
                seen += 1;
                if seen > MAX_OWN {
                    return out;
                }
                let path = dir.join(&name);
                if name.ends_with(".php") {
                    self.read_own(&path, &mut out);
                } else if self.world.files.is_dir(&path) {
                    open.push(path);
                }
            }
        }
        self.read_own(&self.root.join("routes/console.php"), &mut out);
        out
    }

    fn read_own(&self, path: &Path, out: &mut Vec<Own>) {
        let Ok(text) = self.world.files.read_text(path) else {
            return;
        };
        let statements = php::parse(&text);
        let mut add = |signature: &str| {
            if let Some(name) = signature.split_whitespace().next() {
                out.push(Own {
                    name: name.to_owned(),
                });
            }
        };
        for statement in &statements {
            if let Stmt::Class(class) = statement {
                for (name, default) in &class.properties {
                    if let (
                        "signature" | "name",
                        Some(ast::Expr {
                            kind: Kind::Str(text),
                            ..
                        }),
                    ) = (name.as_str(), default)
                    {
                        add(text);
                    }
                }
            }
        }
        ast::walk(&statements, &mut |e| {
            if let Kind::StaticCall(class, method, args) = &e.kind
                && class.ends_with("Artisan")
                && method == "command"
                && let Some(Kind::Str(text)) = args.first().map(|a| &a.value.kind)
            {
                add(text);
            }
        });
    }
}

struct Own {
    name: String,
}

/// The artisan tool.
pub(super) fn tool() -> Option<&'static Tool> {
    catalogue::tool("artisan")
}
