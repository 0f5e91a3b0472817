//! Evaluates configuration modules without running them: what follows from literals, the
//! environment and other files of the project becomes a value, everything else is unknown with
//! its place.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Body, Entry, Expr, Node, Pattern, Statement};
use super::parse;
use super::value::{Closure, Entries, Js, Scope, Val, same};
use crate::command::{Step, Stop, World};
use crate::environment::{Var, Vars};
use crate::files;
use crate::source::Source;
use crate::target::{Traced, probe};

const MAX_CALLS: usize = 24;
const MAX_WORK: usize = 60_000;
/// What all values together may weigh: text that is doubled again and again grows past all memory.
const MAX_WEIGHT: usize = 8 << 20;
const MAX_MODULES: usize = 64;

/// What a value is, or what was thrown.
pub(super) type Evaluated = Result<Val, String>;

enum Flow {
    Next,
    Return(Val),
}

type Ran = Result<Flow, String>;

/// An object of a package that a script makes.
#[derive(Debug, Clone)]
pub struct Made {
    /// The package.
    pub package: String,
    /// The class or function.
    pub name: String,
    /// What it was given.
    pub arguments: Vec<Traced>,
}

/// A module that was loaded.
struct Module {
    exports: Val,
    es: bool,
}

/// The module that is being evaluated.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    shown: String,
    exports: Entries,
    /// `module.exports = ...`.
    replaced: Rc<RefCell<Option<Val>>>,
    scope: Rc<Scope>,
}

/// Evaluates modules in the environment of a step.
pub struct Evaluator<'w> {
    pub(super) world: World<'w>,
    /// The environment as the modules see and change it.
    pub vars: Vars,
    pub(super) open: Option<String>,
    pub(super) cwd: PathBuf,
    base: PathBuf,
    /// Variables that cannot be known, and why.
    pub(super) unknown_vars: HashMap<String, String>,
    /// Why nothing that was evaluated can be trusted.
    taint: Option<String>,
    modules: HashMap<PathBuf, Rc<Module>>,
    loading: Vec<PathBuf>,
    calls: usize,
    work: usize,
    weight: usize,
    /// The environment in which the program starts.
    before: Vars,
    /// The environment before the last `dotenv.config()`.
    pub(super) before_dotenv: Vars,
    /// Objects of packages that were made: package, name, arguments.
    pub(super) made: Vec<(String, String, Vec<Val>)>,
    /// Packages that were asked for.
    pub(super) packages: Vec<String>,
}

impl<'w> Evaluator<'w> {
    /// An evaluator for a program that starts as `step`.
    pub fn new(step: &Step, world: &World<'w>) -> Self {
        Evaluator {
            world: *world,
            vars: step.vars.clone(),
            open: step.vars_open.clone(),
            cwd: step.cwd.clone(),
            base: step.cwd.clone(),
            unknown_vars: HashMap::new(),
            taint: None,
            modules: HashMap::new(),
            loading: Vec::new(),
            calls: 0,
            work: 0,
            weight: 0,
            before: step.vars.clone(),
            before_dotenv: step.vars.clone(),
            made: Vec::new(),
            packages: Vec::new(),
        }
    }

    /// From now on relative paths mean this directory (`process.chdir`).
    pub fn change_dir(&mut self, dir: &Path) {
        self.cwd = dir.to_owned();
    }

    /// The directory that relative paths mean.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// How a path is shown.
    pub fn shown(&self, path: &Path) -> String {
        files::shown(path, &self.base)
    }

    /// Runs a script as far as it can be followed: the objects of packages it made, and the packages
    /// it asked for.
    ///
    /// # Errors
    /// Why it cannot be followed.
    pub fn script(&mut self, path: &Path) -> Result<(Vec<Made>, Vec<String>), String> {
        self.load(path)?;
        if let Some(why) = &self.taint {
            return Err(why.clone());
        }
        let made = self
            .made
            .iter()
            .map(|(package, name, arguments)| Made {
                package: package.clone(),
                name: name.clone(),
                arguments: arguments.iter().map(|a| a.traced()).collect(),
            })
            .collect();
        Ok((made, self.packages.clone()))
    }

    /// Why the environment is not fully known, where it is not.
    pub fn doubt(&self) -> Option<String> {
        self.open.clone().or_else(|| {
            let (name, why) = self.unknown_vars.iter().min()?;
            Some(format!("{name}: {why}"))
        })
    }

    /// Why a variable cannot be known, where it cannot.
    pub fn unknown(&self, name: &str) -> Option<String> {
        let own = self.unknown_vars.get(name).cloned();
        own.or_else(|| self.open.clone().filter(|_| !self.vars.has(name)))
    }

    /// Says that a variable cannot be known.
    pub fn set_unknown(&mut self, name: &str, why: String) {
        self.unknown_vars.insert(name.to_owned(), why);
    }

    /// What a configuration file exports: its default export, or `module.exports`; a function is
    /// called without arguments.
    ///
    /// # Errors
    /// Where loading it fails for certain.
    pub fn config(&mut self, path: &Path) -> Result<Traced, Stop> {
        if let Some(heard) = self.heard(path, "config") {
            return heard;
        }
        let module = self.load(path).map_err(|e| self.stop(path, &e))?;
        let mut value = if module.es {
            let default = module.exports.get("default");
            default.unwrap_or_else(|| module.exports.clone())
        } else {
            match module.exports.get("__esModule").map(|m| m.js) {
                Some(Js::Bool(true)) => module
                    .exports
                    .get("default")
                    .unwrap_or_else(|| module.exports.clone()),
                _ => module.exports.clone(),
            }
        };
        if let Js::Function(_) = value.js {
            value = self
                .call(&value, Vec::new())
                .map_err(|e| self.stop(path, &e))?;
        }
        self.call_connections(&value, 0);
        Ok(self.traced(&value))
    }

