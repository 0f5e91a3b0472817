//! Alembic and Flask-Migrate: what `env.py` connects to, followed without running it.

use std::path::{Path, PathBuf};

use super::readers::ini::Ini;
use super::readers::python::{Interpreter, Py, Raised, Scope, Val, library_object};
use super::{Gap, Resolution, probe, sqlalchemy};
use crate::command::tools::python::AS_MODULE;
use crate::command::{Command, Effect, World};
use crate::source::Source;

fn error(raised: &Raised) -> Resolution {
    Resolution::error("settings-invalid", raised.detail.clone())
}

fn words(command: &Command) -> Vec<String> {
    let mut argv = vec![command.step.program_path().to_owned()];
    argv.extend(command.step.words().map(str::to_owned));
    argv
}

/// The databases by what `env.py` handed to its driver (`--probe`).
fn heard(command: &Command, world: &World<'_>, answer: &serde_json::Value) -> Resolution {
    let source = probe::source("env.py itself");
    let mut vars = command.step.vars.clone();
    if let Some(process) = answer.get("process").and_then(|p| p.as_object()) {
        probe::changed(&mut vars, process, &source);
    }
    let mut resolution = Resolution::none();
    let connections = answer.get("connections").and_then(|c| c.as_array());
    for one in connections.into_iter().flatten() {
        let step = &command.step;
        resolution.merge(sqlalchemy::of_connection(one, &source, &vars, step, world));
    }
    if resolution == Resolution::none() {
        return Resolution::unresolved("env.py opened no connection of SQLAlchemy");
    }
    resolution
}

/// Finds the databases of an `alembic` command.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    if command.effect() == Effect::None {
        return Resolution::none();
    }
    if let Some(answer) = world.heard {
        return heard(command, world, answer);
    }
    let step = &command.step;
    let config = match command.args.value(&["-c", "--config"]) {
        Some(path) => path.to_owned(),
        None => match step.vars.filled("ALEMBIC_CONFIG") {
            Some(path) => path.into_owned(),
            None => "alembic.ini".to_owned(),
        },
    };
    let section = command.args.value(&["-n", "--name"]).unwrap_or("alembic");
    let file = step.path(&config);
    let mut me = Interpreter::new(*world, &step.cwd, &step.vars, words(command));
    if step.via.iter().any(|v| v == AS_MODULE) {
        me.add_root(step.cwd.clone());
    }
    let location = match read_config(&mut me, command, world, &file, section) {
        Ok(location) => location,
        Err(resolution) => return *resolution,
    };
    let env = location.join("env.py");
    if !world.files.is_file(&env) {
        let shown = crate::files::shown(&env, &step.cwd);
        return Resolution::error("settings-missing", format!("there is no {shown}"));
    }
    me.x_arguments = command
        .args
        .options
        .iter()
        .filter(|o| o.name == "-x")
        .filter_map(|o| o.value.clone())
        .collect();
    me.offline = command.args.has(&["--sql"]);
    give_config(&mut me, &file, section, &step.cwd);
    match me.load(&env, "env_py", false) {
        Ok(_) => {}
        Err(raised) => return error(&raised),
    }
    connected(&me, command, world, "env.py")
}

/// Reads the configuration file; gives the directory of the scripts.
fn read_config(
    me: &mut Interpreter<'_>,
    command: &Command,
    world: &World<'_>,
    file: &Path,
    section: &str,
) -> Result<PathBuf, Box<Resolution>> {
    let step = &command.step;
    let shown = crate::files::shown(file, &step.cwd);
    let stop = |what, detail: String| Box::new(Resolution::error(what, detail));
    let dir = file.parent().unwrap_or(&step.cwd).to_owned();
    let here = dir.to_string_lossy().into_owned();
    let given = [("here", here.as_str())];
    let in_project = location_in_pyproject(world, &step.cwd);
    me.ini = match world.files.read_text(file) {
        Ok(text) => Ini::parse(&text),
        Err(_) if in_project.is_some() => Ini::default(),
        Err(e) => return Err(stop("settings-missing", format!("{shown}: {e}"))),
    };
    if let Some((line, why)) = &me.ini.error {
        return Err(stop("settings-invalid", format!("{shown}:{line}: {why}")));
    }
    let option = |ini: &Ini, name: &str| {
        ini.get(section, name, &given)
            .map_err(|why| stop("settings-invalid", format!("{shown}: `{name}`: {why}")))
    };
    let location = option(&me.ini, "script_location")?.map(|(value, _)| value);
    let prepend = option(&me.ini, "prepend_sys_path")?.map(|(value, _)| value);
    for path in prepend.iter().flat_map(|p| p.split([' ', ',', ':', '\n'])) {
        if !path.is_empty() {
            me.add_root(step.path(path));
        }
    }
    if in_project.is_some() && prepend.is_none() {
        me.add_root(step.cwd.clone());
    }
    match location.or(in_project) {
        Some(location) if location.contains(':') => Err(Box::new(Resolution::unresolved(format!(
            "the scripts stand in a package (`{location}`)"
        )))),
        Some(location) => Ok(step.path(location)),
        None => Err(stop(
            "settings-invalid",
            format!("{shown} has no `script_location` in [{section}]"),
        )),
    }
}

