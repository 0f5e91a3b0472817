//! Calls of the project's own functions and classes, and imports of its modules.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Statement, StatementKind};
use super::eval::Interpreter;
use super::exec::Flow;
use super::value::{Arguments, Code, Dict, Function, ModuleInfo, Object, Outcome, Py, Scope, Val};
use super::{library, methods, parse, settings};

/// Modules that count as installed where the project tries to import them: the readers of
/// environment files and the standard library's names that settings use.
const ASSUMED: &[&str] = &[
    "os",
    "sys",
    "pathlib",
    "json",
    "re",
    "logging",
    "datetime",
    "typing",
    "urllib",
    "socket",
    "configparser",
    "ast",
    "functools",
    "collections",
    "string",
    "platform",
    "warnings",
    "enum",
    "dataclasses",
    "contextlib",
    "subprocess",
    "secrets",
    "uuid",
    "io",
    "shutil",
    "tempfile",
    "__future__",
    "dotenv",
    "environ",
    "decouple",
    "environs",
    "dj_database_url",
    "django",
    "pydantic",
    "pydantic_settings",
    "pydantic_core",
    "sqlalchemy",
    "alembic",
    "flask",
    "flask_sqlalchemy",
    "flask_migrate",
    "configurations",
    "sqlmodel",
    "asyncio",
    "copy",
    "itertools",
    "operator",
];

enum Found {
    Project(Rc<Scope>),
    Library,
    Missing,
}