    /// Everything a module exports, by name (`default` among them).
    ///
    /// # Errors
    /// Where loading it fails for certain.
    pub fn exports(&mut self, path: &Path) -> Result<Traced, Stop> {
        if let Some(heard) = self.heard(path, "exports") {
            return heard;
        }
        let module = self.load(path).map_err(|e| self.stop(path, &e))?;
        Ok(self.traced(&module.exports))
    }

    /// What the project itself answered for a file, where it was asked: the stop says that it is
    /// yet to be asked for this one, in this directory and with these variables changed.
    fn heard(&mut self, path: &Path, part: &str) -> Option<Result<Traced, Stop>> {
        let path = files::lexical(path);
        let name = path.to_string_lossy();
        let Some(answer) = self.world.heard?.get("files")?.get(&*name) else {
            let changed = |(name, var): (&str, &Var)| {
                let same = self.before.get(name).is_some_and(|b| b.value == var.value);
                let text = var.value.to_str()?;
                (!same).then(|| (name.to_owned(), text.into()))
            };
            let env: serde_json::Map<_, _> = self.vars.iter().filter_map(changed).collect();
            let file = serde_json::json!({ "path": name, "cwd": self.cwd, "env": env });
            return Some(Err(Stop::new(probe::UNHEARD, file.to_string())));
        };
        let source = probe::source(&format!("node's own reading of {}", self.shown(&path)));
        if let Some(process) = answer.get("process").and_then(|p| p.as_object()) {
            probe::changed(&mut self.vars, process, &source);
        }
        let value = answer.get(part).unwrap_or(&serde_json::Value::Null);
        Some(Ok(Traced::heard(value, &source)))
    }

    fn stop(&self, path: &Path, why: &str) -> Stop {
        Stop::new("config-throws", format!("{}: {why}", self.shown(path)))
    }

    fn traced(&self, value: &Val) -> Traced {
        match &self.taint {
            Some(why) => Traced::unknown(why.clone(), value.source.clone()),
            None => value.traced(),
        }
    }

    /// Configurations hold a function in place of a connection: what it returns.
    fn call_connections(&mut self, value: &Val, depth: usize) {
        let Js::Object(entries) = &value.js else {
            return;
        };
        if depth > 3 {
            return;
        }
        let copy = entries.borrow().clone();
        for (key, inner) in copy {
            match (&inner.js, key.as_str()) {
                (Js::Function(_), "connection") => {
                    let result = self
                        .call(&inner, Vec::new())
                        .unwrap_or_else(|why| Val::unknown(why, inner.source.clone()));
                    put(entries, "connection", result);
                }
                (Js::Object(_), _) => self.call_connections(&inner, depth + 1),
                _ => {}
            }
        }
    }

    pub(super) fn taint(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.taint.get_or_insert(why);
    }

    /// A part of the program may change the environment in a way that cannot be seen.
    pub(super) fn open_env(&mut self, why: impl Into<String>) {
        let why = why.into();
        self.open.get_or_insert(why);
        // Variables that are set may be overridden too.
        let names: Vec<String> = self.vars.iter().map(|(n, _)| n.to_owned()).collect();
        let why = self.open.clone().unwrap_or_default();
        for name in names {
            if !matches!(name.as_str(), "PATH" | "HOME" | "PWD" | "NODE_ENV") {
                self.unknown_vars.insert(name, why.clone());
            }
        }
    }

    fn at(place: &Place, line: usize) -> Source {
        Source::project_file(&place.shown, line)
    }

    fn load(&mut self, path: &Path) -> Result<Rc<Module>, String> {
        let path = files::lexical(path);
        if let Some(done) = self.modules.get(&path) {
            return Ok(Rc::clone(done));
        }
        let shown = self.shown(&path);
        if self.loading.contains(&path) || self.modules.len() >= MAX_MODULES {
            self.taint(format!("{shown}: modules that load each other"));
            return Err("modules that load each other".to_owned());
        }
        let text = self
            .world
            .files
            .read_text(&path)
            .map_err(|e| e.to_string())?;
        let origin = Source::project_file(&shown, 1);
        let name = path.to_string_lossy();
        let module = if name.ends_with(".json") {
            let node = parse::expression(&text).map_err(|line| format!("line {line}: no JSON"))?;
            let place = self.place(&path, &shown, &origin);
            let exports = self.eval(&node, &place, &Rc::clone(&place.scope))?;
            Module { exports, es: false }
        } else {
            match parse::module(&text) {
                Ok(statements) => {
                    self.loading.push(path.clone());
                    let module = self.run_module(&statements, &path, &shown, &origin);
                    self.loading.pop();
                    module?
                }
                Err(line) => {
                    let why = format!("{shown}:{line}: cannot be read");
                    self.open_env(why.clone());
                    Module {
                        exports: Val::unknown(why, origin),
                        es: false,
                    }
                }
            }
        };
        let module = Rc::new(module);
        self.modules.insert(path, Rc::clone(&module));
        Ok(module)
    }

    fn place(&self, path: &Path, shown: &str, origin: &Source) -> Place {
        let exports: Entries = Rc::default();
        let scope = Rc::new(Scope::default());
        let text = |t: String| Val::new(Js::Text(t), origin.clone());
        let dir = path.parent().unwrap_or(Path::new("/"));
        scope.declare("__filename", text(path.display().to_string()));
        scope.declare("__dirname", text(dir.display().to_string()));
        Place {
            path: path.to_owned(),
            shown: shown.to_owned(),
            exports,
            replaced: Rc::default(),
            scope,
        }
    }