/// `[tool.alembic] script_location` of `pyproject.toml` (since 1.16): it names no database.
fn location_in_pyproject(world: &World<'_>, cwd: &Path) -> Option<String> {
    let text = world.files.read_text(&cwd.join("pyproject.toml")).ok()?;
    let section = text.split("[tool.alembic]").nth(1)?;
    let section = section.split("\n[").next().unwrap_or(section);
    section.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (key.trim() == "script_location").then(|| value.replace("%(here)s", &cwd.to_string_lossy()))
    })
}

/// `alembic.context.config`, as `env.py` finds it.
fn give_config(me: &mut Interpreter<'_>, file: &Path, section: &str, cwd: &Path) {
    let source = Source::default_of("alembic");
    let str = |text: &str| Val::str(text, source.clone());
    let here = file.parent().unwrap_or(cwd).to_string_lossy().into_owned();
    let config = library_object(
        "alembic.Config",
        vec![
            ("config_ini_section", str(section)),
            ("config_file_name", str(&file.to_string_lossy())),
            ("here", str(&here)),
            ("shown", str(&crate::files::shown(file, cwd))),
            ("attributes", Val::dict(Vec::new(), source.clone())),
        ],
        source.clone(),
    );
    me.given.insert("alembic.context.config".to_owned(), config);
}

/// The databases of the connections that were opened.
fn connected(me: &Interpreter<'_>, command: &Command, world: &World<'_>, who: &str) -> Resolution {
    if me.exhausted() {
        return Resolution::unresolved(format!("{who} is too much code to follow"));
    }
    let (vars, doubts) = super::django::variables(me);
    if let Some((name, why)) = doubts.iter().find(|(n, _)| n == "*" || n.starts_with("PG")) {
        return Resolution::unresolved(format!("the variable {name} is not certain: {why}"));
    }
    let mut resolution = Resolution::none();
    for event in me.events.iter().filter(|e| e.what == "connect") {
        let mut one = sqlalchemy::resolve(&event.value, &vars, &command.step, world, None);
        // A connection that fails ends it there.
        let later = !resolution.targets.is_empty();
        one.targets.iter_mut().for_each(|t| t.later = later);
        resolution.merge(one);
    }
    let nothing =
        resolution.targets.is_empty() && resolution.gaps.is_empty() && resolution.errors.is_empty();
    if nothing {
        resolution.gaps.push(Gap::new(
            "target",
            format!("{who} opens its connection in a way that cannot be followed"),
        ));
    }
    // A second URL that is refused does not undo the first connection.
    if !resolution.targets.is_empty() {
        resolution.errors.clear();
    }
    resolution
}

/// Finds the databases of `flask db ...`.
pub(super) fn flask(command: &Command, world: &World<'_>) -> Resolution {
    if command.effect() == Effect::None {
        return Resolution::none();
    }
    if let Some(answer) = world.heard {
        return heard(command, world, answer);
    }
    let step = &command.step;
    let mut me = Interpreter::new(*world, &step.cwd, &step.vars, words(command));
    // The flask command puts the working directory on the path.
    me.add_root(step.cwd.clone());
    load_env_files(&mut me, command);
    let app = match find_app(&mut me, command, world) {
        Ok(app) => app,
        Err(resolution) => return *resolution,
    };
    of_app(&me, command, world, &app)
}

