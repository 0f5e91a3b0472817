//! Expressions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Argument, Built, Comprehension, Expr, ExprKind, Piece};
use super::envfile;
use super::value::{Arguments, Code, Function, FunctionKind, Outcome, Py, Raised, Scope, Val};
use crate::command::World;
use crate::environment::Vars;
use crate::source::Source;
use crate::target::Traced;
use crate::target::readers::ini::Ini;

/// How much is evaluated before the answer is "cannot be followed".
const FUEL: usize = 60_000;
/// How deep evaluation may nest.
pub(super) const MAX_DEPTH: usize = 60;
/// The longest text that is built.
pub(super) const MAX_TEXT: usize = 256 * 1024;

/// A variable of the process, as the settings see it.
#[derive(Debug, Clone)]
pub(crate) struct EnvVar {
    /// Its value, or why it is not known.
    pub(crate) value: Result<String, Rc<str>>,
    /// Who gave it.
    pub(crate) source: Source,
}

/// Something that happened to a database library while the code was followed.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// What (`connect`, `engine`, `app`).
    pub(crate) what: &'static str,
    /// The value it is about.
    pub(crate) value: Val,
}

/// Follows Python code without running it.
pub(crate) struct Interpreter<'a> {
    pub(crate) world: World<'a>,
    pub(crate) cwd: PathBuf,
    /// `sys.argv`
    pub(crate) argv: Vec<String>,
    /// `os.environ`
    pub(crate) environ: BTreeMap<String, EnvVar>,
    /// Why any variable may be otherwise than `environ` says.
    pub(crate) environ_open: Option<Rc<str>>,
    /// `sys.path`, as far as it is the project's own.
    pub(crate) roots: Vec<PathBuf>,
    pub(super) modules: BTreeMap<String, Rc<Scope>>,
    /// Reasons of the uncertain branches that are open.
    pub(super) maybe: Vec<Rc<str>>,
    pub(super) fuel: usize,
    pub(super) depth: usize,
    /// Leave the loop at hand as uncertain.
    pub(super) loop_unsure: bool,
    /// Variable names that must be looked up without regard to case (pydantic).
    pub(crate) notes: Vec<String>,
    /// What database libraries were told, in order.
    pub(crate) events: Vec<Event>,
    /// Values by dotted library name that the caller sets beforehand (`alembic.context.config`).
    pub(crate) given: BTreeMap<String, Val>,
    /// Alembic: the values of `-x`.
    pub(crate) x_arguments: Vec<String>,
    /// Alembic: only SQL is written.
    pub(crate) offline: bool,
    /// Alembic: its configuration file, with what `env.py` sets in it.
    pub(crate) ini: Ini,
    pub(super) ini_sources: BTreeMap<(String, String), Source>,
    pub(super) ini_unknown: BTreeMap<(String, String), Rc<str>>,
}

impl<'a> Interpreter<'a> {
    /// An interpreter that starts with these variables and words.
    pub(crate) fn new(world: World<'a>, cwd: &Path, vars: &Vars, argv: Vec<String>) -> Self {
        let environ = vars
            .iter()
            .map(|(name, var)| {
                let value = match var.value.to_str() {
                    Some(text) => Ok(text.to_owned()),
                    None => Err(format!("the variable {name} is not UTF-8").into()),
                };
                let source = var.source.clone();
                (name.to_owned(), EnvVar { value, source })
            })
            .collect();
        let mut roots = Vec::new();
        if let Some(path) = vars.filled("PYTHONPATH") {
            roots.extend(
                path.split(':')
                    .filter(|p| !p.is_empty())
                    .map(|p| cwd.join(p)),
            );
        }
        Interpreter {
            world,
            cwd: cwd.to_owned(),
            argv,
            environ,
            environ_open: None,
            roots,
            modules: BTreeMap::new(),
            maybe: Vec::new(),
            fuel: FUEL,
            depth: 0,
            loop_unsure: false,
            notes: Vec::new(),
            events: Vec::new(),
            given: BTreeMap::new(),
            x_arguments: Vec::new(),
            offline: false,
            ini: Ini::default(),
            ini_sources: BTreeMap::new(),
            ini_unknown: BTreeMap::new(),
        }
    }

