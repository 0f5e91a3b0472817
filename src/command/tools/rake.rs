//! Rake: tasks of the catalogue, and the project's own as far as they can be followed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::rails::{files_below, nothing, project};
use crate::command::{
    Action, Args, Command, Effect, Reading, Step, Tool, Word, World, catalogue,
    catalogue::ActionEntry,
};
use crate::environment::Vars;
use crate::source::Source;
use crate::target::rails::{self, Gems};
use crate::target::readers::ruby::{self, Fact, Flow, Rb, Ruby, TaskDefinition, Val};

const RAKEFILES: &[&str] = &["rakefile", "Rakefile", "rakefile.rb", "Rakefile.rb"];

/// What a run of tasks does, and on which databases.
pub(super) struct Run {
    pub(super) root: Option<PathBuf>,
    actions: Vec<Action>,
    scopes: Vec<String>,
    notes: Vec<String>,
    steps: Vec<Step>,
    seen: HashSet<String>,
}

impl Run {
    pub(super) fn new(root: Option<PathBuf>) -> Self {
        Run {
            root,
            actions: Vec::new(),
            scopes: Vec::new(),
            notes: Vec::new(),
            steps: Vec::new(),
            seen: HashSet::new(),
        }
    }

    pub(super) fn action(&mut self, action: Action) {
        if !self.actions.contains(&action) {
            self.actions.push(action);
        }
    }

    pub(super) fn scope(&mut self, scope: &str) {
        if !self.scopes.iter().any(|s| s == scope) {
            self.scopes.push(scope.to_owned());
        }
    }

    fn opaque(&mut self, name: &str, why: impl Into<String>) {
        self.action(Action::new(name.to_owned(), Effect::Opaque, why.into()));
        self.scope("current");
    }

    pub(super) fn into_command(self, tool: &'static Tool, step: Step, args: Args) -> Command {
        let mut command = Command::new(Some(tool), step);
        command.args = args;
        command.actions = self.actions;
        command.notes = self.notes;
        if let Some(root) = &self.root {
            command.hints.push(("root", root.display().to_string()));
        }
        command
            .hints
            .extend(self.scopes.into_iter().map(|s| ("scope", s)));
        command
    }
}

/// Reads a step of `rake`, `bin/rake`.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let root = project(&mut step, world.files);
    read_as(tool, step, root, world)
}

/// Reads a step whose words are Rake's, for `rake` itself or for `rails TASK`.
pub(super) fn read_as(
    tool: &'static Tool,
    mut step: Step,
    root: Option<PathBuf>,
    world: &World<'_>,
) -> Reading {
    let Some(tasks) = catalogue::tool("rake") else {
        return Reading::not_mine(&step);
    };
    let options = step
        .vars
        .filled("RAKEOPT")
        .map(std::borrow::Cow::into_owned);
    let mut words: Vec<Word> = step.argv.first().cloned().into_iter().collect();
    words.extend(
        options
            .iter()
            .flat_map(|o| o.split_whitespace())
            .map(Word::literal),
    );
    words.extend(step.argv.iter().skip(1).cloned());
    let args = Args::parse(&words, tasks.value_options);
    if args.has(tasks.data("only-prints")) {
        return nothing(tool, step, "rake only prints or rehearses");
    }
    if let Some(code) = args.value(&["-e", "--execute", "-p", "--execute-print"]) {
        return executes(tool, step, args.clone(), code);
    }
    let mut run = Run::new(root);
    if let Some(dir) = args.value(&["-C", "--directory"]) {
        step.cwd = step.path(dir);
        run.root = rails::root(world.files, &step.cwd);
    }
    if step.vars.filled("RAKEOPT").is_some() {
        run.opaque(
            "RAKEOPT",
            "RAKEOPT gives rake further options, code among them",
        );
    }
    if args.has(&["-E", "--execute-continue"]) {
        run.opaque("-E", "rake evaluates Ruby code before the tasks");
    }
    let mut names: Vec<String> = Vec::new();
    for (_, word) in &args.operands {
        match assignment(&word.text) {
            Some((name, value)) => {
                let source = Source::argument(&format!("{name}=..."));
                step.vars.set(name, value, source);
            }
            None => names.push(word.text.clone()),
        }
    }
    if names.is_empty() {
        names.push("default".into());
    }
    if let Some(why) = follow_rakefile(&mut step, &args, world) {
        run.scope(&format!("unknown={why}"));
    }
    let tests = |name: &str| name == "default" || name == "test" || name.starts_with("test:");
    if names.iter().any(|n| tests(n)) && !step.vars.has("RAILS_ENV") {
        step.vars
            .set("RAILS_ENV", "test", Source::argument("a test task"));
    }
    // rspec-rails' tasks take RACK_ENV before RAILS_ENV, and the tests where neither is set.
    let specs = |name: &String| name == "spec" || name.starts_with("spec:");
    if names.iter().any(specs) {
        let told = ["RACK_ENV", "RAILS_ENV"].iter();
        let told = told.filter_map(|name| step.vars.text(name)).next();
        let environment = told.map_or_else(|| "test".to_owned(), std::borrow::Cow::into_owned);
        step.vars
            .set("RAILS_ENV", environment, Source::argument("a spec task"));
    }
    let definitions = definitions(&step, run.root.as_deref(), &args, world);
    let context = Context {
        tasks,
        definitions: &definitions,
        step: &step,
        world,
    };
    for name in &names {
        context.task(name, &mut run, 0);
    }
    let steps = std::mem::take(&mut run.steps);
    let mut command = run.into_command(tool, step, args);
    command.hints.push(("rake", "1".into()));
    Reading {
        command: Some(command),
        steps,
    }
}