/// The Flask command reads `.flaskenv` and `.env`, found upward from the working directory, and
/// the file of `-e`; later beats earlier, the process beats all.
fn load_env_files(me: &mut Interpreter<'_>, command: &Command) {
    let step = &command.step;
    let skip = step.vars.filled("FLASK_SKIP_DOTENV");
    if skip.is_some_and(|s| !["0", "false", "no"].contains(&s.to_lowercase().as_str())) {
        return;
    }
    let named = command
        .args
        .value(&["-e", "--env-file"])
        .map(str::to_owned)
        .or_else(|| {
            step.vars
                .filled("FLASK_ENV_FILE")
                .map(std::borrow::Cow::into_owned)
        });
    let files = [named.map(|n| step.path(n)), None, None];
    let found = [".env", ".flaskenv"].map(|name| {
        step.cwd
            .ancestors()
            .map(|dir| dir.join(name))
            .find(|path| me.world.files.is_file(path))
    });
    let all = files
        .into_iter()
        .flatten()
        .chain(found.into_iter().flatten());
    // What is there already stays, so that the strongest comes first.
    for path in all.collect::<Vec<_>>() {
        me.load_env_file(&path);
    }
}

/// The application: `-A`, `FLASK_APP`, `wsgi.py`, `app.py`.
fn find_app(
    me: &mut Interpreter<'_>,
    command: &Command,
    world: &World<'_>,
) -> Result<Val, Box<Resolution>> {
    let cwd = command.step.cwd.clone();
    let spec = match command.args.value(&["-A", "--app"]) {
        Some(spec) => Some(spec.to_owned()),
        None => me
            .variable("FLASK_APP")
            .and_then(|v| v.text().map(str::to_owned))
            .filter(|s| !s.is_empty()),
    };
    let spec = spec.or_else(|| {
        ["wsgi.py", "app.py"]
            .iter()
            .find(|f| world.files.is_file(&cwd.join(f)))
            .map(|f| (*f).to_owned())
            .or_else(|| {
                world
                    .files
                    .is_file(&cwd.join("app/__init__.py"))
                    .then(|| "app".to_owned())
            })
    });
    let Some(spec) = spec else {
        return Err(Box::new(Resolution::error(
            "settings-not-configured",
            "no application: neither `--app`, `FLASK_APP`, wsgi.py nor app.py",
        )));
    };
    let (module, name) = match spec.split_once(':') {
        Some((module, name)) => (module, Some(name.to_owned())),
        None => (spec.as_str(), None),
    };
    let mut module = module.trim().to_owned();
    if let Some(path) = module.strip_suffix(".py") {
        let path = path.to_owned();
        let full = cwd.join(&path);
        if let Some(dir) = full.parent() {
            me.add_root(dir.to_owned());
        }
        module = path.rsplit('/').next().unwrap_or(&path).to_owned();
    } else if module.contains('/') {
        let full = cwd.join(&module);
        if let Some(dir) = full.parent() {
            me.add_root(dir.to_owned());
        }
        module = module.rsplit('/').next().unwrap_or(&module).to_owned();
    }
    let scope = match me.module(&module) {
        Ok(Some(scope)) => scope,
        Ok(None) => {
            return Err(Box::new(Resolution::error(
                "settings-missing",
                format!("there is no module `{module}`"),
            )));
        }
        Err(raised) => return Err(Box::new(error(&raised))),
    };
    match name {
        Some(name) => named_app(me, &scope, &name),
        None => usual_app(me, &scope),
    }
}

fn is_app(value: &Val) -> bool {
    matches!(&value.py, Py::Object(o) if matches!(&o.class.py, Py::Lib(c) if &**c == "flask.Flask"))
}

fn named_app(
    me: &mut Interpreter<'_>,
    scope: &std::rc::Rc<Scope>,
    name: &str,
) -> Result<Val, Box<Resolution>> {
    let (name, arguments) = name.split_once('(').unwrap_or((name, ""));
    let plain = arguments.trim_end_matches(')').trim();
    let unknown = || {
        Box::new(Resolution::unresolved(format!(
            "the application `{name}` cannot be followed"
        )))
    };
    let value = scope.own(name.trim()).ok_or_else(unknown)?;
    if is_app(&value) {
        return Ok(value);
    }
    if !plain.is_empty() {
        return Err(unknown());
    }
    make_app(me, scope, &value).ok_or_else(unknown)?
}