    /// Puts a directory in front of the search path.
    pub(crate) fn add_root(&mut self, root: PathBuf) {
        self.roots.insert(0, crate::files::lexical(&root));
    }

    /// Why nothing more can be followed, once the fuel is used up.
    pub(crate) fn exhausted(&self) -> bool {
        self.fuel == 0
    }

    pub(super) fn burn(&mut self) -> Option<Rc<str>> {
        if self.fuel == 0 {
            return Some("too much code to follow".into());
        }
        self.fuel -= 1;
        None
    }

    pub(super) fn source(&self, scope: &Scope, line: usize) -> Source {
        Source::project_file(&scope.module.shown, line)
    }

    pub(super) fn unknown(&self, scope: &Scope, line: usize, why: impl std::fmt::Display) -> Val {
        let place = format!("{}:{line}", scope.module.shown);
        Val::unknown(format!("{why} ({place})"), self.source(scope, line))
    }

    pub(super) fn raised<T>(
        &self,
        scope: &Scope,
        line: usize,
        kind: &str,
        detail: impl std::fmt::Display,
    ) -> Outcome<T> {
        Err(Raised {
            kind: kind.into(),
            detail: format!("{}:{line}: {kind}: {detail}", scope.module.shown),
        })
    }

    /// Why what is written now is not certain, where the scope is older than the open branches.
    pub(super) fn uncertain(&self, level: usize) -> Option<Rc<str>> {
        (self.maybe.len() > level)
            .then(|| self.maybe.last().cloned())
            .flatten()
    }