/// `NAME=value` as Rake takes it.
fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

/// `rake -e CODE` evaluates the code and ends: no Rakefile is loaded.
fn executes(tool: &'static Tool, step: Step, args: Args, code: &str) -> Reading {
    let literal = ruby::parse(code).is_ok_and(|body| body.iter().all(ruby::is_literal));
    if literal {
        return nothing(tool, step, "rake evaluates a literal and ends");
    }
    let mut run = Run::new(None);
    run.action(Action::new(
        "-e",
        Effect::Opaque,
        "rake evaluates Ruby code and runs no task",
    ));
    run.scope("none");
    Reading::command(run.into_command(tool, step, args))
}

/// What the Rakefile itself does to the environment, before it loads the application; why
/// something of it is not known.
fn follow_rakefile(step: &mut Step, args: &Args, world: &World<'_>) -> Option<String> {
    let path = rakefile(step, args, world)?;
    let text = world.files.read_text(&path).ok()?;
    if !text.contains("ENV") {
        return None;
    }
    let root = path.parent().unwrap_or(&step.cwd).to_owned();
    let mut ruby = Ruby::new(world.files, root, step.vars.clone());
    let _ = ruby.load_file(&path);
    step.vars = ruby.vars;
    let (name, why) = ruby.unknown_vars.iter().next()?;
    Some(format!("the Rakefile sets {name}: {why}"))
}

/// The file that `-f` names, or the one in the directory or above it.
fn rakefile(step: &Step, args: &Args, world: &World<'_>) -> Option<PathBuf> {
    match args.value(&["-f", "--rakefile"]) {
        Some(file) => Some(step.path(file)),
        None => rakefile_above(step, world),
    }
}

/// Tasks that the project's own files define.
fn definitions(
    step: &Step,
    root: Option<&Path>,
    args: &Args,
    world: &World<'_>,
) -> Vec<TaskDefinition> {
    let rakefile = rakefile(step, args, world);
    let base = root.map_or_else(|| step.cwd.clone(), Path::to_owned);
    let mut ruby = Ruby::new(world.files, base.clone(), step.vars.clone());
    ruby.follow = true;
    ruby.rails_env = root.map(|_| environment(step));
    let mut files: Vec<PathBuf> = rakefile.into_iter().collect();
    if root.is_some() {
        files.extend(files_below(world.files, &base.join("lib/tasks"), ".rake"));
    }
    files.extend(files_below(world.files, &base.join("rakelib"), ".rake"));
    for file in files {
        let _ = ruby.load_file(&file);
    }
    ruby.facts
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Task(task) => Some(*task),
            _ => None,
        })
        .collect()
}