    fn run_module(
        &mut self,
        statements: &[Statement],
        path: &Path,
        shown: &str,
        origin: &Source,
    ) -> Result<Module, String> {
        let place = self.place(path, shown, origin);
        let scope = Rc::clone(&place.scope);
        let es = statements.iter().any(|s| {
            matches!(
                s,
                Statement::Import { .. }
                    | Statement::Default(_)
                    | Statement::Export { .. }
                    | Statement::Exported(_)
            )
        });
        for statement in statements {
            let function = match statement {
                Statement::Exported(inner) => inner.as_ref(),
                other => other,
            };
            if let Statement::Function(name, function) = function {
                self.declare_function(name, function, &place, &scope);
            }
        }
        // Imports run before everything else.
        let (imports, rest): (Vec<&Statement>, Vec<&Statement>) = statements
            .iter()
            .partition(|s| matches!(s, Statement::Import { .. }));
        for statement in imports.into_iter().chain(rest) {
            if let Flow::Return(_) = self.run(statement, &place, &scope)? {
                break;
            }
        }
        // Names exported by a list get their value at the end.
        for statement in statements {
            if let Statement::Export {
                names, from: None, ..
            } = statement
            {
                for (local, name) in names {
                    if let Some(value) = scope.get(local) {
                        put(&place.exports, name, value);
                    }
                }
            }
        }
        let replaced = place.replaced.borrow().clone();
        let exports =
            replaced.unwrap_or_else(|| Val::new(Js::Object(place.exports), origin.clone()));
        Ok(Module { exports, es })
    }

