//! Readers of migration tools whose words are not just options and an action.

use crate::command::sql::{self, Dialect};
use crate::command::{Action, Args, Command, Effect, Reading, Step, Tool, Word, World};

fn start(tool: &'static Tool, step: &Step) -> Command {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::of(tool, &step.argv);
    command
}

/// What the clauses of `--alter` do, as the SQL reader judges them.
fn alter_effect(args: &Args) -> Effect {
    let given = args.last(&["--alter", "-alter"]);
    if given.is_some_and(|o| o.unknown.is_some()) {
        return Effect::Opaque;
    }
    let text = given.and_then(|o| o.value.as_deref()).unwrap_or("").trim();
    let whole = text
        .get(..6)
        .is_some_and(|head| head.eq_ignore_ascii_case("alter "));
    let statement = if whole {
        text.to_owned()
    } else {
        format!("ALTER TABLE t {text}")
    };
    let effect = sql::judge(&statement, Dialect::Mysql).effect();
    effect.max(Effect::ChangesSchema)
}

/// `gh-ost` only looks unless `--execute` is given.
pub(super) fn gh_ost(tool: &'static Tool, step: &Step) -> Reading {
    let command = start(tool, step);
    let args = &command.args;
    let drops = args.has(&[
        "--ok-to-drop-table",
        "--initially-drop-old-table",
        "--initially-drop-ghost-table",
        "-ok-to-drop-table",
        "-initially-drop-old-table",
    ]);
    let (effect, why) = if !args.has(&["--execute", "-execute"]) {
        (Effect::Reads, "without --execute nothing is changed")
    } else if drops {
        (Effect::Destroys, "drops the old table")
    } else {
        (alter_effect(args), "rebuilds the table")
    };
    Reading::command(command.doing(Action::new("migrate", effect, why)))
}

/// The Percona toolkit.
pub(super) fn percona(tool: &'static Tool, step: &Step) -> Reading {
    let command = start(tool, step);
    let args = &command.args;
    let dry = args.has(&["--dry-run", "--help", "--version"]);
    let executes = args.has(&["--execute"]);
    let (effect, why) = match step.program() {
        _ if dry => (Effect::Reads, "only looks"),
        "pt-archiver" if args.has(&["--no-delete", "--nodelete"]) => {
            (Effect::Writes, "copies rows")
        }
        "pt-archiver" => (Effect::Destroys, "deletes the rows that it archives"),
        "pt-table-sync" if executes => (Effect::Destroys, "replaces and deletes rows"),
        "pt-kill" if args.has(&["--kill", "--kill-query"]) => (Effect::Stops, "ends sessions"),
        "pt-slave-restart" | "pt-replica-restart" | "pt-slave-delay" => {
            (Effect::Stops, "stops and starts replication")
        }
        "pt-heartbeat" | "pt-deadlock-logger" | "pt-fk-error-logger" => {
            (Effect::Writes, "writes its own table")
        }
        "pt-online-schema-change" | "pt-osc" if executes => (
            alter_effect(args),
            "rebuilds the table and drops the old one",
        ),
        _ => (Effect::Reads, "without --execute nothing is changed"),
    };
    let name = step.program().to_owned();
    Reading::command(command.doing(Action::new(name, effect, why)))
}

/// `sqlpackage /Action:...`.
pub(super) fn sqlpackage(tool: &'static Tool, step: &Step) -> Reading {
    let action = step
        .words()
        .filter_map(|w| w.split_once(':'))
        .find(|(key, _)| matches!(key.to_ascii_lowercase().as_str(), "/action" | "/a" | "-a"))
        .map(|(_, value)| value.to_ascii_lowercase())
        .unwrap_or_default();
    let (effect, why) = match action.as_str() {
        "publish" => (Effect::Destroys, "makes the schema as described"),
        "import" => (Effect::ChangesSchema, "fills a new database"),
        "" => (Effect::None, ""),
        _ => (Effect::Reads, ""),
    };
    Reading::command(start(tool, step).doing(Action::new(action, effect, why)))
}

/// `dotnet`: `ef database update` with a migration named may go back.
pub(super) fn dotnet(tool: &'static Tool, step: &Step) -> Reading {
    let mut reading = super::words::read(tool, step);
    if let Some(command) = &mut reading.command {
        let name = command.actions.first().map(|a| a.name.to_string());
        let length = match name.as_deref() {
            Some("ef database update") if command.args.operand(0) == Some("ef") => 3,
            Some("ef database update") => 2,
            _ => return reading,
        };
        if command.args.operands.len() > length {
            command.actions = vec![Action::new(
                "ef database update",
                Effect::Destroys,
                "a named migration may lie before the present one",
            )];
        }
    }
    reading
}