fn rakefile_above(step: &Step, world: &World<'_>) -> Option<PathBuf> {
    let mut dir = Some(step.cwd.as_path());
    while let Some(here) = dir {
        let found = RAKEFILES.iter().map(|n| here.join(n));
        if let Some(path) = found.into_iter().find(|p| world.files.is_file(p)) {
            return Some(path);
        }
        dir = here.parent();
    }
    None
}

fn environment(step: &Step) -> String {
    let filled = |name: &str| step.vars.text(name).filter(|v| !v.trim().is_empty());
    filled("RAILS_ENV")
        .or_else(|| filled("RACK_ENV"))
        .map_or_else(|| "development".into(), std::borrow::Cow::into_owned)
}

struct Context<'c> {
    tasks: &'static Tool,
    definitions: &'c [TaskDefinition],
    step: &'c Step,
    world: &'c World<'c>,
}

impl Context<'_> {
    /// Adds what a task of that name does: by the catalogue, and by the project's own definitions.
    fn task(&self, spelled: &str, run: &mut Run, depth: usize) {
        let (name, arguments) = split_arguments(spelled);
        let name = match name.strip_prefix("app:") {
            Some(inner) if self.tasks.action(name).is_none() => inner,
            _ => name,
        };
        if depth > 12 {
            run.opaque(name, "tasks that lead to tasks without end");
            return;
        }
        if !run.seen.insert(spelled.to_owned()) {
            return;
        }
        let listed = self.listed(name, run);
        let mut defined = false;
        for definition in self.definitions.iter().filter(|d| d.name == name) {
            defined = true;
            self.own(definition, &arguments, run, depth);
        }
        if !listed && !defined {
            if self.tasks.data("not-tasks").contains(&name) {
                run.notes.push(format!("there is no task `{name}`"));
            }
            let why = "a task that neither the catalogue nor the project's files define";
            run.action(Action::new(name.to_owned(), Effect::Opaque, why));
            // A library's, in an application: it has the application's connection. Those of `db:`
            // are all in the catalogue.
            let has = run.root.is_some() && !name.starts_with("db:");
            run.scope(if has { "current" } else { "none" });
        }
    }

    /// A task of the catalogue, plain or with a database's name behind it.
    fn listed(&self, name: &str, run: &mut Run) -> bool {
        if let Some(entry) = self.tasks.action(name) {
            let action = self.action(entry.name, entry, run);
            run.action(action);
            if entry.name.contains("mongoid") || self.tasks.data("mongoid").contains(&entry.name) {
                run.scope("mongoid");
                return true;
            }
            for scope in self.scopes(entry.name, entry.effect) {
                run.scope(scope);
            }
            return true;
        }
        let Some((stem, database)) = name.rsplit_once(':') else {
            return false;
        };
        let Some(entry) = self.tasks.action(stem) else {
            return false;
        };
        if !self.tasks.data("named").contains(&entry.name) {
            return false;
        }
        let action = self.action(name, entry, run);
        run.action(action);
        let loads = matches!(entry.name, "db:schema:load" | "db:setup" | "db:reset");
        let scope = match self.scopes(entry.name, entry.effect).first() {
            Some(&"current+test") if loads => format!("named+test={database}"),
            Some(&"test") => format!("test-named={database}"),
            _ => format!("named={database}"),
        };
        run.scope(&scope);
        if self.tasks.data("dumps").contains(&entry.name) {
            run.scope("dumped");
        }
        true
    }

    fn scopes(&self, name: &str, effect: Effect) -> Vec<&'static str> {
        let held: Vec<&'static str> = [
            "current+test",
            "prepare",
            "one",
            "every",
            "test",
            "default",
            "none",
            "version",
            "current",
        ]
        .into_iter()
        .filter(|scope| self.tasks.data(scope).contains(&name))
        .collect();
        match (held.is_empty(), effect) {
            (false, _) => held,
            (true, Effect::None) => vec!["none"],
            (true, _) => vec!["current"],
        }
    }

    /// What the version and the variables of this run make of a task.
    fn action(&self, name: &str, entry: &ActionEntry, run: &mut Run) -> Action {
        let plain = Action::new(name.to_owned(), entry.effect, entry.why);
        self.guard(entry.name, run);
        let version = self.step.vars.filled("VERSION");
        let migrates = self.tasks.data("migrates").contains(&entry.name);
        if migrates && let Some(version) = version.filter(|v| self.goes_back(v)) {
            let why = format!("VERSION={version} runs newer migrations down");
            return Action::new(name.to_owned(), Effect::Destroys, why);
        }
        // Where the target has no `schema_migrations`, these load the schema over what is there.
        let loads_since = match entry.name {
            "db:prepare" | "db:prepare:with_data" => (7, 1),
            "db:migrate" | "db:migrate:with_data" => (8, 0),
            _ => return plain,
        };
        let rails = run
            .root
            .as_deref()
            .and_then(|root| Gems::read(root, &self.step.vars, self.world).rails());
        if rails.is_some_and(|version| version < loads_since) {
            return plain;
        }
        let why = format!(
            "{}; from Rails {}.{} on, a database that was never migrated gets the schema loaded \
             over what is there",
            entry.why, loads_since.0, loads_since.1
        );
        Action::new(name.to_owned(), entry.effect, why).on_foreign(Effect::Destroys)
    }

    /// Notes what Rails' own guard would do: nothing that a verdict rests on.
    fn guard(&self, name: &str, run: &mut Run) {
        let note = if !self.tasks.data("guarded").contains(&name) {
            return;
        } else if self.step.vars.has("DISABLE_DATABASE_ENVIRONMENT_CHECK") {
            "DISABLE_DATABASE_ENVIRONMENT_CHECK is set: Rails' own guard is off, whatever its value"
        } else {
            "Rails' own guard looks at the current environment's database only, and only where \
             Rails migrated it; never at the test database"
        };
        if !run.notes.iter().any(|n| n == note) {
            run.notes.push(note.into());
        }
    }

    /// Whether a migration on disk is newer than that version.
    fn goes_back(&self, version: &str) -> bool {
        let Ok(wanted) = version.replace('_', "").parse::<u64>() else {
            return true;
        };
        let Some(root) = rails::root(self.world.files, &self.step.cwd) else {
            return true;
        };
        let newest = files_below(self.world.files, &root.join("db"), ".rb")
            .iter()
            .filter_map(|p| {
                p.file_name()?
                    .to_str()?
                    .split('_')
                    .next()?
                    .parse::<u64>()
                    .ok()
            })
            .max();
        newest.is_none_or(|n| wanted < n)
    }

    /// A task of the project: what runs before it, then its body.
    fn own(&self, task: &TaskDefinition, arguments: &[String], run: &mut Run, depth: usize) {
        for before in &task.prerequisites {
            if before == "environment" {
                continue;
            }
            let name = self.in_scope(before, &task.scope);
            self.task(&name, run, depth + 1);
        }
        let Some(body) = &task.body else { return };
        let root = run.root.clone().unwrap_or_else(|| self.step.cwd.clone());
        let mut ruby = Ruby::new(self.world.files, root, self.step.vars.clone());
        ruby.shown.clone_from(&task.file);
        ruby.rails_env = run.root.as_ref().map(|_| environment(self.step));
        ruby.locals.clone_from(&task.locals);
        let pairs: Vec<(Val, Val)> = task
            .params
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let value = arguments.get(at).map_or_else(Val::nil, Val::text);
                (Rb::Sym(name.clone()).into(), value)
            })
            .collect();
        for (name, value) in body
            .params
            .iter()
            .zip([Val::unknown("the task itself"), Rb::Hash(pairs).into()])
        {
            ruby.locals.insert(name.clone(), value);
        }
        if let Err(Flow::Raise(what, line)) = ruby.run(&body.body) {
            run.notes.push(format!(
                "{}:{line}: {} raises ({what})",
                task.file, task.name
            ));
        }
        let before = run.root.as_ref().map(|_| environment(self.step));
        if ruby.rails_env != before
            || !same(&ruby.vars, &self.step.vars)
            || !ruby.unknown_vars.is_empty()
        {
            let why = format!(
                "{}: {} changes the environment before it goes on",
                task.file, task.name
            );
            run.opaque(&task.name, why.clone());
            run.scope(&format!("elsewhere={why}"));
        }
        let facts = std::mem::take(&mut ruby.facts);
        for fact in facts {
            self.fact(fact, task, &ruby, run, depth);
        }
    }

    fn fact(
        &self,
        fact: Fact,
        task: &TaskDefinition,
        ruby: &Ruby<'_>,
        run: &mut Run,
        depth: usize,
    ) {
        match fact {
            Fact::Invoke(Ok(name)) => {
                let name = self.in_scope(&name, &[]);
                self.task(&name, run, depth + 1);
            }
            Fact::Shell(Ok(line)) => {
                let mut step = self.step.with_argv(vec![
                    Word::literal("sh"),
                    Word::literal("-c"),
                    Word::literal(line),
                ]);
                step.vars = ruby.vars.clone();
                step = step.through(format!("task {}", task.name));
                run.steps.push(step);
            }
            Fact::DatabaseTask(method, args) => self.database_task(&method, &args, run),
            Fact::Invoke(Err(why)) | Fact::Shell(Err(why)) | Fact::Sql(Err(why)) => {
                run.opaque(&task.name, why);
            }
            Fact::Opaque(what) => {
                let connects = ["establish_connection", "connected_to", "connects_to"];
                if connects.iter().any(|word| what.contains(word)) {
                    run.scope(&format!(
                        "elsewhere={} connects by itself: {what}",
                        task.name
                    ));
                }
                run.opaque(&task.name, format!("it does what is not followed: {what}"));
            }
            Fact::Sql(Ok(_)) => run.opaque(&task.name, "it executes SQL"),
            Fact::Load(_) | Fact::DatabaseFile(_) | Fact::Task(_) => {}
        }
    }

    /// `ActiveRecord::Tasks::DatabaseTasks.METHOD(environment)`.
    fn database_task(&self, method: &str, args: &[Val], run: &mut Run) {
        let why = "a call of ActiveRecord's database tasks";
        let (effect, whole) = match method {
            "drop_current" | "purge_current" | "truncate_all" | "load_schema_current" => {
                (Effect::Destroys, false)
            }
            "drop_all" | "purge_all" => (Effect::Destroys, true),
            "create_current" | "migrate" | "prepare_all" => (Effect::ChangesSchema, false),
            "create_all" => (Effect::ChangesSchema, true),
            "load_seed" => (Effect::Writes, false),
            "env" | "db_dir" | "root" | "migrations_paths" | "charset_current"
            | "collation_current" | "dump_schema" | "schema_file" => (Effect::None, false),
            _ => (Effect::Opaque, false),
        };
        run.action(Action::new(format!("DatabaseTasks.{method}"), effect, why));
        let environment = args.iter().rev().find_map(|a| match &a.rb {
            Rb::Str(text, _) if !text.is_empty() => Some(text.clone()),
            _ => None,
        });
        let unknown = args.iter().any(|a| matches!(a.rb, Rb::Unknown(_)));
        match (whole, environment, effect) {
            (_, _, Effect::None) => {}
            (true, _, _) => run.scope("every"),
            (false, Some(env), _) => run.scope(&format!("environment={env}")),
            (false, None, Effect::Opaque) => run.scope("current"),
            (false, None, _) if unknown => run.opaque(method, "its environment is not known"),
            (false, None, _) => run.scope("current+test"),
        }
    }

    /// The full name of a task named inside a namespace.
    fn in_scope(&self, name: &str, scope: &[String]) -> String {
        let name = name.strip_prefix("rake:").unwrap_or(name);
        for length in (0..=scope.len()).rev() {
            let mut full = scope[..length].to_vec();
            full.push(name.to_owned());
            let full = full.join(":");
            let known = self.definitions.iter().any(|d| d.name == full)
                || self.tasks.action(&full).is_some();
            if known {
                return full;
            }
        }
        name.to_owned()
    }
}

fn same(a: &Vars, b: &Vars) -> bool {
    a.iter().eq(b.iter())
}

/// `task[a,b]`.
fn split_arguments(spelled: &str) -> (&str, Vec<String>) {
    match spelled.split_once('[') {
        Some((name, rest)) => {
            let inner = rest.strip_suffix(']').unwrap_or(rest);
            (
                name,
                inner.split(',').map(|a| a.trim().to_owned()).collect(),
            )
        }
        None => (spelled, Vec::new()),
    }
}

/// Whether a gem is part of the project: for readers that ask before they judge.
pub(super) fn uses_gem(step: &Step, root: &Path, gem: &str, world: &World<'_>) -> bool {
    Gems::read(root, &step.vars, world).has(gem)
}
