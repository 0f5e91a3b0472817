//! Which settings module a Django command loads, and `DATABASES` in it.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::command::tools::python::AS_MODULE;
use crate::command::{Command, World};
use crate::environment::Vars;
use crate::source::{Source, Sourced};
use crate::target::readers::python::{Interpreter, Raised, Scope};
use crate::target::{Resolution, Traced, probe};

/// What a command's settings say.
pub(super) struct Settings {
    /// `DATABASES`
    pub(super) databases: Traced,
    /// The settings module's last name, where it says which environment it is for.
    pub(super) environment: Option<Sourced<String>>,
    /// The variables after the settings have changed them (`load_dotenv`).
    pub(super) vars: Vars,
    /// Why a variable is not certain, by name; `*` stands for all.
    pub(super) doubts: Vec<(String, Rc<str>)>,
    /// Where packages of the project may be found.
    pub(super) root: PathBuf,
    /// Remarks.
    pub(super) notes: Vec<String>,
}

type Failed = Box<Resolution>;

fn stop(what: &'static str, detail: impl Into<String>) -> Failed {
    Box::new(Resolution::error(what, detail))
}

fn raised(raised: &Raised) -> Failed {
    stop("settings-invalid", raised.detail.clone())
}

/// The settings as Django itself answered them.
fn heard(command: &Command, answer: &serde_json::Value) -> Settings {
    let step = &command.step;
    let source = probe::source("Django itself");
    let module = answer.get("module").and_then(|m| m.as_str()).unwrap_or("");
    let nothing = serde_json::Value::Null;
    let databases = answer.get("databases").unwrap_or(&nothing);
    let mut vars = step.vars.clone();
    if let Some(process) = answer.get("process").and_then(|p| p.as_object()) {
        probe::changed(&mut vars, process, &source);
    }
    let program = step.path(step.program_path());
    Settings {
        databases: Traced::heard(databases, &source),
        environment: environment(&Sourced::new(module.to_owned(), source)),
        vars,
        doubts: Vec::new(),
        root: program.parent().unwrap_or(&step.cwd).to_owned(),
        notes: Vec::new(),
    }
}

/// The framework's environment, where the last name of the settings module says it.
fn environment(module: &Sourced<String>) -> Option<Sourced<String>> {
    let last = module.value.rsplit('.').next().unwrap_or("").to_owned();
    ["production", "prod", "live"]
        .contains(&last.as_str())
        .then(|| module.clone().map(|_| last))
}

/// Loads the settings of a command.
pub(super) fn load(command: &Command, world: &World<'_>) -> Result<Settings, Failed> {
    if let Some(answer) = world.heard {
        return Ok(heard(command, answer));
    }
    let step = &command.step;
    let mut argv: Vec<String> = vec![step.program_path().to_owned()];
    argv.extend(step.words().map(str::to_owned));
    let mut me = Interpreter::new(*world, &step.cwd, &step.vars, argv);
    let mut root = step.cwd.clone();
    let program = step.path(step.program_path());
    let is_admin = step.program().starts_with("django-admin");
    if !is_admin {
        let real = world.files.real_path(&program).unwrap_or(program);
        root = real.parent().unwrap_or(&step.cwd).to_owned();
        me.add_root(root.clone());
        run_manage(&mut me, &real)?;
    } else if step.via.iter().any(|v| v == AS_MODULE) {
        me.add_root(root.clone());
    }
    if let Some(path) = command.args.value(&["--pythonpath"]) {
        me.add_root(step.path(path));
        root = step.path(path);
    }
    let module = settings_module(command, &me)?;
    let scope = match me.module(&module.value) {
        Ok(Some(scope)) => scope,
        Ok(None) => return Err(missing(&me, world, &module.value)),
        Err(e) => return Err(raised(&e)),
    };
    let databases = databases(command, &mut me, &scope, &module.value)?;
    let (vars, doubts) = variables(&me);
    Ok(Settings {
        databases,
        environment: environment(&module),
        vars,
        doubts,
        root,
        notes: std::mem::take(&mut me.notes),
    })
}