/// `mix`: tasks in a row (`do a, b`, `do a + b`) and the aliases of `mix.exs`.
pub(super) fn mix(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let file = world.files.read_text(&step.path("mix.exs"));
    let aliases = aliases(file.as_deref().unwrap_or(""));
    let mut command = start(tool, step);
    let mut tasks: Vec<Vec<Word>> = vec![Vec::new()];
    let words = step.argv.get(1..).unwrap_or(&[]);
    let several = words.first().is_some_and(|w| w.text == "do");
    for word in words.iter().skip(usize::from(several)) {
        if several && word.text == "+" {
            tasks.push(Vec::new());
            continue;
        }
        let ends = several && word.text.ends_with(',');
        let mut word = word.clone();
        if ends {
            word.text.pop();
        }
        if let Some(last) = tasks.last_mut() {
            last.push(word);
        }
        if ends {
            tasks.push(Vec::new());
        }
    }
    if tasks
        .first()
        .and_then(|t| t.first())
        .is_some_and(|w| w.text == "test")
    {
        command.hints.push(("env", "test".to_owned()));
    }
    let mut left = 64;
    for task in tasks {
        let words: Vec<String> = task.into_iter().map(|w| w.text).collect();
        run_task(tool, &words, &aliases, &mut command, &mut left);
    }
    Reading::command(command)
}

fn run_task(
    tool: &'static Tool,
    words: &[String],
    aliases: &[(String, Vec<String>)],
    command: &mut Command,
    left: &mut usize,
) {
    let Some(name) = words.first() else { return };
    if *left == 0 {
        let why = "aliases that call each other";
        command
            .actions
            .push(Action::new(name.clone(), Effect::Opaque, why));
        return;
    }
    *left -= 1;
    if let Some((_, tasks)) = aliases.iter().find(|(alias, _)| alias == name) {
        for task in tasks {
            let words: Vec<String> = task.split_whitespace().map(str::to_owned).collect();
            // A task of the alias's own name is the real one.
            let others: Vec<(String, Vec<String>)>;
            let aliases = if words.first() == Some(name) {
                others = aliases.iter().filter(|(a, _)| a != name).cloned().collect();
                &others
            } else {
                aliases
            };
            run_task(tool, &words, aliases, command, left);
        }
        return;
    }
    let action = match tool.action(name) {
        Some(entry) => {
            let why = entry.why;
            Action::new(entry.name, entry.effect, why)
        }
        None => Action::new(name.clone(), Effect::None, ""),
    };
    command.actions.push(action);
}

/// `name: ["task", ...]` in `mix.exs`, where the tasks are literal; a function among them counts
/// as nothing that is known.
fn aliases(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let Some(start) = text.find("aliases do") else {
        return found;
    };
    let body = text.get(start..).unwrap_or("");
    let body = body.get(..body.len().min(65_536)).unwrap_or(body);
    let mut rest = body;
    while let Some(open) = rest.find(": [") {
        let head = rest.get(..open).unwrap_or("").trim_end_matches('"');
        let from = head
            .rfind(|c: char| c == '"' || c == '[' || c == ',' || c.is_whitespace())
            .map_or(0, |at| at + 1);
        let name = head.get(from..).unwrap_or("").to_owned();
        let tail = rest.get(open + 3..).unwrap_or("");
        let end = tail.find(']').unwrap_or(tail.len());
        let tasks: Vec<String> = tail
            .get(..end)
            .unwrap_or("")
            .split('"')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        if !name.is_empty() && found.len() < 256 {
            found.push((name, tasks));
        }
        rest = tail.get(end..).unwrap_or("");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Caller, understand};
    use crate::environment::Vars;
    use crate::files::Memory;

    #[test]
    fn aliases_of_mix_are_followed() {
        let files = Memory::new().with(
            "/p/mix.exs",
            "defp aliases do\n[\n  setup: [\"deps.get\", \"ecto.setup\"],\n  \"db.again\": [\"ecto.drop\", \"ecto.create\"],\n test: [\"ecto.create --quiet\", \"test\"]\n]\nend\n",
        );
        let caller = Caller::default();
        let world = World {
            files: &files,
            caller: &caller,
            heard: None,
        };
        for (line, effect) in [
            ("mix db.again", Effect::Destroys),
            ("mix do deps.get, db.again", Effect::Destroys),
            ("mix do deps.get + ecto.drop", Effect::Destroys),
            ("mix setup", Effect::ChangesSchema),
            ("mix test", Effect::ChangesSchema),
            ("mix format", Effect::None),
        ] {
            let argv = line.split(' ').map(str::to_owned);
            let step = Step::new(argv, Vars::new(), "/p".into());
            let commands = understand(step, &world);
            assert_eq!(
                commands.iter().map(Command::effect).max(),
                Some(effect),
                "{line}"
            );
        }
    }
}