impl Interpreter<'_> {
    /// Calls a value.
    pub(super) fn call(
        &mut self,
        function: &Val,
        arguments: Arguments,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        match &function.py {
            Py::Lib(path) => {
                let path = path.clone();
                if let Some(result) = library::call(self, &path, &arguments, scope, line) {
                    return result;
                }
                Ok(self.unseen_call(&path, &arguments, scope, line))
            }
            Py::Method(of, name) => {
                let (of, name) = (of.as_ref().clone(), name.clone());
                if let Py::Object(object) = &of.py
                    && matches!(object.class.py, Py::Class(_))
                {
                    return self.call_method(
                        &of,
                        &object.class.clone(),
                        &name,
                        arguments,
                        scope,
                        line,
                    );
                }
                if matches!(of.py, Py::Class(_)) {
                    return self.call_method(&of, &of.clone(), &name, arguments, scope, line);
                }
                methods::call(self, &of, &name, &arguments, scope, line)
            }
            Py::Function(f) => self.call_function(&f.clone(), arguments, scope, line),
            Py::Class(_) => self.instantiate(function, arguments, scope, line),
            Py::Object(_) | Py::Path(_) => {
                methods::call(self, function, "__call__", &arguments, scope, line)
            }
            Py::Unknown(why) => {
                let why = why.clone();
                self.spoil_arguments(&arguments, &why);
                Ok(Val::unknown(why, self.source(scope, line)))
            }
            _ => self.raised(scope, line, "TypeError", "not callable"),
        }
    }

    /// A call of something that cannot be followed: whatever it was given may have been changed.
    pub(super) fn unseen_call(
        &mut self,
        name: &str,
        arguments: &Arguments,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Val {
        let value = self.unknown(scope, line, format!("`{name}()` cannot be followed"));
        if !library::changes_nothing(name)
            && let Some(why) = value.why_unknown()
        {
            self.spoil_arguments(arguments, &why);
        }
        value
    }

    fn spoil_arguments(&mut self, arguments: &Arguments, why: &Rc<str>) {
        for argument in arguments.all() {
            if matches!(argument.py, Py::Environ) {
                self.environ_open = Some(why.clone());
            }
            self.spoil_value(argument, why, 0);
        }
    }

    fn call_method(
        &mut self,
        of: &Val,
        class: &Val,
        name: &str,
        mut arguments: Arguments,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        match self.find_in_class(class, name) {
            Ok(Some(Val {
                py: Py::Function(f),
                ..
            })) => {
                arguments.plain.insert(0, of.clone());
                self.call_function(&f, arguments, scope, line)
            }
            Ok(_) => Ok(self.unknown(scope, line, format!("`{name}` is not a method"))),
            Err(why) => Ok(self.unknown(scope, line, why)),
        }
    }

    pub(crate) fn call_function(
        &mut self,
        function: &Rc<Function>,
        arguments: Arguments,
        caller: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let inner = Scope::inside(&function.scope, false, self.maybe.len());
        let parameters = function.code.parameters();
        let mut given = arguments.named.clone();
        for (at, (name, _)) in parameters.plain.iter().enumerate() {
            let named = given.iter().position(|(n, _)| **n == **name);
            let value = match named {
                Some(found) => Some(given.remove(found).1),
                None if at < parameters.positional => arguments.plain.get(at).cloned(),
                None => None,
            };
            let value = match (value, &arguments.open) {
                (Some(value), _) => value,
                (None, Some(why)) => self.unknown(caller, line, why),
                (None, None) => match function.defaults.get(at).cloned().flatten() {
                    Some(default) => default,
                    None => {
                        return self.raised(
                            caller,
                            line,
                            "TypeError",
                            format!("`{}` needs `{name}`", function.name),
                        );
                    }
                },
            };
            inner.names.borrow_mut().insert(name.clone(), value);
        }
        let source = self.source(caller, line);
        if let Some(rest) = &parameters.rest {
            let extra = arguments.plain.iter().skip(parameters.positional);
            let value = match &arguments.open {
                Some(why) => Val::unknown(why.clone(), source.clone()),
                None => Val::seq(extra.cloned().collect(), true, source.clone()),
            };
            inner.names.borrow_mut().insert(rest.clone(), value);
        }
        if let Some(keywords) = &parameters.keywords {
            let value = match &arguments.open {
                Some(why) => Val::unknown(why.clone(), source.clone()),
                None => Val::dict(given, source.clone()),
            };
            inner.names.borrow_mut().insert(keywords.clone(), value);
        }
        let result = match &function.code {
            Code::Expression(_, body) => {
                let body = body.clone();
                return self.eval(&body, &inner);
            }
            Code::Block(definition) => {
                let definition = definition.clone();
                if self.depth + 4 >= super::eval::MAX_DEPTH {
                    self.fuel = 0;
                    return Ok(self.unknown(caller, line, "calls nested too deep to follow"));
                }
                self.depth += 4;
                let flow = self.block(&definition.body, &inner);
                self.depth -= 4;
                flow
            }
        };
        let unsure = inner.unsure.borrow().clone();
        match (unsure, result) {
            (Some(why), _) => Ok(Val::unknown(why, source)),
            (None, Flow::Return(value)) => Ok(value),
            (None, Flow::Raise(raised)) => Err(raised),
            (None, _) => Ok(Val::none(source)),
        }
    }

    fn instantiate(
        &mut self,
        class: &Val,
        arguments: Arguments,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        if settings::is_settings_class(class) {
            return settings::instantiate(self, class, &arguments, scope, line);
        }
        let object = Object {
            class: class.clone(),
            attributes: Dict::default(),
        };
        let value = Val::new(Py::Object(Rc::new(object)), self.source(scope, line));
        match self.find_in_class(class, "__init__") {
            Ok(Some(Val {
                py: Py::Function(f),
                ..
            })) => {
                let mut arguments = arguments;
                arguments.plain.insert(0, value.clone());
                self.call_function(&f, arguments, scope, line)?;
            }
            Ok(_) => {
                if let Py::Object(object) = &value.py {
                    for (name, argument) in arguments.named {
                        object.attributes.set(name, argument);
                    }
                }
            }
            Err(why) => {
                if let Py::Object(object) = &value.py {
                    object.attributes.poison(&why);
                }
            }
        }
        Ok(value)
    }

    /// The file of a module below one of the roots; a directory without `__init__.py` counts as
    /// an empty package.
    fn module_file(&self, name: &str) -> Option<(PathBuf, bool)> {
        let relative: PathBuf = name.split('.').collect();
        for root in &self.roots {
            let base = root.join(&relative);
            let package = base.join("__init__.py");
            if self.world.files.is_file(&package) {
                return Some((package, true));
            }
            let file = base.with_extension("py");
            let file = if name.contains('.') || base.extension().is_none() {
                file
            } else {
                root.join(format!("{name}.py"))
            };
            if self.world.files.is_file(&file) {
                return Some((file, false));
            }
        }
        self.roots
            .iter()
            .map(|root| root.join(&relative))
            .find(|dir| self.world.files.is_dir(dir))
            .map(|dir| (dir.join("__init__.py"), true))
    }

    fn find_module(&mut self, name: &str, depth: usize) -> Outcome<Found> {
        if let Some(module) = self.modules.get(name) {
            return Ok(Found::Project(module.clone()));
        }
        let top = name.split('.').next().unwrap_or(name);
        if depth > 24 {
            return Ok(Found::Library);
        }
        let Some(_) = self.module_file(top) else {
            let local = [
                "local", "setting", "secret", "private", "override", "config",
            ]
            .iter()
            .any(|word| name.contains(word));
            return Ok(if local && !ASSUMED.contains(&top) {
                Found::Missing
            } else {
                Found::Library
            });
        };
        let Some((file, is_package)) = self.module_file(name) else {
            return Ok(Found::Missing);
        };
        if let Some((outer, _)) = name.rsplit_once('.') {
            let outer = outer.to_owned();
            if let Found::Missing = self.find_module(&outer, depth + 1)? {
                return Ok(Found::Missing);
            }
        }
        self.load(&file, name, is_package).map(Found::Project)
    }

    /// Evaluates a file as a module of that name.
    pub(crate) fn load(&mut self, file: &Path, name: &str, is_package: bool) -> Outcome<Rc<Scope>> {
        let shown = crate::files::shown(file, &self.cwd);
        let package = if is_package {
            name.to_owned()
        } else {
            name.rsplit_once('.').map_or("", |(p, _)| p).to_owned()
        };
        let info = ModuleInfo {
            file: file.to_owned(),
            shown,
            name: name.to_owned(),
            package,
        };
        let scope = Scope::of_module(info, self.maybe.len());
        self.modules.insert(name.to_owned(), scope.clone());
        let text = match self.world.files.read_text(file) {
            Ok(text) => text,
            Err(crate::files::FileError::Missing) => return Ok(scope),
            Err(e) => {
                let why: Rc<str> = format!("{} cannot be read: {e}", scope.module.shown).into();
                *scope.open.borrow_mut() = Some(why);
                return Ok(scope);
            }
        };
        if self.depth + 8 >= super::eval::MAX_DEPTH {
            self.fuel = 0;
            return Ok(scope);
        }
        let block = parse::module(&text);
        scope.busy.set(true);
        self.depth += 6;
        let flow = self.block(&block, &scope);
        self.depth -= 6;
        scope.busy.set(false);
        match flow {
            Flow::Raise(raised) => {
                self.modules.remove(name);
                Err(raised)
            }
            _ => Ok(scope),
        }
    }

    /// A module of that name, for a caller outside: its scope, or why there is none.
    pub(crate) fn module(&mut self, name: &str) -> Outcome<Option<Rc<Scope>>> {
        Ok(match self.find_module(name, 0)? {
            Found::Project(scope) => Some(scope),
            Found::Library | Found::Missing => None,
        })
    }

    /// The library that a statement inside `try` imports and that may not be installed.
    pub(super) fn doubtful_import(
        &mut self,
        statement: &Statement,
        scope: &Scope,
    ) -> Option<String> {
        let doubtful = |me: &Self, name: &str| {
            let top = name.split('.').next().unwrap_or(name).to_owned();
            (me.module_file(&top).is_none() && !ASSUMED.contains(&top.as_str())).then_some(top)
        };
        match &statement.kind {
            StatementKind::Import(modules) => modules.iter().find_map(|(m, _)| doubtful(self, m)),
            StatementKind::ImportFrom {
                level: 0, module, ..
            } => {
                let found = doubtful(self, module)?;
                match self.find_module(module, 0) {
                    Ok(Found::Missing) => None,
                    _ => Some(found),
                }
            }
            _ => {
                let _ = scope;
                None
            }
        }
    }

    pub(super) fn import(
        &mut self,
        module: &str,
        alias: Option<&str>,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<()> {
        let source = self.source(scope, line);
        let top = module.split('.').next().unwrap_or(module);
        let value = match self.find_module(module, 0)? {
            Found::Missing => {
                return self.raised(
                    scope,
                    line,
                    "ModuleNotFoundError",
                    format!("no module `{module}`"),
                );
            }
            Found::Library => Val::lib(if alias.is_some() { module } else { top }, source),
            Found::Project(found) => {
                let found = if alias.is_none() {
                    self.modules.get(top).cloned().unwrap_or(found)
                } else {
                    found
                };
                Val::new(Py::Module(found), source)
            }
        };
        if module == "dotenv.autoload" {
            self.environ_open = Some("`dotenv.autoload`".into());
        }
        self.bind(alias.unwrap_or(top), value, scope);
        Ok(())
    }

    pub(super) fn import_from(
        &mut self,
        level: usize,
        module: &str,
        names: Option<&[(String, String)]>,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<()> {
        let Some(full) = absolute(level, module, &scope.module.package) else {
            return self.raised(
                scope,
                line,
                "ImportError",
                "a relative import without a package",
            );
        };
        let found = match self.find_module(&full, 0)? {
            Found::Library if level > 0 => Found::Missing,
            found => found,
        };
        let source = self.source(scope, line);
        let missing = format!("no module `{full}`");
        match (found, names) {
            (Found::Missing, _) => self.raised(scope, line, "ModuleNotFoundError", missing),
            (Found::Library, None) if library::harmless_star(&full) => Ok(()),
            (Found::Library, None) => {
                let why: Rc<str> = format!(
                    "{}:{line} imports everything from `{full}`, which cannot be read",
                    scope.module.shown
                )
                .into();
                self.spoil(scope, &why);
                Ok(())
            }
            (Found::Library, Some(names)) => {
                for (name, alias) in names {
                    let full = format!("{full}.{name}");
                    let value = match self.given.get(&full) {
                        Some(given) => given.clone(),
                        None => library::constant(self, &full, &source)
                            .unwrap_or_else(|| Val::lib(&full, source.clone())),
                    };
                    self.bind(alias, value, scope);
                }
                Ok(())
            }
            (Found::Project(module), None) => {
                self.import_star(&module, scope);
                Ok(())
            }
            (Found::Project(module), Some(names)) => {
                for (name, alias) in names {
                    let value = self.member(&module, name, scope, line)?;
                    self.bind(alias, value, scope);
                }
                Ok(())
            }
        }
    }

    fn member(
        &mut self,
        module: &Rc<Scope>,
        name: &str,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        if let Some(value) = module.own(name) {
            return Ok(value);
        }
        let submodule = format!("{}.{name}", module.module.name);
        if module.module.package == module.module.name
            && let Some((file, is_package)) = self.module_file(&submodule)
        {
            let scope = match self.modules.get(&submodule) {
                Some(scope) => scope.clone(),
                None => self.load(&file, &submodule, is_package)?,
            };
            return Ok(Val::new(Py::Module(scope.clone()), self.source(&scope, 1)));
        }
        let open = module.open.borrow().clone();
        match open {
            Some(why) => Ok(self.unknown(scope, line, why)),
            None if module.busy.get() || !self.maybe.is_empty() => Ok(self.unknown(
                scope,
                line,
                format!("`{name}` of a module that imports this one"),
            )),
            None => self.raised(scope, line, "ImportError", format!("no `{name}` to import")),
        }
    }

    fn import_star(&mut self, module: &Rc<Scope>, scope: &Rc<Scope>) {
        if let Some(why) = module.open.borrow().clone() {
            self.spoil(scope, &why);
        }
        let wanted: Option<Vec<Rc<str>>> = module.own("__all__").and_then(|all| {
            let items = self.iterate(&all).ok()?;
            items.iter().map(Val::key).collect()
        });
        let names: Vec<(String, Val)> = module
            .names
            .borrow()
            .iter()
            .filter(|(name, _)| match &wanted {
                Some(wanted) => wanted.iter().any(|w| **w == ***name),
                None => !name.starts_with('_'),
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in names {
            self.bind(&name, value, scope);
        }
    }
}

/// The absolute name of a relative import.
fn absolute(level: usize, module: &str, package: &str) -> Option<String> {
    if level == 0 {
        return Some(module.to_owned());
    }
    let mut parts: Vec<&str> = package.split('.').filter(|p| !p.is_empty()).collect();
    if parts.is_empty() {
        return None;
    }
    for _ in 1..level {
        parts.pop()?;
    }
    if !module.is_empty() {
        parts.push(module);
    }
    (!parts.is_empty()).then(|| parts.join("."))
}