    fn block(&mut self, statements: &[Statement], place: &Place, outer: &Rc<Scope>) -> Ran {
        let scope = Scope::inside(outer);
        for statement in statements {
            if let Statement::Function(name, function) = statement {
                self.declare_function(name, function, place, &scope);
            }
        }
        for statement in statements {
            if let Flow::Return(value) = self.run(statement, place, &scope)? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(Flow::Next)
    }

    fn declare_function(
        &mut self,
        name: &str,
        function: &Rc<super::ast::Function>,
        place: &Place,
        scope: &Rc<Scope>,
    ) {
        let closure = Js::Function(Rc::new(Closure {
            function: Rc::clone(function),
            scope: Rc::clone(scope),
        }));
        scope.declare(name, Val::new(closure, Self::at(place, 1)));
    }

    fn run(&mut self, statement: &Statement, place: &Place, scope: &Rc<Scope>) -> Ran {
        self.work += 1;
        if self.work > MAX_WORK {
            self.taint(format!("{}: too much to evaluate", place.shown));
            return Err("too much to evaluate".to_owned());
        }
        match statement {
            Statement::Let(bindings) => {
                for (pattern, value) in bindings {
                    let value = match value {
                        Some(node) => self.eval(node, place, scope)?,
                        None => Val::new(Js::Undefined, Self::at(place, 1)),
                    };
                    self.bind(pattern, value, place, scope)?;
                }
            }
            Statement::Value(node) => {
                let value = self.eval(node, place, scope)?;
                self.note_effect(node, &value, place);
            }
            Statement::Return(node) => {
                let value = match node {
                    Some(node) => self.eval(node, place, scope)?,
                    None => Val::new(Js::Undefined, Self::at(place, 1)),
                };
                return Ok(Flow::Return(value));
            }
            Statement::If(test, then, other) => {
                return self.choose(test, then, other.as_deref(), place, scope);
            }
            Statement::Block(inner) => return self.block(inner, place, scope),
            Statement::Function(name, function) => {
                self.declare_function(name, function, place, scope);
            }
            Statement::Class(name, line) => {
                let why = format!("{}:{line}: a class", place.shown);
                scope.declare(name, Val::unknown(why, Self::at(place, *line)));
            }
            Statement::Throw(node) => {
                let message = match &node.expr {
                    Expr::New(_, arguments) => arguments
                        .first()
                        .and_then(|(_, n)| self.eval(n, place, scope).ok())
                        .and_then(|v| v.text().ok()),
                    _ => None,
                };
                return Err(message.unwrap_or_else(|| format!("thrown in line {}", node.line)));
            }
            Statement::Try(block, catch, last) => {
                let ran = match (self.block(block, place, scope), catch) {
                    (Err(_), Some(catch)) => self.block(catch, place, scope),
                    (ran, _) => ran,
                };
                self.block(last, place, scope)?;
                return ran;
            }
            Statement::Import {
                from,
                all,
                names,
                line,
            } => self.import(from, all.as_deref(), names, *line, place, scope)?,
            Statement::Default(node) => {
                let value = self.eval(node, place, scope)?;
                put(&place.exports, "default", value);
            }
            Statement::ExportIs(node) => {
                let value = self.eval(node, place, scope)?;
                *place.replaced.borrow_mut() = Some(value);
            }
            Statement::Export { names, from, line } => {
                if let Some(from) = from {
                    let module = self.require(from, place, *line)?;
                    self.export_from(&module, names, place);
                }
            }
            Statement::Exported(inner) => {
                let flow = self.run(inner, place, scope)?;
                for name in declared(inner) {
                    if let Some(value) = scope.get(&name) {
                        put(&place.exports, &name, value);
                    }
                }
                return Ok(flow);
            }
            Statement::Other(what, line) => {
                self.taint(format!("{}:{line}: {what}", place.shown));
            }
        }
        Ok(Flow::Next)
    }

    fn export_from(&mut self, module: &Val, names: &[(String, String)], place: &Place) {
        for (name, local) in names {
            match (name.as_str(), local.as_str()) {
                ("*", "*") => {
                    if let Js::Object(entries) = &module.js {
                        for (key, value) in entries.borrow().iter().filter(|(k, _)| k != "default")
                        {
                            put(&place.exports, key, value.clone());
                        }
                    }
                }
                ("*", local) => put(&place.exports, local, module.clone()),
                (name, local) => {
                    let value = self.member(module, name);
                    put(&place.exports, local, value);
                }
            }
        }
    }

    fn choose(
        &mut self,
        test: &Node,
        then: &Statement,
        other: Option<&Statement>,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Ran {
        match self.eval(test, place, scope)?.truth() {
            Ok(true) => self.run(then, place, scope),
            Ok(false) => match other {
                Some(other) => self.run(other, place, scope),
                None => Ok(Flow::Next),
            },
            Err(why) => {
                if !harmless(then) || !other.is_none_or(harmless) {
                    self.taint(format!("{}:{}: depends on {why}", place.shown, test.line));
                }
                Ok(Flow::Next)
            }
        }
    }

    /// A call whose result is dropped was made for its effect.
    fn note_effect(&mut self, node: &Node, value: &Val, place: &Place) {
        let Expr::Call(callee, ..) = &node.expr else {
            return;
        };
        if let (Some("require"), Js::External(from, _)) = (root_name(callee), &value.js) {
            let at = format!("{}:{}", place.shown, node.line);
            self.unknown_effect(&from.clone(), &at);
        }
        if let Js::Unknown(_) = value.js
            && root_name(callee).is_none_or(|n| n != "console")
        {
            self.open_env(format!(
                "{}:{}: a call that may change the environment",
                place.shown, node.line
            ));
        }
    }

    fn bind(
        &mut self,
        pattern: &Pattern,
        value: Val,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Result<(), String> {
        match pattern {
            Pattern::Name(name) => scope.declare(name, value),
            Pattern::Other => {}
            Pattern::Object(entries, rest) => {
                for (key, inner, default) in entries {
                    let mut part = self.member(&value, key);
                    if let (Js::Undefined, Some(default)) = (&part.js, default) {
                        part = self.eval(default, place, scope)?;
                    }
                    self.bind(inner, part, place, scope)?;
                }
                if let Some(name) = rest {
                    let left = match &value.js {
                        Js::Object(all) => {
                            let kept = all
                                .borrow()
                                .iter()
                                .filter(|(k, _)| !entries.iter().any(|(e, ..)| e == k))
                                .cloned()
                                .collect();
                            Val::object(kept, value.source.clone())
                        }
                        _ => Val::unknown("the rest of a value", value.source.clone()),
                    };
                    scope.declare(name, left);
                }
            }
            Pattern::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let Some((inner, default)) = item else {
                        continue;
                    };
                    let mut part = match &value.js {
                        Js::List(list) => list
                            .borrow()
                            .get(index)
                            .cloned()
                            .unwrap_or_else(|| value.with(Js::Undefined)),
                        _ => Val::unknown("an item of a value", value.source.clone()),
                    };
                    if let (Js::Undefined, Some(default)) = (&part.js, default) {
                        part = self.eval(default, place, scope)?;
                    }
                    self.bind(inner, part, place, scope)?;
                }
            }
        }
        Ok(())
    }

    fn import(
        &mut self,
        from: &str,
        all: Option<&str>,
        names: &[(String, String)],
        line: usize,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Result<(), String> {
        let alone = all.is_none() && names.is_empty();
        if alone && self.side_effect(from, place, line) {
            return Ok(());
        }
        let (module, es) = self.require_module(from, place, line)?;
        if alone && let Js::External(from, _) = &module.js {
            let at = format!("{}:{line}", place.shown);
            self.unknown_effect(&from.clone(), &at);
        }
        if let Some(name) = all {
            scope.declare(name, module.clone());
        }
        for (name, local) in names {
            let value = if name == "default" && !es {
                module.clone()
            } else {
                self.member(&module, name)
            };
            scope.declare(local, value);
        }
        Ok(())
    }

    pub(super) fn require(&mut self, from: &str, place: &Place, line: usize) -> Evaluated {
        self.require_module(from, place, line)
            .map(|(value, _)| value)
    }

    fn require_module(
        &mut self,
        from: &str,
        place: &Place,
        line: usize,
    ) -> Result<(Val, bool), String> {
        let source = Self::at(place, line);
        if from.starts_with('.') || from.starts_with('/') {
            let dir = place.path.parent().unwrap_or(Path::new("/"));
            let Some(path) = self.find_module(&dir.join(from)) else {
                return Err(format!("line {line}: Cannot find module '{from}'"));
            };
            let module = self.load(&path)?;
            return Ok((module.exports.clone(), module.es));
        }
        let name = from.strip_prefix("node:").unwrap_or(from);
        self.side_effect(from, place, line);
        if !self.packages.iter().any(|p| p == name) {
            self.packages.push(name.to_owned());
        }
        Ok((
            Val::new(Js::External(name.to_owned(), Vec::new()), source),
            false,
        ))
    }

    fn find_module(&self, path: &Path) -> Option<PathBuf> {
        let path = files::lexical(path);
        let files = self.world.files;
        if files.is_file(&path) {
            return Some(path);
        }
        let text = path.display().to_string();
        const ENDS: &[&str] = &[
            ".js", ".json", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".tsx", ".jsx",
        ];
        let swapped = text.strip_suffix(".js").map(|stem| format!("{stem}.ts"));
        ENDS.iter()
            .map(|end| format!("{text}{end}"))
            .chain(swapped)
            .chain(ENDS.iter().map(|end| format!("{text}/index{end}")))
            .map(PathBuf::from)
            .find(|p| files.is_file(p))
    }

    pub(super) fn eval(&mut self, node: &Node, place: &Place, scope: &Rc<Scope>) -> Evaluated {
        self.work += 1;
        if self.work > MAX_WORK || self.weight > MAX_WEIGHT {
            self.taint(format!("{}: too much to evaluate", place.shown));
            return Err("too much to evaluate".to_owned());
        }
        let value = self.eval_kind(node, place, scope)?;
        self.weight += value.weight();
        Ok(value)
    }

    fn eval_kind(&mut self, node: &Node, place: &Place, scope: &Rc<Scope>) -> Evaluated {
        let here = Self::at(place, node.line);
        Ok(match &node.expr {
            Expr::Undefined => Val::new(Js::Undefined, here),
            Expr::Null => Val::new(Js::Null, here),
            Expr::Bool(b) => Val::new(Js::Bool(*b), here),
            Expr::Number(n) => Val::new(Js::Number(*n), here),
            Expr::Text(t) => Val::new(Js::Text(t.clone()), here),
            Expr::Template(pieces, inner) => {
                return self.template(pieces, inner, here, place, scope);
            }
            Expr::Name(name) => return self.name(name, here, place, scope),
            Expr::List(items) => {
                let items = self.items(items, place, scope)?;
                match items {
                    Ok(items) => Val::new(Js::List(Rc::new(RefCell::new(items))), here),
                    Err(why) => Val::unknown(why, here),
                }
            }
            Expr::Object(entries) => return self.object(entries, here, place, scope),
            Expr::Member(object, key, optional) => {
                if let Some(own) = self.module_member(object, key, &here, place, scope) {
                    return Ok(own);
                }
                let object = self.eval(object, place, scope)?;
                if *optional && object.nullish() == Ok(true) {
                    return Ok(object.with(Js::Undefined));
                }
                if object.nullish() == Ok(true) {
                    return Err(format!(
                        "line {}: Cannot read properties of undefined (reading '{key}')",
                        node.line
                    ));
                }
                self.member(&object, key)
            }
            Expr::Index(object, key, optional) => {
                let object = self.eval(object, place, scope)?;
                if *optional && object.nullish() == Ok(true) {
                    return Ok(object.with(Js::Undefined));
                }
                let key = self.eval(key, place, scope)?;
                match key.text() {
                    Ok(key) => self.member(&object, &key),
                    Err(why) => Val::unknown(why, here),
                }
            }
            Expr::Call(callee, arguments, optional) => {
                return self.call_node(callee, arguments, *optional, here, place, scope);
            }
            Expr::New(class, arguments) => {
                let class = self.eval(class, place, scope)?;
                match self.items(arguments, place, scope)? {
                    Ok(arguments) => self.construct(&class, arguments, here)?,
                    Err(why) => Val::unknown(why, here),
                }
            }
            Expr::Unary(op, inner) => self.unary(op, inner, here, place, scope)?,
            Expr::Binary(op, left, right) => {
                return self.binary(op, left, right, here, place, scope);
            }
            Expr::Condition(test, yes, no) => {
                let test = self.eval(test, place, scope)?;
                match test.truth() {
                    Ok(true) => self.eval(yes, place, scope)?,
                    Ok(false) => self.eval(no, place, scope)?,
                    Err(why) => Val::unknown(why, here),
                }
            }
            Expr::Assign(op, target, value) => return self.assign(op, target, value, place, scope),
            Expr::Function(function) => Val::new(
                Js::Function(Rc::new(Closure {
                    function: Rc::clone(function),
                    scope: Rc::clone(scope),
                })),
                here,
            ),
            Expr::Import(from) => {
                let from = self.eval(from, place, scope)?;
                match from.text() {
                    Ok(from) => self.require(&from, place, node.line)?,
                    Err(why) => Val::unknown(why, here),
                }
            }
            Expr::Other(what) => Val::unknown(format!("{here}: {what}"), here),
        })
    }

    /// `module.exports` and `import.meta`: what belongs to the module itself.
    fn module_member(
        &self,
        object: &Node,
        key: &str,
        here: &Source,
        place: &Place,
        scope: &Scope,
    ) -> Option<Val> {
        let Expr::Name(name) = &object.expr else {
            return None;
        };
        match (name.as_str(), key) {
            ("module", "exports") if scope.get("module").is_none() => {
                let replaced = place.replaced.borrow().clone();
                let own = Val::new(Js::Object(Rc::clone(&place.exports)), here.clone());
                Some(replaced.unwrap_or(own))
            }
            ("import", "meta") => {
                let text = |t: String| Val::new(Js::Text(t), here.clone());
                let dir = place.path.parent().unwrap_or(Path::new("/"));
                let entries = vec![
                    (
                        "url".to_owned(),
                        text(format!("file://{}", place.path.display())),
                    ),
                    (
                        "filename".to_owned(),
                        text(place.path.display().to_string()),
                    ),
                    ("dirname".to_owned(), text(dir.display().to_string())),
                    ("dir".to_owned(), text(dir.display().to_string())),
                    ("env".to_owned(), Val::new(Js::Env, here.clone())),
                ];
                Some(Val::object(entries, here.clone()))
            }
            _ => None,
        }
    }

    /// Items of a list or arguments; the inner error says why they cannot be known.
    #[allow(clippy::type_complexity, reason = "thrown and unknown are two things")]
    fn items(
        &mut self,
        items: &[(bool, Node)],
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Result<Result<Vec<Val>, String>, String> {
        let mut out = Vec::new();
        for (spread, node) in items {
            let value = self.eval(node, place, scope)?;
            match (&value.js, spread) {
                (_, false) => out.push(value),
                (Js::List(list), true) => out.extend(list.borrow().iter().cloned()),
                _ => return Ok(Err("a spread value".to_owned())),
            }
        }
        Ok(Ok(out))
    }

    fn template(
        &mut self,
        pieces: &[String],
        inner: &[Node],
        here: Source,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        let mut out = pieces.first().cloned().unwrap_or_default();
        let mut source: Option<Source> = None;
        let mut beat = Vec::new();
        for (index, node) in inner.iter().enumerate() {
            let value = self.eval(node, place, scope)?;
            match value.text() {
                Ok(text) => out.push_str(&text),
                Err(why) => return Ok(Val::unknown(why, here)),
            }
            source.get_or_insert(value.source);
            beat.extend(value.beat);
            out.push_str(pieces.get(index + 1).map_or("", String::as_str));
        }
        let mut value = Val::new(Js::Text(out), source.unwrap_or(here));
        value.beat = beat;
        Ok(value)
    }

    fn name(&mut self, name: &str, here: Source, place: &Place, scope: &Rc<Scope>) -> Evaluated {
        if let Some(value) = scope.get(name) {
            return Ok(value);
        }
        let external = |module: &str, path: &[&str]| {
            let path = path.iter().map(|p| (*p).to_owned()).collect();
            Val::new(Js::External(module.to_owned(), path), here.clone())
        };
        Ok(match name {
            "exports" => Val::new(Js::Object(Rc::clone(&place.exports)), here),
            "module" => external("module-self", &[]),
            "process" | "globalThis" | "import" | "require" | "Deno" | "Bun" => external(name, &[]),
            "NaN" => Val::new(Js::Number(f64::NAN), here),
            "Infinity" => Val::new(Js::Number(f64::INFINITY), here),
            other => external("global", &[other]),
        })
    }

    fn object(
        &mut self,
        entries: &[Entry],
        here: Source,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        let out: Entries = Rc::default();
        for entry in entries {
            match entry {
                Entry::Pair(key, node) => {
                    let value = self.eval(node, place, scope)?;
                    put(&out, key, value);
                }
                Entry::Computed(key, node) => {
                    let key = self.eval(key, place, scope)?;
                    let value = self.eval(node, place, scope)?;
                    match key.text() {
                        Ok(key) => put(&out, &key, value),
                        Err(why) => return Ok(Val::unknown(why, here)),
                    }
                }
                Entry::Spread(node) => {
                    let value = self.eval(node, place, scope)?;
                    match &value.js {
                        Js::Object(inner) => {
                            for (key, value) in inner.borrow().clone() {
                                put(&out, &key, value);
                            }
                        }
                        Js::Undefined | Js::Null | Js::Bool(_) | Js::Number(_) => {}
                        Js::Text(t) if t.is_empty() => {}
                        Js::Unknown(why) => return Ok(Val::unknown(why.clone(), here)),
                        _ => return Ok(Val::unknown("a spread value", here)),
                    }
                }
                Entry::Other(key) if key.is_empty() => {}
                Entry::Other(key) => {
                    let why = format!("{here}: the computed property `{key}`");
                    put(&out, key, Val::unknown(why, here.clone()));
                }
            }
        }
        Ok(Val::new(Js::Object(out), here))
    }

    fn unary(
        &mut self,
        op: &str,
        inner: &Node,
        here: Source,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        if op == "typeof"
            && let Expr::Name(name) = &inner.expr
            && scope.get(name).is_none()
        {
            return Ok(Val::unknown("typeof", here));
        }
        let value = self.eval(inner, place, scope)?;
        let unknown = |why: String| Val::unknown(why, here.clone());
        Ok(match op {
            "!" => match value.truth() {
                Ok(truth) => value.with(Js::Bool(!truth)),
                Err(why) => unknown(why),
            },
            "+" => match value.number() {
                Ok(n) => value.with(Js::Number(n)),
                Err(why) => unknown(why),
            },
            "-" => match value.number() {
                Ok(n) => value.with(Js::Number(-n)),
                Err(why) => unknown(why),
            },
            "void" => value.with(Js::Undefined),
            "typeof" => match &value.js {
                Js::Undefined => value.with(Js::Text("undefined".to_owned())),
                Js::Text(_) => value.with(Js::Text("string".to_owned())),
                Js::Number(_) => value.with(Js::Text("number".to_owned())),
                _ => unknown("typeof".to_owned()),
            },
            "delete" => {
                match &inner.expr {
                    Expr::Member(object, key, _) => {
                        let object = self.eval(object, place, scope)?;
                        match &object.js {
                            Js::Env => self.vars.unset(key),
                            Js::Object(entries) => entries.borrow_mut().retain(|(k, _)| k != key),
                            _ => self.taint(format!("{here}: delete")),
                        }
                    }
                    _ => self.taint(format!("{here}: delete")),
                }
                value.with(Js::Bool(true))
            }
            other => {
                self.taint(format!("{here}: {other}"));
                unknown(other.to_owned())
            }
        })
    }

    fn binary(
        &mut self,
        op: &str,
        left: &Node,
        right: &Node,
        here: Source,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        let a = self.eval(left, place, scope)?;
        let keep = match op {
            "||" => Some(a.truth()),
            "&&" => Some(a.truth().map(|t| !t)),
            "??" => Some(a.nullish().map(|n| !n)),
            "," => return self.eval(right, place, scope),
            _ => None,
        };
        match keep {
            Some(Ok(true)) => {
                let mut a = a;
                if op != "&&"
                    && let Expr::Text(_) | Expr::Number(_) = right.expr
                {
                    a.beat
                        .push(Self::at(place, right.line).with_note("default"));
                }
                return Ok(a);
            }
            Some(Ok(false)) => return self.eval(right, place, scope),
            Some(Err(why)) => return Ok(Val::unknown(why, here)),
            None => {}
        }
        let b = self.eval(right, place, scope)?;
        Ok(match arithmetic(op, &a, &b) {
            Ok(js) if matches!(left.expr, Expr::Text(_)) => b.with(js),
            Ok(js) => a.with(js),
            Err(why) => Val::unknown(why, here),
        })
    }

    fn assign(
        &mut self,
        op: &str,
        target: &Node,
        value: &Node,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        if op != "=" {
            let old = self.eval(target, place, scope)?;
            let keep = match op {
                "||=" => old.truth(),
                "??=" => old.nullish().map(|n| !n),
                "&&=" => old.truth().map(|t| !t),
                _ => Ok(false),
            };
            match keep {
                Ok(true) => return Ok(old),
                Ok(false) => {}
                Err(why) => {
                    let unknown = Val::unknown(why, Self::at(place, target.line));
                    self.store(target, unknown.clone(), place, scope)?;
                    return Ok(unknown);
                }
            }
            let new = self.eval(value, place, scope)?;
            let new = match op {
                "||=" | "??=" | "&&=" => new,
                _ => match arithmetic(op.trim_end_matches('='), &old, &new) {
                    Ok(js) => new.with(js),
                    Err(why) => Val::unknown(why, Self::at(place, target.line)),
                },
            };
            self.store(target, new.clone(), place, scope)?;
            return Ok(new);
        }
        let value = self.eval(value, place, scope)?;
        self.store(target, value.clone(), place, scope)?;
        Ok(value)
    }

    fn store(
        &mut self,
        target: &Node,
        value: Val,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Result<(), String> {
        let (object, key) = match &target.expr {
            Expr::Name(name) => {
                if !scope.assign(name, value.clone()) {
                    place.scope.declare(name, value);
                }
                return Ok(());
            }
            Expr::Member(object, key, _) => (object, key.clone()),
            Expr::Index(object, key, _) => match self.eval(key, place, scope)?.text() {
                Ok(key) => (object, key),
                Err(why) => {
                    self.taint(format!("{}:{}: {why}", place.shown, target.line));
                    return Ok(());
                }
            },
            _ => {
                self.taint(format!("{}:{}: an assignment", place.shown, target.line));
                return Ok(());
            }
        };
        let object = self.eval(object, place, scope)?;
        match &object.js {
            Js::External(module, path)
                if module == "module-self" && path.is_empty() && key == "exports" =>
            {
                *place.replaced.borrow_mut() = Some(value);
            }
            Js::Env => self.set_var(&key, &value),
            Js::Object(entries) => put(entries, &key, value),
            Js::Undefined | Js::Null => {
                return Err(format!(
                    "line {}: Cannot set properties of undefined",
                    target.line
                ));
            }
            _ => {
                if !matches!(object.js, Js::External(..)) {
                    self.taint(format!("{}:{}: an assignment", place.shown, target.line));
                }
            }
        }
        Ok(())
    }

    fn set_var(&mut self, name: &str, value: &Val) {
        match value.text() {
            Ok(text) => {
                self.unknown_vars.remove(name);
                self.vars.set(name, text, value.source.clone());
            }
            Err(why) => {
                self.unknown_vars.insert(name.to_owned(), why);
            }
        }
    }

    /// `process.env.NAME`.
    pub(super) fn variable(&self, name: &str, at: &Source) -> Val {
        if let Some(why) = self.unknown_vars.get(name) {
            return Val::unknown(why.clone(), at.clone());
        }
        match (self.vars.get(name), &self.open) {
            (Some(var), _) => {
                let text = var.value.to_string_lossy().into_owned();
                Val::new(Js::Text(text), var.source.with_note(name))
            }
            (None, Some(why)) => Val::unknown(why.clone(), at.clone()),
            (None, None) => Val::new(Js::Undefined, at.clone()),
        }
    }

    pub(super) fn member(&mut self, object: &Val, key: &str) -> Val {
        match &object.js {
            Js::Env => self.variable(key, &object.source),
            Js::Object(entries) => {
                if let Some(found) = object.get(key) {
                    return found;
                }
                let class = object.get("__class").is_some();
                if class
                    || matches!(
                        key,
                        "toString" | "hasOwnProperty" | "get" | "then" | "catch"
                    )
                {
                    return object.with(Js::Method(Box::new(object.clone()), key.to_owned()));
                }
                let _ = entries;
                object.with(Js::Undefined)
            }
            Js::List(list) => match key.parse::<usize>() {
                Ok(index) => list
                    .borrow()
                    .get(index)
                    .cloned()
                    .unwrap_or_else(|| object.with(Js::Undefined)),
                #[allow(clippy::cast_precision_loss, reason = "lists are short")]
                Err(_) if key == "length" => object.with(Js::Number(list.borrow().len() as f64)),
                Err(_) => object.with(Js::Method(Box::new(object.clone()), key.to_owned())),
            },
            #[allow(clippy::cast_precision_loss, reason = "texts are short")]
            Js::Text(text) if key == "length" => {
                object.with(Js::Number(text.encode_utf16().count() as f64))
            }
            Js::Text(_) | Js::Number(_) | Js::Bool(_) => {
                object.with(Js::Method(Box::new(object.clone()), key.to_owned()))
            }
            Js::External(module, path) => self.external_member(object, module, path, key),
            Js::Function(_) | Js::Method(..) => {
                object.with(Js::Method(Box::new(object.clone()), key.to_owned()))
            }
            Js::Undefined | Js::Null => object.with(Js::Undefined),
            Js::Unknown(why) => Val::unknown(why.clone(), object.source.clone()),
        }
    }

    fn call_node(
        &mut self,
        callee: &Node,
        arguments: &[(bool, Node)],
        optional: bool,
        here: Source,
        place: &Place,
        scope: &Rc<Scope>,
    ) -> Evaluated {
        let function = self.eval(callee, place, scope)?;
        if optional && function.nullish() == Ok(true) {
            return Ok(function.with(Js::Undefined));
        }
        let arguments = match self.items(arguments, place, scope)? {
            Ok(arguments) => arguments,
            Err(why) => return Ok(Val::unknown(why, here)),
        };
        if let Js::External(module, path) = &function.js {
            let (module, path) = (module.clone(), path.clone());
            return self.external_call(&module, &path, arguments, here, place);
        }
        self.call(&function, arguments)
    }

    /// Calls a function of the project, or a method of a value.
    pub(super) fn call(&mut self, function: &Val, arguments: Vec<Val>) -> Evaluated {
        match &function.js {
            Js::Function(closure) => self.call_closure(closure, arguments, &function.source),
            Js::Method(object, name) => {
                let (object, name) = (object.clone(), name.clone());
                self.method(&object, &name, arguments)
            }
            Js::Unknown(why) => Ok(Val::unknown(why.clone(), function.source.clone())),
            Js::Undefined | Js::Null => Err(format!("{}: not a function", function.source)),
            _ => Ok(Val::unknown(
                format!("{}: a call", function.source),
                function.source.clone(),
            )),
        }
    }

    fn call_closure(
        &mut self,
        closure: &Rc<Closure>,
        arguments: Vec<Val>,
        source: &Source,
    ) -> Evaluated {
        self.calls += 1;
        if self.calls > MAX_CALLS {
            self.calls -= 1;
            self.taint(format!("{source}: calls inside calls"));
            return Err("calls inside calls".to_owned());
        }
        let place = self.place_of(&closure.scope, source);
        let scope = Scope::inside(&closure.scope);
        let mut given = arguments.into_iter();
        let result = (|| {
            for (pattern, default) in &closure.function.params {
                let mut value = given
                    .next()
                    .unwrap_or_else(|| Val::new(Js::Undefined, source.clone()));
                if let (Js::Undefined, Some(default)) = (&value.js, default) {
                    value = self.eval(default, &place, &scope)?;
                }
                self.bind(pattern, value, &place, &scope)?;
            }
            match &closure.function.body {
                Body::Value(node) => self.eval(node, &place, &scope),
                Body::Block(statements) => match self.block(statements, &place, &scope)? {
                    Flow::Return(value) => Ok(value),
                    Flow::Next => Ok(Val::new(Js::Undefined, source.clone())),
                },
            }
        })();
        self.calls -= 1;
        result
    }

    /// The module that a function belongs to: the outermost scope knows its file.
    fn place_of(&self, scope: &Rc<Scope>, source: &Source) -> Place {
        let mut top = Rc::clone(scope);
        while let Some(outer) = &top.outer {
            top = Rc::clone(outer);
        }
        let path = match top.get("__filename").map(|v| v.js) {
            Some(Js::Text(path)) => PathBuf::from(path),
            _ => self.cwd.clone(),
        };
        let _ = source;
        Place {
            shown: self.shown(&path),
            path,
            exports: Rc::default(),
            replaced: Rc::default(),
            scope: top,
        }
    }
}

/// Sets an entry of an object, keeping its place.
pub(super) fn put(entries: &Entries, key: &str, value: Val) {
    let mut entries = entries.borrow_mut();
    match entries.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = value,
        None => entries.push((key.to_owned(), value)),
    }
}

fn arithmetic(op: &str, a: &Val, b: &Val) -> Result<Js, String> {
    Ok(match op {
        "===" | "==" => Js::Bool(same(a, b, op == "==")?),
        "!==" | "!=" => Js::Bool(!same(a, b, op == "!=")?),
        "+" => match (&a.js, &b.js) {
            (Js::Number(x), Js::Number(y)) => Js::Number(x + y),
            _ => Js::Text(a.text()? + &b.text()?),
        },
        "-" => Js::Number(a.number()? - b.number()?),
        "*" => Js::Number(a.number()? * b.number()?),
        "/" => Js::Number(a.number()? / b.number()?),
        "<" => Js::Bool(a.number()? < b.number()?),
        ">" => Js::Bool(a.number()? > b.number()?),
        "<=" => Js::Bool(a.number()? <= b.number()?),
        ">=" => Js::Bool(a.number()? >= b.number()?),
        "in" => match &b.js {
            Js::Object(_) => Js::Bool(b.get(&a.text()?).is_some()),
            _ => return Err("`in`".to_owned()),
        },
        other => return Err(format!("`{other}`")),
    })
}

/// Whether a branch that may or may not run changes nothing that matters.
fn harmless(statement: &Statement) -> bool {
    match statement {
        Statement::Throw(_) => true,
        Statement::Block(inner) => inner.iter().all(harmless),
        Statement::Value(node) => match &node.expr {
            Expr::Call(callee, ..) => root_name(callee).is_some_and(|n| n == "console"),
            _ => false,
        },
        _ => false,
    }
}

fn root_name(node: &Node) -> Option<&str> {
    match &node.expr {
        Expr::Name(name) => Some(name),
        Expr::Member(object, ..) | Expr::Index(object, ..) | Expr::Call(object, ..) => {
            root_name(object)
        }
        _ => None,
    }
}

fn declared(statement: &Statement) -> Vec<String> {
    fn names(pattern: &Pattern, out: &mut Vec<String>) {
        match pattern {
            Pattern::Name(name) => out.push(name.clone()),
            Pattern::Object(entries, rest) => {
                entries.iter().for_each(|(_, p, _)| names(p, out));
                out.extend(rest.clone());
            }
            Pattern::List(items) => items.iter().flatten().for_each(|(p, _)| names(p, out)),
            Pattern::Other => {}
        }
    }
    let mut out = Vec::new();
    match statement {
        Statement::Let(bindings) => bindings.iter().for_each(|(p, _)| names(p, &mut out)),
        Statement::Function(name, _) | Statement::Class(name, _) => out.push(name.clone()),
        _ => {}
    }
    out
}