    /// Evaluates an expression.
    pub(super) fn eval(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Outcome<Val> {
        if let Some(why) = self.burn() {
            return Ok(self.unknown(scope, expr.line, why));
        }
        if self.depth >= MAX_DEPTH {
            self.fuel = 0;
            return Ok(self.unknown(scope, expr.line, "nested too deep to follow"));
        }
        self.depth += 1;
        let value = self.eval_kind(expr, scope);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, expr: &Expr, scope: &Rc<Scope>) -> Outcome<Val> {
        let line = expr.line;
        let here = |me: &Self| me.source(scope, line);
        Ok(match &expr.kind {
            ExprKind::None => Val::none(here(self)),
            ExprKind::Bool(b) => Val::new(Py::Bool(*b), here(self)),
            ExprKind::Int(n) => Val::new(Py::Int(*n), here(self)),
            ExprKind::Float(n) => Val::new(Py::Float(*n), here(self)),
            ExprKind::Str(text) => Val::str(text.as_str(), here(self)),
            ExprKind::Name(name) => self.lookup(name, scope, line)?,
            ExprKind::Format(pieces) => self.format(pieces, scope, line)?,
            ExprKind::List(items) | ExprKind::Set(items) => {
                let items = self.items(items, scope)?;
                self.sequence(items, false, here(self))
            }
            ExprKind::Tuple(items) => {
                let items = self.items(items, scope)?;
                self.sequence(items, true, here(self))
            }
            ExprKind::Dict(entries) => self.dict(entries, scope, line)?,
            ExprKind::Attribute(of, name) => {
                let of = self.eval(of, scope)?;
                self.attribute(&of, name, scope, line)?
            }
            ExprKind::Index(of, key) => {
                let of = self.eval(of, scope)?;
                let key = self.eval(key, scope)?;
                self.index(&of, &key, scope, line)?
            }
            ExprKind::Slice(of, from, to) => {
                let of = self.eval(of, scope)?;
                let from = from.as_ref().map(|e| self.eval(e, scope)).transpose()?;
                let to = to.as_ref().map(|e| self.eval(e, scope)).transpose()?;
                self.slice(&of, from.as_ref(), to.as_ref(), scope, line)
            }
            ExprKind::Call(function, arguments) => {
                self.eval_call(function, arguments, scope, line)?
            }
            ExprKind::Unary(op, value) => {
                let value = self.eval(value, scope)?;
                self.unary(op, &value, scope, line)
            }
            ExprKind::Binary(op, left, right) => {
                let left = self.eval(left, scope)?;
                let right = self.eval(right, scope)?;
                self.binary(op, &left, &right, scope, line)?
            }
            ExprKind::Both(and, left, right) => {
                let left = self.eval(left, scope)?;
                match left.truth() {
                    Some(truth) if truth != *and => left,
                    Some(_) => self.eval(right, scope)?,
                    None => {
                        let why = self.doubt(&left, scope, line);
                        self.maybe.push(why.clone());
                        let right = self.eval(right, scope);
                        self.maybe.pop();
                        match right {
                            // Whatever the left side is, the outcome's truth may be known.
                            Ok(right) if right.truth() == Some(!*and) => {
                                Val::unknown(why, here(self))
                            }
                            _ => Val::unknown(why, here(self)),
                        }
                    }
                }
            }
            ExprKind::Compare(first, rest) => self.compare(first, rest, scope, line)?,
            ExprKind::Choice { test, then, other } => {
                let test = self.eval(test, scope)?;
                match test.truth() {
                    Some(true) => self.eval(then, scope)?,
                    Some(false) => self.eval(other, scope)?,
                    None => {
                        let why = self.doubt(&test, scope, line);
                        self.maybe.push(why.clone());
                        let _ = self.eval(then, scope);
                        let _ = self.eval(other, scope);
                        self.maybe.pop();
                        Val::unknown(why, here(self))
                    }
                }
            }
            ExprKind::Lambda(parameters, body) => {
                let mut defaults = Vec::new();
                for (_, default) in &parameters.plain {
                    defaults.push(match default {
                        Some(default) => Some(self.eval(default, scope)?),
                        None => None,
                    });
                }
                let function = Function {
                    name: "lambda".into(),
                    code: Code::Expression(parameters.clone(), body.clone()),
                    scope: scope.clone(),
                    defaults,
                    kind: FunctionKind::Plain,
                };
                Val::new(Py::Function(Rc::new(function)), here(self))
            }
            ExprKind::Comprehension(comprehension) => {
                self.comprehension(comprehension, scope, line)?
            }
            ExprKind::Starred(value) => self.eval(value, scope)?,
            ExprKind::Walrus(name, value) => {
                let value = self.eval(value, scope)?;
                self.bind(name, value.clone(), scope);
                value
            }
            ExprKind::Opaque(what) => self.unknown(scope, line, format!("{what} is not followed")),
        })
    }

    /// Why a test could not be decided.
    pub(super) fn doubt(&self, value: &Val, scope: &Scope, line: usize) -> Rc<str> {
        match value.why_unknown() {
            Some(why) if why.contains("depends on a test") => why,
            Some(why) => format!(
                "depends on a test at {}:{line} that cannot be decided: {why}",
                scope.module.shown
            )
            .into(),
            None => format!(
                "depends on a test at {}:{line} that cannot be decided",
                scope.module.shown
            )
            .into(),
        }
    }

    fn sequence(&self, items: Result<Vec<Val>, Rc<str>>, tuple: bool, source: Source) -> Val {
        match items {
            Ok(items) => Val::seq(items, tuple, source),
            Err(why) => Val::unknown(why, source),
        }
    }

    fn items(&mut self, items: &[Expr], scope: &Rc<Scope>) -> Outcome<Result<Vec<Val>, Rc<str>>> {
        let mut out = Vec::new();
        let mut open = None;
        for item in items {
            let value = self.eval(item, scope)?;
            if !matches!(item.kind, ExprKind::Starred(_)) {
                out.push(value);
                continue;
            }
            match self.iterate(&value) {
                Ok(items) => out.extend(items),
                Err(why) => open = Some(why),
            }
        }
        Ok(match open {
            Some(why) => Err(why),
            None => Ok(out),
        })
    }

    fn dict(
        &mut self,
        entries: &[(Option<Expr>, Expr)],
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let dict = Val::dict(Vec::new(), self.source(scope, line));
        let Py::Dict(map) = &dict.py else {
            return Ok(dict);
        };
        for (key, value) in entries {
            match key {
                Some(key) => {
                    let key = self.eval(key, scope)?;
                    let value = self.eval(value, scope)?;
                    match key.key() {
                        Some(key) => map.set(key, value),
                        None => map.poison(&self.doubt_key(&key, scope, line)),
                    }
                }
                None => {
                    let other = self.eval(value, scope)?;
                    self.merge_into(map, &other, scope, line);
                }
            }
        }
        Ok(dict)
    }

    fn doubt_key(&self, key: &Val, scope: &Scope, line: usize) -> Rc<str> {
        let why = key
            .why_unknown()
            .unwrap_or_else(|| "it is not a plain value".into());
        format!("a key at {}:{line} is not known: {why}", scope.module.shown).into()
    }

    /// Adds all entries of a mapping to a dict.
    pub(super) fn merge_into(
        &mut self,
        map: &super::value::Dict,
        other: &Val,
        scope: &Scope,
        line: usize,
    ) {
        let entries: Result<Vec<(Rc<str>, Val)>, Rc<str>> = match &other.py {
            Py::Dict(other) => match &*other.poison.borrow() {
                Some(why) => Err(why.clone()),
                None => Ok(other.items.borrow().clone()),
            },
            Py::Environ => Ok(self.environ_entries()),
            Py::Seq(_) => self.iterate(other).and_then(|pairs| {
                pairs
                    .iter()
                    .map(|pair| {
                        let parts = self.iterate(pair).unwrap_or_default();
                        match parts.as_slice() {
                            [key, value] => match key.key() {
                                Some(key) => Ok((key, value.clone())),
                                None => Err("a key is not known".into()),
                            },
                            _ => Err("not a pair".into()),
                        }
                    })
                    .collect()
            }),
            _ => Err(other.why_unknown().unwrap_or_else(|| {
                format!("not a mapping at {}:{line}", scope.module.shown).into()
            })),
        };
        match entries {
            Ok(entries) => entries.into_iter().for_each(|(k, v)| map.set(k, v)),
            Err(why) => map.poison(&why),
        }
    }

    fn environ_entries(&self) -> Vec<(Rc<str>, Val)> {
        self.environ
            .keys()
            .filter_map(|name| Some((name.as_str().into(), self.variable(name)?)))
            .collect()
    }

    /// A variable of `os.environ`; `None` where it is not set.
    pub(crate) fn variable(&self, name: &str) -> Option<Val> {
        let found = self.environ.get(name);
        if let Some(why) = &self.environ_open {
            let source =
                found.map_or_else(|| Source::default_of("environment"), |v| v.source.clone());
            return Some(Val::unknown(why.clone(), source));
        }
        let var = found?;
        let source = if var.source.text().contains(name) {
            var.source.clone()
        } else {
            var.source.with_note(name)
        };
        Some(match &var.value {
            Ok(text) => Val::str(text.as_str(), source),
            Err(why) => Val::unknown(why.clone(), source),
        })
    }

    /// Sets a variable of `os.environ`.
    pub(crate) fn set_variable(&mut self, name: &str, value: &Val) {
        let result = match (self.uncertain(0), value.display(), value.why_unknown()) {
            (Some(why), ..) => Err(why),
            (None, Some(text), None) => Ok(text),
            (None, _, why) => Err(why.unwrap_or_else(|| "not a plain value".into())),
        };
        self.environ.insert(
            name.to_owned(),
            EnvVar {
                value: result,
                source: value.source.clone(),
            },
        );
    }

    fn lookup(&mut self, name: &str, scope: &Rc<Scope>, line: usize) -> Outcome<Val> {
        let mut at = Some(scope.clone());
        let mut first = true;
        let mut open: Option<Rc<str>> = None;
        while let Some(here) = at {
            // A class body is seen only from itself.
            if (first || !here.is_class)
                && let Some(value) = here.own(name)
            {
                return Ok(value);
            }
            if let Some(why) = here.open.borrow().clone() {
                open = Some(why);
            }
            first = false;
            at = here.parent.clone();
        }
        if let Some(why) = open {
            return Ok(self.unknown(scope, line, format!("`{name}` is not known: {why}")));
        }
        match name {
            "__name__" => Ok(Val::str(
                scope.module.name.as_str(),
                self.source(scope, line),
            )),
            "__file__" => Ok(Val::str(
                scope.module.file.to_string_lossy(),
                self.source(scope, line),
            )),
            "__package__" => Ok(Val::str(
                scope.module.package.as_str(),
                self.source(scope, line),
            )),
            _ if super::library::is_builtin(name) => Ok(Val::lib(name, self.source(scope, line))),
            _ if self.maybe.is_empty() => {
                self.raised(scope, line, "NameError", format!("`{name}` is not defined"))
            }
            _ => Ok(self.unknown(scope, line, format!("`{name}` is not defined"))),
        }
    }

    /// Binds a name, as uncertain where the branch is.
    pub(super) fn bind(&mut self, name: &str, mut value: Val, scope: &Rc<Scope>) {
        let target = if scope.globals.borrow().iter().any(|g| g == name) {
            Scope::top(scope)
        } else {
            scope.clone()
        };
        if let Some(why) = self.uncertain(target.level) {
            value = Val::unknown(why, value.source);
        }
        target.names.borrow_mut().insert(name.to_owned(), value);
    }

    fn format(&mut self, pieces: &[Piece], scope: &Rc<Scope>, line: usize) -> Outcome<Val> {
        let mut text = String::new();
        let mut source = None;
        let mut unknown = None;
        for piece in pieces {
            let (value, conversion, spec) = match piece {
                Piece::Text(t) => {
                    text.push_str(t);
                    continue;
                }
                Piece::Value(expr, conversion, spec) => (self.eval(expr, scope)?, conversion, spec),
            };
            let plain = spec.is_empty() || spec == "s" || spec == "d";
            match value.display() {
                Some(part) if plain && conversion.is_none_or(|c| c == 's') => text.push_str(&part),
                _ => {
                    let why = value
                        .why_unknown()
                        .unwrap_or_else(|| "a part of the text is not a plain value".into());
                    unknown.get_or_insert(why);
                }
            }
            if source.is_none() && value.source != self.source(scope, line) {
                source = Some(value.source);
            }
        }
        let source = source.unwrap_or_else(|| self.source(scope, line));
        Ok(match unknown {
            Some(why) => Val::unknown(why, source),
            None if text.len() > MAX_TEXT => Val::unknown("too long", source),
            None => Val::str(text, source),
        })
    }

    /// The values of something that can be iterated.
    pub(super) fn iterate(&self, value: &Val) -> Result<Vec<Val>, Rc<str>> {
        match &value.py {
            Py::Seq(seq) => match &*seq.poison.borrow() {
                Some(why) => Err(why.clone()),
                None => Ok(seq.items.borrow().clone()),
            },
            Py::Dict(dict) => match &*dict.poison.borrow() {
                Some(why) => Err(why.clone()),
                None => Ok(dict
                    .items
                    .borrow()
                    .iter()
                    .map(|(k, v)| Val::str(k.clone(), v.source.clone()))
                    .collect()),
            },
            Py::Str(text) if text.len() < 4096 => Ok(text
                .chars()
                .map(|c| Val::str(c.to_string(), value.source.clone()))
                .collect()),
            Py::Environ => Ok(self
                .environ
                .iter()
                .map(|(name, var)| Val::str(name.as_str(), var.source.clone()))
                .collect()),
            Py::Unknown(why) => Err(why.clone()),
            _ => Err("what it goes over is not a plain list".into()),
        }
    }

    fn comprehension(
        &mut self,
        comprehension: &Comprehension,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let inner = Scope::inside(scope, false, self.maybe.len());
        let mut out = Vec::new();
        let failed = self.comprehend(comprehension, 0, &inner, &mut out)?;
        let source = self.source(scope, line);
        if let Some(why) = failed {
            return Ok(Val::unknown(why, source));
        }
        if comprehension.built == Built::List {
            return Ok(Val::seq(
                out.into_iter().map(|(_, v)| v).collect(),
                false,
                source,
            ));
        }
        let dict = Val::dict(Vec::new(), source);
        if let Py::Dict(map) = &dict.py {
            for (key, value) in out {
                match key.as_ref().and_then(Val::key) {
                    Some(key) => map.set(key, value),
                    None => map.poison(&"a key of the comprehension is not known".into()),
                }
            }
        }
        Ok(dict)
    }

    fn comprehend(
        &mut self,
        comprehension: &Comprehension,
        at: usize,
        scope: &Rc<Scope>,
        out: &mut Vec<(Option<Val>, Val)>,
    ) -> Outcome<Option<Rc<str>>> {
        let Some((target, items, tests)) = comprehension.clauses.get(at) else {
            let key = match &comprehension.key {
                Some(key) => Some(self.eval(key, scope)?),
                None => None,
            };
            let value = self.eval(&comprehension.element, scope)?;
            out.push((key, value));
            return Ok(None);
        };
        let items = self.eval(items, scope)?;
        let items = match self.iterate(&items) {
            Ok(items) => items,
            Err(why) => return Ok(Some(why)),
        };
        for item in items {
            if let Some(why) = self.burn() {
                return Ok(Some(why));
            }
            self.assign(target, item, scope)?;
            let mut holds = Some(true);
            for test in tests {
                let test = self.eval(test, scope)?;
                match test.truth() {
                    Some(true) => {}
                    Some(false) => {
                        holds = Some(false);
                        break;
                    }
                    None => holds = None,
                }
            }
            match holds {
                Some(true) => {
                    if let Some(why) = self.comprehend(comprehension, at + 1, scope, out)? {
                        return Ok(Some(why));
                    }
                }
                Some(false) => {}
                None => return Ok(Some("a test in a comprehension cannot be decided".into())),
            }
        }
        Ok(None)
    }

    /// Arguments of a call, evaluated.
    fn arguments(&mut self, arguments: &[Argument], scope: &Rc<Scope>) -> Outcome<Arguments> {
        let mut out = Arguments::default();
        for argument in arguments {
            let value = self.eval(&argument.value, scope)?;
            match (argument.stars, &argument.name) {
                (0, Some(name)) => out.named.push((name.as_str().into(), value)),
                (0, None) => out.plain.push(value),
                (1, _) => match self.iterate(&value) {
                    Ok(items) => out.plain.extend(items),
                    Err(why) => out.open = Some(why),
                },
                _ => match &value.py {
                    Py::Dict(dict) if dict.poison.borrow().is_none() => {
                        out.named.extend(dict.items.borrow().iter().cloned());
                    }
                    _ => {
                        out.open = Some(
                            value
                                .why_unknown()
                                .unwrap_or_else(|| "not a mapping".into()),
                        );
                    }
                },
            }
        }
        Ok(out)
    }

    fn eval_call(
        &mut self,
        function: &Expr,
        arguments: &[Argument],
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let function = self.eval(function, scope)?;
        let arguments = self.arguments(arguments, scope)?;
        self.call(&function, arguments, scope, line)
    }

    /// Loads a file as the Flask command does: the process wins.
    pub(crate) fn load_env_file(&mut self, path: &Path) {
        let pairs = envfile::read(self, envfile::VALUES, path);
        envfile::load(self, pairs, false);
    }

    /// Calls a function without arguments.
    pub(crate) fn call_plain(&mut self, function: &Val, scope: &Rc<Scope>) -> Outcome<Val> {
        self.call(function, Arguments::default(), scope, 1)
    }

    /// A class's attribute; an error says why it is not known.
    pub(crate) fn class_value(&self, class: &Val, name: &str) -> Result<Option<Val>, Rc<str>> {
        self.find_in_class(class, name)
    }

    /// What a name of a module is after evaluation, for a resolver.
    pub(crate) fn result(&self, value: &Val) -> Traced {
        if self.exhausted() {
            return Traced::unknown(
                "the settings are too much code to follow",
                value.source.clone(),
            );
        }
        let mut budget = 5000;
        value.traced(&mut budget, 0)
    }
}
