//! Statements.

use std::rc::Rc;

use super::ast::{Block, Expr, ExprKind, Handler, Statement, StatementKind};
use super::eval::Interpreter;
use super::value::{Class, Code, Function, FunctionKind, Outcome, Py, Raised, Scope, Val};

/// What happens after a statement.
#[derive(Debug)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Val),
    Raise(Raised),
}

impl Interpreter<'_> {
    pub(super) fn block(&mut self, block: &Block, scope: &Rc<Scope>) -> Flow {
        for statement in block {
            if let Some(why) = self.burn() {
                self.spoil(scope, &why);
                return Flow::Next;
            }
            match self.statement(statement, scope) {
                Ok(Flow::Next) => {}
                Ok(flow) => return flow,
                Err(raised) => {
                    // In a branch that may not run, a failure proves nothing.
                    if self.maybe.is_empty() || self.catching(scope) {
                        return Flow::Raise(raised);
                    }
                }
            }
        }
        Flow::Next
    }

    /// Whether a raise inside an uncertain branch stays inside it: a function's own frame that is
    /// as uncertain as the branch.
    fn catching(&self, scope: &Scope) -> bool {
        self.maybe.len() <= scope.level
    }

    fn statement(&mut self, statement: &Statement, scope: &Rc<Scope>) -> Outcome<Flow> {
        let line = statement.line;
        match &statement.kind {
            StatementKind::Expression(value) => {
                self.eval(value, scope)?;
            }
            StatementKind::Assign(targets, value) => {
                let value = self.eval(value, scope)?;
                for target in targets {
                    self.assign(target, value.clone(), scope)?;
                }
            }
            StatementKind::Annotated(target, annotation, value) => {
                if scope.is_class
                    && let ExprKind::Name(name) = &target.kind
                    && !mentions(annotation, "ClassVar")
                {
                    scope.fields.borrow_mut().push(name.as_str().into());
                }
                if let Some(value) = value {
                    let value = self.eval(value, scope)?;
                    self.assign(target, value, scope)?;
                }
            }
            StatementKind::Augment(target, op, value) => {
                self.augment(target, op, value, scope, line)?;
            }
            StatementKind::If(arms) => return self.branches(arms, scope),
            StatementKind::For(target, items, body, other) => {
                return self.for_loop(target, items, body, other, scope, line);
            }
            StatementKind::While(test, body, _) => {
                let test = self.eval(test, scope)?;
                if test.truth() != Some(false) {
                    let why: Rc<str> =
                        format!("depends on a loop at {}:{line}", scope.module.shown).into();
                    self.doubtful(body, scope, why);
                }
            }
            StatementKind::Try {
                body,
                handlers,
                other,
                finally,
            } => {
                let flow = self.try_block(body, handlers, other, scope, line)?;
                return Ok(match self.block(finally, scope) {
                    Flow::Next => flow,
                    other => other,
                });
            }
            StatementKind::With(items, body) => {
                let mut prefixes = Vec::new();
                for (value, target) in items {
                    let value = self.eval(value, scope)?;
                    prefixes.extend(self.prefixed(&value));
                    let entered = self.entered(value);
                    if let Some(target) = target {
                        self.assign(target, entered, scope)?;
                    }
                }
                let flow = self.block(body, scope);
                for (env, before) in prefixes.into_iter().rev() {
                    env.attributes.set("prefix".into(), before);
                }
                return Ok(flow);
            }
            StatementKind::Match(subject, cases) => {
                return self.match_cases(subject, cases, scope, line);
            }
            StatementKind::Import(modules) => {
                for (module, alias) in modules {
                    self.import(module, alias.as_deref(), scope, line)?;
                }
            }
            StatementKind::ImportFrom {
                level,
                module,
                names,
            } => self.import_from(*level, module, names.as_deref(), scope, line)?,
            StatementKind::Function(definition) => self.define(definition, scope, line)?,
            StatementKind::Class(definition) => self.define_class(definition, scope, line)?,
            StatementKind::Return(value) => {
                let value = match value {
                    Some(value) => self.eval(value, scope)?,
                    None => Val::none(self.source(scope, line)),
                };
                if let Some(why) = self.uncertain(scope.level) {
                    let mut unsure = scope.unsure.borrow_mut();
                    if unsure.is_none() {
                        *unsure = Some(why);
                    }
                    return Ok(Flow::Next);
                }
                return Ok(Flow::Return(value));
            }
            StatementKind::Raise(value) => return self.raise(value.as_ref(), scope, line),
            StatementKind::Global(names) => {
                scope.globals.borrow_mut().extend(names.iter().cloned());
            }
            StatementKind::Delete(targets) => {
                for target in targets {
                    self.delete(target, scope)?;
                }
            }
            StatementKind::Assert(test) => {
                let value = self.eval(test, scope)?;
                if value.truth() == Some(false) && self.maybe.is_empty() {
                    return self.raised(scope, line, "AssertionError", "an assertion fails");
                }
            }
            StatementKind::Break | StatementKind::Continue => {
                if self.uncertain(scope.level).is_some() {
                    self.loop_unsure = true;
                    return Ok(Flow::Next);
                }
                return Ok(if statement.kind == StatementKind::Break {
                    Flow::Break
                } else {
                    Flow::Continue
                });
            }
            StatementKind::Pass => {}
            StatementKind::Opaque => {
                let why: Rc<str> = format!(
                    "{}:{line} cannot be read, so nothing set before it is certain",
                    scope.module.shown
                )
                .into();
                self.spoil(scope, &why);
            }
        }
        Ok(Flow::Next)
    }

    fn augment(
        &mut self,
        target: &Expr,
        op: &'static str,
        value: &Expr,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<()> {
        let old = self.eval(target, scope)?;
        let value = self.eval(value, scope)?;
        // Lists and dicts are changed in place, seen through every name.
        if self.maybe.is_empty() {
            match (&old.py, op) {
                (Py::Seq(seq), "+") if !seq.tuple => {
                    match self.iterate(&value) {
                        Ok(items) => items.into_iter().for_each(|item| seq.push(item)),
                        Err(why) => seq.poison(&why),
                    }
                    return Ok(());
                }
                (Py::Dict(dict), "|") => {
                    self.merge_into(dict, &value, scope, line);
                    return Ok(());
                }
                _ => {}
            }
        }
        let new = self.binary(op, &old, &value, scope, line)?;
        self.assign(target, new, scope)
    }

    fn branches(&mut self, arms: &[(Option<Expr>, Block)], scope: &Rc<Scope>) -> Outcome<Flow> {
        let mut doubts = 0;
        let mut flow = Flow::Next;
        for (test, body) in arms {
            let truth = match test {
                None => Some(true),
                Some(test) => {
                    let value = self.eval(test, scope)?;
                    let truth = value.truth();
                    if truth.is_none() {
                        let why = self.doubt(&value, scope, test.line);
                        self.maybe.push(why);
                        doubts += 1;
                        self.block(body, scope);
                        continue;
                    }
                    truth
                }
            };
            if truth == Some(true) {
                flow = self.block(body, scope);
                break;
            }
        }
        for _ in 0..doubts {
            self.maybe.pop();
        }
        // After an uncertain branch, `return` and its like have been noted by the statement.
        Ok(if doubts > 0 && !matches!(flow, Flow::Next) {
            Flow::Next
        } else {
            flow
        })
    }

    /// Follows code that may or may not run.
    pub(super) fn doubtful(&mut self, body: &Block, scope: &Rc<Scope>, why: Rc<str>) {
        self.maybe.push(why);
        self.block(body, scope);
        self.maybe.pop();
    }

    fn for_loop(
        &mut self,
        target: &Expr,
        items: &Expr,
        body: &Block,
        other: &Block,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Flow> {
        let items = self.eval(items, scope)?;
        let items = match self.iterate(&items) {
            Ok(items) => items,
            Err(why) => {
                let why: Rc<str> =
                    format!("depends on a loop at {}:{line}: {why}", scope.module.shown).into();
                self.maybe.push(why.clone());
                let item = self.unknown(scope, line, why);
                self.assign(target, item, scope)?;
                self.block(body, scope);
                self.maybe.pop();
                return Ok(Flow::Next);
            }
        };
        let mut unsure = 0;
        for item in items {
            if self.burn().is_some() {
                break;
            }
            self.assign(target, item, scope)?;
            let outer = std::mem::replace(&mut self.loop_unsure, false);
            let flow = self.block(body, scope);
            let left = std::mem::replace(&mut self.loop_unsure, outer);
            match flow {
                Flow::Break => return self.leave_loop(unsure, Flow::Next),
                Flow::Next | Flow::Continue => {}
                flow => return self.leave_loop(unsure, flow),
            }
            if left && unsure == 0 {
                unsure += 1;
                self.maybe
                    .push(format!("depends on a loop at {}:{line}", scope.module.shown).into());
            }
        }
        let flow = self.block(other, scope);
        self.leave_loop(unsure, flow)
    }

    fn leave_loop(&mut self, unsure: usize, flow: Flow) -> Outcome<Flow> {
        for _ in 0..unsure {
            self.maybe.pop();
        }
        Ok(flow)
    }

    fn try_block(
        &mut self,
        body: &Block,
        handlers: &[Handler],
        other: &Block,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Flow> {
        let depth = self.maybe.len();
        let catches_imports = handlers.iter().any(|h| catches(h, "ImportError"));
        let mut raised = None;
        for statement in body {
            if let Some(why) = self.burn() {
                self.spoil(scope, &why);
                break;
            }
            // A library that may not be installed: from here on both ways are open.
            if catches_imports
                && self.maybe.len() == depth
                && let Some(module) = self.doubtful_import(statement, scope)
            {
                let why = format!(
                    "depends on whether `{module}` is installed ({}:{line})",
                    scope.module.shown
                );
                self.maybe.push(why.into());
            }
            match self.statement(statement, scope) {
                Ok(Flow::Next) => {}
                Ok(Flow::Raise(r)) | Err(r) => {
                    raised = Some(r);
                    break;
                }
                Ok(flow) => {
                    self.maybe.truncate(depth);
                    return Ok(flow);
                }
            }
        }
        let doubtful = self.maybe.len() > depth;
        if doubtful {
            for handler in handlers {
                self.block(&handler.body, scope);
            }
            self.block(other, scope);
            self.maybe.truncate(depth);
            return Ok(Flow::Next);
        }
        match raised {
            None => Ok(self.block(other, scope)),
            Some(raised) => self.handle(raised, handlers, scope, line),
        }
    }

    fn handle(
        &mut self,
        raised: Raised,
        handlers: &[Handler],
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Flow> {
        for handler in handlers {
            if !catches(handler, &raised.kind) {
                continue;
            }
            if let Some(name) = &handler.name {
                let value = self.unknown(scope, line, "an exception's value");
                self.bind(name, value, scope);
            }
            return Ok(match self.block(&handler.body, scope) {
                // A bare `raise` gives back what was caught.
                Flow::Raise(again) if again.kind.is_empty() => Flow::Raise(raised),
                flow => flow,
            });
        }
        Ok(Flow::Raise(raised))
    }

    fn match_cases(
        &mut self,
        subject: &Expr,
        cases: &[(Option<Expr>, Option<Expr>, Block)],
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Flow> {
        let subject = self.eval(subject, scope)?;
        for (pattern, guard, body) in cases {
            let mut fits = match pattern {
                None => Some(true),
                Some(pattern) => self.fits(&subject, pattern, scope),
            };
            if fits == Some(true)
                && let Some(guard) = guard
            {
                fits = self.eval(guard, scope)?.truth();
            }
            match fits {
                Some(true) => return Ok(self.block(body, scope)),
                Some(false) => {}
                None => {
                    let why: Rc<str> = format!(
                        "depends on a `match` at {}:{line} that cannot be decided",
                        scope.module.shown
                    )
                    .into();
                    for (_, _, body) in cases {
                        self.doubtful(body, scope, why.clone());
                    }
                    return Ok(Flow::Next);
                }
            }
        }
        Ok(Flow::Next)
    }

    fn fits(&mut self, subject: &Val, pattern: &Expr, scope: &Rc<Scope>) -> Option<bool> {
        match &pattern.kind {
            ExprKind::Binary("|", a, b) => {
                let first = self.fits(subject, a, scope);
                if first == Some(true) {
                    return first;
                }
                let second = self.fits(subject, b, scope);
                if second == Some(true) {
                    return second;
                }
                first.and(second)
            }
            ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::None => {
                let value = self.eval(pattern, scope).ok()?;
                super::ops::equal(subject, &value)
            }
            _ => None,
        }
    }

    fn raise(&mut self, value: Option<&Expr>, scope: &Rc<Scope>, line: usize) -> Outcome<Flow> {
        if self.uncertain(scope.level).is_some() {
            return Ok(Flow::Next);
        }
        let kind: Rc<str> = match value {
            None => "".into(),
            Some(Expr {
                kind: ExprKind::Call(function, _),
                ..
            }) => name_of(function),
            Some(value) => name_of(value),
        };
        Ok(Flow::Raise(Raised {
            detail: format!("{}:{line}: {kind}", scope.module.shown),
            kind,
        }))
    }

    fn delete(&mut self, target: &Expr, scope: &Rc<Scope>) -> Outcome<()> {
        match &target.kind {
            ExprKind::Name(name) => {
                scope.names.borrow_mut().remove(name);
            }
            ExprKind::Index(of, key) => {
                let of = self.eval(of, scope)?;
                let key = self.eval(key, scope)?;
                let doubt = self.uncertain(0);
                match (&of.py, key.key(), doubt) {
                    (Py::Dict(dict), Some(key), None) => {
                        let before = dict.items.borrow().len();
                        dict.items.borrow_mut().retain(|(k, _)| *k != key);
                        let gone = dict.items.borrow().len() < before;
                        if !gone && dict.poison.borrow().is_none() {
                            let detail = format!("`{key}`");
                            return self.raised(scope, target.line, "KeyError", detail);
                        }
                    }
                    (Py::Environ, Some(key), None) => {
                        let known = self.environ.remove(&*key).is_some();
                        if !known && self.environ_open.is_none() {
                            let detail = format!("`{key}`");
                            return self.raised(scope, target.line, "KeyError", detail);
                        }
                    }
                    (Py::Dict(dict), ..) => dict.poison(&"an entry may be deleted".into()),
                    (Py::Environ, ..) => {
                        self.environ_open = Some("a variable may be deleted".into());
                    }
                    _ => self.spoil_value(&of, &"an entry is deleted".into(), 0),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn define(
        &mut self,
        definition: &Rc<super::ast::Definition>,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<()> {
        let mut defaults = Vec::new();
        for (_, default) in &definition.parameters.plain {
            defaults.push(match default {
                Some(default) => Some(self.eval(default, scope)?),
                None => None,
            });
        }
        let mut kind = FunctionKind::Plain;
        let mut foreign = false;
        for decorator in &definition.decorators {
            let name = match &decorator.kind {
                ExprKind::Call(function, _) => name_of(function),
                _ => name_of(decorator),
            };
            match &*name {
                "property" | "cached_property" => kind = FunctionKind::Property,
                "staticmethod" => kind = FunctionKind::Static,
                "classmethod" => kind = FunctionKind::OfClass,
                "lru_cache" | "cache" | "computed_field" => {}
                _ => foreign = true,
            }
        }
        let source = self.source(scope, line);
        if scope.is_class {
            for mark in super::settings::marks(definition) {
                let yes = Val::none(source.clone());
                scope.names.borrow_mut().insert(mark, yes);
            }
        }
        let value = if foreign || definition.deferred {
            Val::unknown(
                format!("`{}` is decorated or runs later", definition.name),
                source,
            )
        } else {
            let function = Function {
                name: definition.name.as_str().into(),
                code: Code::Block(definition.clone()),
                scope: scope.clone(),
                defaults,
                kind,
            };
            Val::new(Py::Function(Rc::new(function)), source)
        };
        self.bind(&definition.name, value, scope);
        // Decorated functions may still be the application's factory; they are kept by name.
        Ok(())
    }

    fn define_class(
        &mut self,
        definition: &Rc<super::ast::ClassDefinition>,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<()> {
        let mut bases = Vec::new();
        let inner = Scope::inside(scope, true, self.maybe.len());
        for base in &definition.bases {
            let value = self.eval(&base.value, scope)?;
            match &base.name {
                // `class S(BaseSettings, env_prefix="X_")`: pydantic's configuration.
                Some(name) => {
                    let name = format!("class {name}");
                    inner.names.borrow_mut().insert(name, value);
                }
                None => bases.push(value),
            }
        }
        if let Flow::Raise(raised) = self.block(&definition.body, &inner) {
            return Err(raised);
        }
        let fields = inner.fields.borrow().clone();
        let class = Class {
            name: definition.name.as_str().into(),
            bases,
            fields: std::cell::RefCell::new(fields),
            scope: inner,
        };
        let value = Val::new(Py::Class(Rc::new(class)), self.source(scope, line));
        self.bind(&definition.name, value, scope);
        Ok(())
    }
}

/// The last part of a dotted name.
pub(super) fn name_of(expr: &Expr) -> Rc<str> {
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => name.as_str().into(),
        _ => "exception".into(),
    }
}

fn mentions(annotation: &Expr, name: &str) -> bool {
    match &annotation.kind {
        ExprKind::Name(n) => n == name,
        ExprKind::Attribute(_, n) => n == name,
        ExprKind::Index(of, _) => mentions(of, name),
        _ => false,
    }
}

/// Whether a handler catches an exception of that class.
fn catches(handler: &Handler, kind: &str) -> bool {
    let Some(caught) = &handler.caught else {
        return true;
    };
    let names: Vec<Rc<str>> = match &caught.kind {
        ExprKind::Tuple(items) => items.iter().map(name_of).collect(),
        _ => vec![name_of(caught)],
    };
    names.iter().any(|name| is_kind_of(kind, name))
}

/// The exceptions that settings meet, by class and base.
fn is_kind_of(kind: &str, caught: &str) -> bool {
    let bases: &[&str] = match kind {
        "ModuleNotFoundError" => &["ImportError"],
        "ImportError" => &["ModuleNotFoundError"],
        "KeyError" | "IndexError" => &["LookupError"],
        "FileNotFoundError" => &["OSError", "IOError", "EnvironmentError"],
        "UnicodeDecodeError" | "JSONDecodeError" => &["ValueError"],
        "EnvError" => &["ValueError"],
        _ => &[],
    };
    caught == kind
        || bases.contains(&caught)
        || (kind != "SystemExit" && caught == "Exception")
        || caught == "BaseException"
}