/// Follows `manage.py`: it may load an environment file, and names the settings.
fn run_manage(me: &mut Interpreter<'_>, path: &Path) -> Result<(), Failed> {
    match me.load(path, "__main__", false) {
        Ok(_) => Ok(()),
        // Ending the program is what its last line does.
        Err(e) if &*e.kind == "SystemExit" => Ok(()),
        Err(e) => Err(raised(&e)),
    }
}

fn settings_module(command: &Command, me: &Interpreter<'_>) -> Result<Sourced<String>, Failed> {
    if let Some(option) = command.args.last(&["--settings"])
        && let Some(value) = &option.value
    {
        return Ok(Sourced::new(
            value.clone(),
            Source::argument("option --settings"),
        ));
    }
    let not_set = "no settings module: `DJANGO_SETTINGS_MODULE` is not set";
    let Some(value) = me.variable("DJANGO_SETTINGS_MODULE") else {
        return Err(stop("settings-not-configured", not_set));
    };
    match (value.text(), value.why_unknown()) {
        (Some(""), _) => Err(stop("settings-not-configured", not_set)),
        (Some(name), _) => Ok(Sourced::new(name.to_owned(), value.source.clone())),
        (None, why) => Err(Box::new(Resolution::unresolved(format!(
            "the settings module is not known: {}",
            why.as_deref().unwrap_or("not text")
        )))),
    }
}

/// A settings module that is not in the project: an error where it cannot be elsewhere.
fn missing(me: &Interpreter<'_>, world: &World<'_>, module: &str) -> Failed {
    let top: &str = module.split('.').next().unwrap_or(module);
    let in_project = me.roots.iter().any(|r| {
        world.files.is_dir(&r.join(top)) || world.files.is_file(&r.join(format!("{top}.py")))
    });
    if in_project {
        return stop("settings-missing", format!("there is no module `{module}`"));
    }
    Box::new(Resolution::unresolved(format!(
        "the settings module `{module}` is not in the project"
    )))
}

/// `DATABASES` of a module, or of the class that django-configurations takes.
fn databases(
    command: &Command,
    me: &mut Interpreter<'_>,
    scope: &Rc<Scope>,
    module: &str,
) -> Result<Traced, Failed> {
    let configuration = command
        .args
        .value(&["--configuration"])
        .map(str::to_owned)
        .or_else(|| {
            let value = me.variable("DJANGO_CONFIGURATION")?;
            value.text().map(str::to_owned)
        })
        .filter(|c| !c.is_empty());
    let own = scope.own("DATABASES");
    let open = scope.open.borrow().clone();
    let source = Source::project_file(&scope.module.shown, 1);
    if own.is_none()
        && let Some(name) = configuration
        && let Some(class) = scope.own(&name)
    {
        return Ok(match me.class_value(&class, "DATABASES") {
            Ok(Some(value)) => me.result(&value),
            Ok(None) => Traced::unknown(format!("`{name}` has no `DATABASES`"), source),
            Err(why) => Traced::unknown(why.to_string(), source),
        });
    }
    match (own, open) {
        (Some(value), _) => Ok(me.result(&value)),
        (None, Some(why)) => Ok(Traced::unknown(why.to_string(), source)),
        (None, None) if me.exhausted() => Ok(Traced::unknown(
            "the settings are too much code to follow",
            source,
        )),
        (None, None) => Err(stop(
            "settings-invalid",
            format!("`{module}` has no `DATABASES`"),
        )),
    }
}

/// The process's variables as the settings leave them.
pub(in crate::target) fn variables(me: &Interpreter<'_>) -> (Vars, Vec<(String, Rc<str>)>) {
    let mut vars = Vars::new();
    let mut doubts = Vec::new();
    if let Some(why) = &me.environ_open {
        doubts.push(("*".to_owned(), why.clone()));
    }
    for (name, var) in &me.environ {
        match &var.value {
            Ok(text) => vars.set(name.clone(), text, var.source.clone()),
            Err(why) => doubts.push((name.clone(), why.clone())),
        }
    }
    (vars, doubts)
}