fn make_app(
    me: &mut Interpreter<'_>,
    scope: &std::rc::Rc<Scope>,
    factory: &Val,
) -> Option<Result<Val, Box<Resolution>>> {
    match me.call_plain(factory, scope) {
        Ok(app) if is_app(&app) => Some(Ok(app)),
        Ok(_) => None,
        Err(raised) => Some(Err(Box::new(error(&raised)))),
    }
}

fn usual_app(me: &mut Interpreter<'_>, scope: &std::rc::Rc<Scope>) -> Result<Val, Box<Resolution>> {
    for name in ["app", "application"] {
        if let Some(value) = scope.own(name).filter(is_app) {
            return Ok(value);
        }
    }
    let all: Vec<Val> = scope
        .names
        .borrow()
        .values()
        .filter(|v| is_app(v))
        .cloned()
        .collect();
    if let [only] = all.as_slice() {
        return Ok(only.clone());
    }
    for name in ["create_app", "make_app"] {
        if let Some(factory) = scope.own(name)
            && let Some(app) = make_app(me, scope, &factory)
        {
            return app;
        }
    }
    Err(Box::new(Resolution::unresolved(
        "the Flask application cannot be found by reading the code",
    )))
}

/// The databases that an application's configuration names.
fn of_app(me: &Interpreter<'_>, command: &Command, world: &World<'_>, app: &Val) -> Resolution {
    if me.exhausted() {
        return Resolution::unresolved("the application is too much code to follow");
    }
    let (vars, doubts) = super::django::variables(me);
    if let Some((name, why)) = doubts.iter().find(|(n, _)| n == "*" || n.starts_with("PG")) {
        return Resolution::unresolved(format!("the variable {name} is not certain: {why}"));
    }
    let mut resolution = Resolution::none();
    let mut bound = me.events.iter().filter(|e| e.what == "database").peekable();
    if bound.peek().is_none() {
        return Resolution::unresolved(
            "where the application sets its database up cannot be followed",
        );
    }
    for event in bound {
        let parts = match &event.value.py {
            Py::Seq(seq) => seq.items.borrow().clone(),
            _ => {
                let why = event
                    .value
                    .why_unknown()
                    .unwrap_or_else(|| "not known".into());
                return Resolution::unresolved(why.to_string());
            }
        };
        let [uri, binds, owner] = parts.as_slice() else {
            continue;
        };
        let same = match (&owner.py, &app.py) {
            (Py::Object(a), Py::Object(b)) => std::rc::Rc::ptr_eq(a, b),
            _ => true,
        };
        if !same {
            continue;
        }
        resolution.merge(database(uri, owner, &vars, command, world));
        resolution.merge(all_binds(binds, owner, &vars, command, world));
    }
    resolution
}

fn all_binds(
    binds: &Val,
    app: &Val,
    vars: &crate::environment::Vars,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    let mut resolution = Resolution::none();
    match &binds.py {
        Py::None => {}
        Py::Dict(dict) if dict.poison.borrow().is_none() => {
            for (_, uri) in dict.items.borrow().iter() {
                let uri = match &uri.py {
                    Py::Dict(options) => match options.get("url") {
                        Some(url) => url,
                        None => continue,
                    },
                    _ => uri.clone(),
                };
                resolution.merge(database(&uri, app, vars, command, world));
            }
        }
        _ => resolution
            .gaps
            .push(Gap::new("target", "`SQLALCHEMY_BINDS` is not known")),
    }
    resolution
}

fn database(
    uri: &Val,
    app: &Val,
    vars: &crate::environment::Vars,
    command: &Command,
    world: &World<'_>,
) -> Resolution {
    if uri.is_none() {
        return Resolution::error("settings-invalid", "`SQLALCHEMY_DATABASE_URI` is not set");
    }
    let base = instance_path(app, world);
    sqlalchemy::resolve(uri, vars, &command.step, world, base.as_deref())
}

/// Where Flask-SQLAlchemy 3 puts a relative SQLite file: `instance/` beside the application's
/// module, or beside its package.
fn instance_path(app: &Val, world: &World<'_>) -> Option<PathBuf> {
    let Py::Object(object) = &app.py else {
        return None;
    };
    if let Some(path) = object.attributes.get("instance_path") {
        return path.text().map(PathBuf::from);
    }
    let file = object.attributes.get("file")?;
    let file = PathBuf::from(file.text()?);
    let mut dir = file.parent()?.to_owned();
    while world.files.is_file(&dir.join("__init__.py")) {
        dir = dir.parent()?.to_owned();
    }
    Some(dir.join("instance"))
}
