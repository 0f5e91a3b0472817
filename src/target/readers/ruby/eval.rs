//! Evaluates configuration without running anything: variables, branches, string work. A branch
//! that hangs on something unknown makes what it assigns or prints unknown, nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Block, Call, Expr, Kind, Part};
use super::value::{Origin, Rb, Val};
use crate::environment::Vars;
use crate::files::Files;
use crate::source::Source;

/// Expressions evaluated before reading is given up.
const MAX_STEPS: usize = 200_000;
/// What all values together may weigh: text that is doubled again and again grows past all memory.
const MAX_WEIGHT: usize = 8 << 20;
const MAX_DEPTH: usize = 64;

/// What evaluation left behind besides values.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// `Rake::Task[name].invoke` and the like, or its name is not known.
    Invoke(Result<String, String>),
    /// A shell command line, or why it is not known.
    Shell(Result<String, String>),
    /// A call of `ActiveRecord::Tasks::DatabaseTasks`, with its arguments.
    DatabaseTask(String, Vec<Val>),
    /// `config.paths["config/database"] = ...`, or why it is not known.
    DatabaseFile(Result<String, String>),
    /// SQL text that is executed, or why it is not known.
    Sql(Result<String, String>),
    /// A task, with the namespace it stands in.
    Task(Box<TaskDefinition>),
    /// A file that is loaded, or why it is not known.
    Load(Result<String, String>),
    /// Something that is not followed, as it is named.
    Opaque(String),
}

/// A task as `task` defines it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskDefinition {
    /// Its full name.
    pub name: String,
    /// The namespace it was defined in, outermost first.
    pub scope: Vec<String>,
    /// Tasks that run before it, as they are written.
    pub prerequisites: Vec<String>,
    /// Names of its arguments.
    pub params: Vec<String>,
    /// What it runs.
    pub body: Option<Block>,
    /// Local variables it can see.
    pub locals: HashMap<String, Val>,
    /// The file it stands in, as shown.
    pub file: String,
    /// Its line.
    pub line: usize,
}

/// What the encrypted credentials of a Rails application are to the command.
#[derive(Debug, Clone, PartialEq)]
pub enum Credentials {
    /// There are none, or no key: every look-up gives `nil`.
    Empty,
    /// There are some with a key; they are not opened here.
    Locked(String),
}

/// A piece of a template: text, or an expression that prints; with its line.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text as it stands.
    Text(String, usize),
    /// `<%= ... %>`.
    Output(Vec<Expr>, usize),
}

/// What a template printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Printed {
    /// The text, or why it is not known.
    pub text: Result<String, String>,
    /// Where it came from, when not from the template itself.
    pub origin: Option<Origin>,
    /// The template's line.
    pub line: usize,
    /// Why it is not known whether this is printed at all.
    pub doubt: Option<String>,
    /// It stands in the template as it is.
    pub literal: bool,
}

/// Why evaluation of a statement list ends early.
#[derive(Debug, Clone, PartialEq)]
pub enum Flow {
    /// An exception, in words, and its line.
    Raise(String, usize),
    /// `return`, `next`, `break` with a value.
    Leave(Val),
    /// `exit`, `abort`.
    Exit,
}

/// The result of evaluating one expression.
pub type Outcome = Result<Val, Flow>;

/// An evaluator over what the program will see.
pub struct Ruby<'a> {
    /// Files of the project.
    pub files: &'a dyn Files,
    /// The project's directory.
    pub root: PathBuf,
    /// The file being evaluated.
    pub path: PathBuf,
    /// Its name in sources.
    pub shown: String,
    /// The environment, as changed so far.
    pub vars: Vars,
    /// Variables whose value is not known, and why.
    pub unknown_vars: BTreeMap<String, String>,
    /// `Rails.env`, where Rails is loaded.
    pub rails_env: Option<String>,
    /// The machine's name.
    pub host: String,
    /// Encrypted credentials.
    pub credentials: Credentials,
    /// What was found on the way, in order.
    pub facts: Vec<Fact>,
    /// The pieces of the template that is evaluated.
    pub pieces: Rc<Vec<Piece>>,
    /// What was printed, for templates.
    pub out: Vec<Printed>,
    /// Local variables.
    pub locals: HashMap<String, Val>,
    /// Methods defined in the text.
    methods: HashMap<String, Block>,
    /// Files of the project that were loaded.
    pub loaded: HashSet<PathBuf>,
    /// Whether `require_relative` and `load` of project files are followed.
    pub follow: bool,
    /// Directories in which `require` looks for project files.
    pub load_dirs: Vec<PathBuf>,
    pub(super) scope: Vec<String>,
    steps: usize,
    /// What all further values together may weigh.
    strength: usize,
    pub(super) depth: usize,
    /// Why it is not known whether the present branch runs.
    pub(super) doubt: Option<String>,
}

impl<'a> Ruby<'a> {
    /// An evaluator in the project at `root`.
    pub fn new(files: &'a dyn Files, root: PathBuf, vars: Vars) -> Self {
        Ruby {
            files,
            path: root.clone(),
            root,
            shown: String::new(),
            vars,
            unknown_vars: BTreeMap::new(),
            rails_env: None,
            host: String::new(),
            credentials: Credentials::Empty,
            facts: Vec::new(),
            pieces: Rc::default(),
            out: Vec::new(),
            locals: HashMap::new(),
            methods: HashMap::new(),
            loaded: HashSet::new(),
            follow: false,
            load_dirs: Vec::new(),
            scope: Vec::new(),
            steps: MAX_STEPS,
            strength: MAX_WEIGHT,
            depth: 0,
            doubt: None,
        }
    }

    /// The source of a line of the file being evaluated.
    pub fn here(&self, line: usize) -> Source {
        Source::project_file(&self.shown, line)
    }

    pub(super) fn cannot(&self, what: &str, line: usize) -> Val {
        Val::unknown(format!("{what} at {}:{line} is not evaluated", self.shown))
    }

    /// From here on it is not known whether what is evaluated runs at all.
    pub fn set_doubt(&mut self, why: Option<String>) {
        self.doubt = why;
    }

    /// Evaluates a file of the project, once. A file that cannot be read as Ruby is searched for
    /// variables that it sets: these are unknown then.
    ///
    /// # Errors
    /// See [`Ruby::run`].
    pub fn load_file(&mut self, path: &Path) -> Result<(), Flow> {
        let path = crate::files::lexical(path);
        if self.loaded.len() > 200 || !self.loaded.insert(path.clone()) {
            return Ok(());
        }
        let Ok(text) = self.files.read_text(&path) else {
            return Ok(());
        };
        let shown = crate::files::shown(&path, &self.root);
        let body = match super::parse(&text) {
            Ok(body) => body,
            Err(e) => {
                self.facts
                    .push(Fact::Opaque(format!("{shown}:{}: {}", e.line, e.what)));
                for name in assigned_names(&text) {
                    let why = format!("{shown} sets it in a way that is not read");
                    self.unknown_vars.insert(name, why);
                }
                if text.contains("config/database") {
                    let why = format!("{shown} changes it in a way that is not read");
                    self.facts.push(Fact::DatabaseFile(Err(why)));
                }
                return Ok(());
            }
        };
        let old = (
            std::mem::replace(&mut self.path, path),
            std::mem::replace(&mut self.shown, shown),
            std::mem::take(&mut self.locals),
        );
        let result = self.run(&body);
        (self.path, self.shown, self.locals) = old;
        match result {
            Ok(_) | Err(Flow::Leave(_)) => Ok(()),
            Err(flow) => Err(flow),
        }
    }

    /// Evaluates statements; the value of the last one.
    ///
    /// # Errors
    /// Where an exception, `return` or `exit` ends them.
    pub fn run(&mut self, body: &[Expr]) -> Outcome {
        let mut last = Val::nil();
        for expr in body {
            last = self.eval(expr)?;
        }
        Ok(last)
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// See [`Ruby::run`].
    pub fn eval(&mut self, expr: &Expr) -> Outcome {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || self.depth > MAX_DEPTH {
            return Ok(self.cannot("too much code", expr.line));
        }
        self.depth += 1;
        let result = self.eval_kind(expr);
        self.depth -= 1;
        if let Ok(value) = &result
            && !value.weighs_less(&mut self.strength)
        {
            self.steps = 0;
            self.strength = 0;
        }
        result
    }

    fn eval_kind(&mut self, expr: &Expr) -> Outcome {
        let line = expr.line;
        Ok(match &expr.kind {
            Kind::Nil => Val::nil(),
            Kind::Bool(truth) => Val::bool(*truth),
            Kind::Int(n) => Rb::Int(*n).into(),
            Kind::Float(n) => Rb::Float(*n).into(),
            Kind::Itself => self.cannot("self", line),
            Kind::Str(parts) => self.string(parts)?,
            Kind::Sym(parts) => {
                let text = self.string(parts)?;
                match text.rb {
                    Rb::Str(text, _) => Rb::Sym(text).into(),
                    _ => text,
                }
            }
            Kind::Regex(parts, flags) => {
                let text = self.string(parts)?;
                match text.rb {
                    Rb::Str(text, _) => Rb::Regex(text, flags.clone()).into(),
                    _ => text,
                }
            }
            Kind::Backtick => {
                self.facts.push(Fact::Shell(Err(format!(
                    "backticks at {}:{line}",
                    self.shown
                ))));
                Val::unknown(format!(
                    "{}:{line} takes the output of a shell command",
                    self.shown
                ))
            }
            Kind::Array(items) => Rb::List(self.arguments(items)?).into(),
            Kind::Hash(pairs) => {
                let mut out = Vec::new();
                for (key, value) in pairs {
                    let key = self.eval(key)?;
                    let value = self.eval(value)?;
                    out.push((key, value));
                }
                Rb::Hash(out).into()
            }
            Kind::Local(name) => match self.locals.get(name) {
                Some(value) => value.clone(),
                None => Val::nil(),
            },
            Kind::Variable(name) => match self.locals.get(name) {
                Some(value) => value.clone(),
                None => self.cannot(name, line),
            },
            Kind::Const(path) => match self.locals.get(path) {
                Some(value) => value.clone(),
                None => Rb::Const(path.clone()).into(),
            },
            Kind::Call(call) => self.call(call, line)?,
            Kind::Index(target, args) => {
                let target = self.eval(target)?;
                let args = self.arguments(args)?;
                self.send(target, "[]", args, None, line)?
            }
            Kind::Not(inner) => match self.eval(inner)?.truth() {
                Ok(truth) => Val::bool(!truth),
                Err(why) => Val::unknown(why),
            },
            Kind::And(left, right) => {
                let left = self.eval(left)?;
                match left.truth() {
                    Ok(true) => self.eval(right)?,
                    Ok(false) => left,
                    Err(why) => self.doubtful(&why, |ruby| ruby.eval(right))?,
                }
            }
            Kind::Or(left, right) => self.or(left, right, line)?,
            Kind::Binary(op, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                self.send(left, op, vec![right], None, line)?
            }
            Kind::If(condition, yes, no) => {
                let condition = self.eval(condition)?;
                match condition.truth() {
                    Ok(true) => self.run(yes)?.or_origin(&condition),
                    Ok(false) => self.run(no)?,
                    Err(why) => {
                        self.doubtful(&why, |ruby| ruby.run(yes))?;
                        self.doubtful(&why, |ruby| ruby.run(no))?
                    }
                }
            }
            Kind::Case(subject, branches, other) => {
                self.case(subject.as_deref(), branches, other)?
            }
            Kind::Loop(body) => {
                let why = format!("a loop at {}:{line}", self.shown);
                self.doubtful(&why, |ruby| ruby.run(body))?
            }
            Kind::Assign(target, op, value) => self.assign(target, op, value, line)?,
            Kind::Range(from, to, exclusive) => {
                let (from, to) = (self.eval(from)?, self.eval(to)?);
                match (from.rb, to.rb) {
                    (Rb::Int(a), Rb::Int(b)) => Rb::Range(a, b, *exclusive).into(),
                    _ => self.cannot("a range", line),
                }
            }
            Kind::Begin(body, rescue) => match self.run(body) {
                Err(Flow::Raise(..)) if !rescue.is_empty() => self.run(rescue)?,
                Err(Flow::Raise(..)) if self.doubt.is_some() => Val::nil(),
                other => other?,
            },
            Kind::Def(name, method) => {
                self.methods.insert(name.clone(), method.clone());
                Rb::Sym(name.clone()).into()
            }
            Kind::Class(_, body) => {
                self.run(body)?;
                Val::nil()
            }
            Kind::Lambda(block) => Rb::Lambda(block.clone()).into(),
            Kind::Leave(word, value) => {
                let value = match value {
                    Some(value) => self.eval(value)?,
                    None => Val::nil(),
                };
                if self.doubt.is_some() {
                    return Ok(Val::nil());
                }
                return Err(match *word {
                    "raise" => {
                        let text = value.to_text().unwrap_or_else(|_| "an exception".into());
                        Flow::Raise(text, line)
                    }
                    "exit" => Flow::Exit,
                    _ => Flow::Leave(value),
                });
            }
            Kind::Defined(inner) => match &inner.kind {
                Kind::Const(path) if path == "Rails" => Val::bool(self.rails_env.is_some()),
                Kind::Local(name) => Val::bool(self.locals.contains_key(name)),
                _ => self.cannot("defined?", line),
            },
            Kind::Group(body) => self.run(body)?,
            Kind::Splat(inner) => self.eval(inner)?,
            Kind::Unread(text) => self.cannot(text, line),
        })
    }

    /// Runs something of which it is not known whether it runs: what it assigns or prints becomes
    /// unknown, and so does its value.
    pub(super) fn doubtful(
        &mut self,
        why: &str,
        run: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let outer = self.doubt.replace(why.to_owned());
        let result = run(self);
        self.doubt = outer;
        match result {
            Ok(_) | Err(Flow::Raise(..) | Flow::Leave(_) | Flow::Exit) => Ok(Val::unknown(why)),
        }
    }

    fn or(&mut self, left: &Expr, right: &Expr, line: usize) -> Outcome {
        let left = self.eval(left)?;
        match left.truth() {
            Ok(true) => {
                let default = self.here(line).with_note("default");
                Ok(self.beating(left, default))
            }
            Ok(false) => self.eval(right),
            Err(why) => self.doubtful(&why, |ruby| ruby.eval(right)),
        }
    }

    /// Notes what a value from elsewhere beat in this text.
    pub(super) fn beating(&self, mut value: Val, loser: Source) -> Val {
        if let Some(origin) = &mut value.origin
            && !origin.beat.contains(&loser)
        {
            origin.beat.push(loser);
        }
        value
    }

    pub(super) fn string(&mut self, parts: &[Part]) -> Outcome {
        let mut text = String::new();
        let mut whole = Val::nil();
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Code(code) => {
                    let value = self.run(code)?;
                    match value.to_text() {
                        Ok(more) => text.push_str(&more),
                        Err(why) => whole = Val::unknown(why),
                    }
                    whole = whole.or_origin(&value);
                }
            }
        }
        if matches!(whole.rb, Rb::Unknown(_)) {
            return Ok(whole);
        }
        whole.rb = Rb::Str(text, false);
        Ok(whole)
    }

    /// Evaluates arguments, with splats spread out.
    pub(super) fn arguments(&mut self, args: &[Expr]) -> Result<Vec<Val>, Flow> {
        let mut out = Vec::new();
        for arg in args {
            let value = self.eval(arg)?;
            match (&arg.kind, value.rb) {
                (Kind::Splat(_), Rb::List(items)) => out.extend(items),
                (_, rb) => out.push(Val {
                    rb,
                    origin: value.origin,
                }),
            }
        }
        Ok(out)
    }

    fn case(
        &mut self,
        subject: Option<&Expr>,
        branches: &[(Vec<Expr>, Vec<Expr>)],
        other: &[Expr],
    ) -> Outcome {
        let subject = subject.map(|s| self.eval(s)).transpose()?;
        for (number, (tests, body)) in branches.iter().enumerate() {
            for test in tests {
                let value = self.eval(test)?;
                let hit = match &subject {
                    None => value,
                    Some(subject) => {
                        self.send(value, "===", vec![subject.clone()], None, test.line)?
                    }
                };
                match hit.truth() {
                    Ok(true) => return self.run(body),
                    Ok(false) => {}
                    Err(why) => {
                        for (_, body) in &branches[number..] {
                            self.doubtful(&why, |ruby| ruby.run(body))?;
                        }
                        return self.doubtful(&why, |ruby| ruby.run(other));
                    }
                }
            }
        }
        self.run(other)
    }

    fn assign(&mut self, target: &Expr, op: &str, value: &Expr, line: usize) -> Outcome {
        let new = match op {
            "" => self.eval(value)?,
            "||" => self.or(target, value, line)?,
            "&&" => {
                let old = self.eval(target)?;
                match old.truth() {
                    Ok(true) => self.eval(value)?,
                    Ok(false) => old,
                    Err(why) => Val::unknown(why),
                }
            }
            op => {
                let old = self.eval(target)?;
                let value = self.eval(value)?;
                self.send(old, op, vec![value], None, line)?
            }
        };
        let new = match &self.doubt {
            Some(why) => Val::unknown(why.clone()),
            None => new,
        };
        match &target.kind {
            Kind::Local(name) | Kind::Variable(name) | Kind::Const(name) => {
                self.locals.insert(name.clone(), new.clone());
            }
            Kind::Index(owner, keys) => self.assign_index(owner, keys, &new, line)?,
            Kind::Call(call) => {
                let receiver = call.receiver.as_ref();
                self.assign_attribute(receiver, &call.name, &new);
            }
            _ => {}
        }
        Ok(new)
    }

    fn assign_index(
        &mut self,
        owner: &Expr,
        keys: &[Expr],
        new: &Val,
        line: usize,
    ) -> Result<(), Flow> {
        let key = match keys.first() {
            Some(key) => self.eval(key)?,
            None => return Ok(()),
        };
        if is_const(owner, "ENV") {
            self.set_variable(&key, new, line);
            return Ok(());
        }
        let paths = matches!(&owner.kind, Kind::Call(c) if c.name == "paths");
        if paths && key.to_text().is_ok_and(|k| k == "config/database") {
            self.facts.push(Fact::DatabaseFile(new.to_text()));
            return Ok(());
        }
        if let Kind::Local(name) | Kind::Variable(name) = &owner.kind {
            match self.locals.get_mut(name).map(|v| &mut v.rb) {
                Some(Rb::Hash(pairs)) => match pairs.iter_mut().find(|(k, _)| k.rb == key.rb) {
                    Some((_, old)) => *old = new.clone(),
                    None => pairs.push((key, new.clone())),
                },
                Some(other) => {
                    *other = Rb::Unknown(format!("changed at {}:{line}", self.shown));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn assign_attribute(&mut self, receiver: Option<&Expr>, name: &str, new: &Val) {
        // `ActiveRecord::Base.configurations = ...` replaces the file altogether.
        let configurations = name == "configurations"
            && receiver.is_some_and(|r| matches!(&r.kind, Kind::Const(c) if c.ends_with("Base")));
        if configurations {
            let place = format!("{} replaces the configuration in code", self.shown);
            self.facts.push(Fact::DatabaseFile(Err(place)));
        }
        if name == "env" && receiver.is_some_and(|r| is_const(r, "Rails")) {
            match new.to_text() {
                Ok(env) => self.rails_env = Some(env),
                Err(why) => {
                    self.unknown_vars.insert("RAILS_ENV".into(), why);
                }
            }
        }
    }

    /// `ENV[name] = value`; `nil` removes.
    pub(super) fn set_variable(&mut self, key: &Val, new: &Val, line: usize) {
        let Ok(name) = key.to_text() else {
            self.unknown_vars.insert(
                "*".into(),
                format!("{}:{line} sets a variable that is not known", self.shown),
            );
            return;
        };
        match &new.rb {
            Rb::Nil => {
                self.vars.unset(&name);
                self.unknown_vars.remove(&name);
            }
            Rb::Unknown(why) => {
                self.unknown_vars.insert(name, why.clone());
            }
            _ => {
                let Ok(text) = new.to_text() else { return };
                let kept =
                    self.vars.text(&name).is_some_and(|old| old == text) && new.origin.is_some();
                if !kept {
                    let source = self.here(line);
                    self.vars.set(name.clone(), text, source);
                }
                self.unknown_vars.remove(&name);
            }
        }
    }

    /// The value of a variable, as `ENV[name]` gives it.
    pub fn variable(&self, name: &str) -> Val {
        let why = self
            .unknown_vars
            .get(name)
            .or_else(|| self.unknown_vars.get("*"));
        if let Some(why) = why {
            return Val::unknown(why.clone());
        }
        match self.vars.get(name) {
            None => Val::nil(),
            Some(var) => Val {
                rb: Rb::Str(var.value.to_string_lossy().into_owned(), false),
                origin: Some(Origin {
                    source: var.source.with_note(name),
                    beat: Vec::new(),
                }),
            },
        }
    }

    fn call(&mut self, call: &Call, line: usize) -> Outcome {
        let Some(receiver) = &call.receiver else {
            return self.own_call(call, line);
        };
        if let Some(fact) = self.database_file(receiver, call)? {
            self.facts.push(fact);
            return Ok(Val::nil());
        }
        let receiver = self.eval(receiver)?;
        if call.safe && receiver.rb == Rb::Nil {
            return Ok(receiver);
        }
        let args = self.arguments(&call.args)?;
        self.send(receiver, &call.name, args, call.block.as_ref(), line)
    }

    /// `config.paths.add "config/database", with: ...` and changes of that list.
    fn database_file(&mut self, receiver: &Expr, call: &Call) -> Result<Option<Fact>, Flow> {
        let is_paths = |e: &Expr| matches!(&e.kind, Kind::Call(c) if c.name == "paths");
        let named = |ruby: &mut Self, e: Option<&Expr>| -> Result<bool, Flow> {
            let key = e.map(|e| ruby.eval(e)).transpose()?;
            Ok(key.is_some_and(|k| k.to_text().is_ok_and(|k| k == "config/database")))
        };
        match (&receiver.kind, call.name.as_str()) {
            (_, "add") if is_paths(receiver) => {
                if !named(self, call.args.first())? {
                    return Ok(None);
                }
                let options = call.args.get(1).map(|a| self.eval(a)).transpose()?;
                let path = match options.map(|o| o.rb) {
                    Some(Rb::Hash(pairs)) => pairs
                        .iter()
                        .find(|(k, _)| k.rb == Rb::Sym("with".into()))
                        .map(|(_, v)| v.to_text()),
                    _ => None,
                };
                Ok(path.map(Fact::DatabaseFile))
            }
            (Kind::Index(owner, keys), "unshift" | "push" | "concat") if is_paths(owner) => {
                if !named(self, keys.first())? {
                    return Ok(None);
                }
                let why = format!("{} adds to the list of database files", self.shown);
                Ok(Some(Fact::DatabaseFile(Err(why))))
            }
            _ => Ok(None),
        }
    }

    /// Calls a method of the text itself, once deep: no recursion.
    pub(super) fn own_method(&mut self, name: &str, args: &[Val]) -> Option<Outcome> {
        let method = self.methods.get(name)?.clone();
        if self.depth > MAX_DEPTH / 2 {
            return None;
        }
        let locals = std::mem::take(&mut self.locals);
        let mut args = args.iter().cloned();
        for name in &method.params {
            let (name, value) = match name.strip_prefix('*') {
                Some(rest) => (rest, Rb::List(args.by_ref().collect()).into()),
                None => {
                    let value = args.next();
                    let default = || Val::unknown(format!("`{name}` where it is not given"));
                    (name.as_str(), value.unwrap_or_else(default))
                }
            };
            self.locals.insert(name.to_owned(), value);
        }
        let result = self.run(&method.body);
        self.locals = locals;
        Some(match result {
            Err(Flow::Leave(value)) => Ok(value),
            other => other,
        })
    }

    /// Runs a block with arguments.
    pub(super) fn yield_to(&mut self, block: &Block, args: &[Val]) -> Outcome {
        let mut old = Vec::new();
        for (at, name) in block.params.iter().enumerate() {
            let value = args.get(at).cloned().unwrap_or_else(Val::nil);
            old.push((name.clone(), self.locals.insert(name.clone(), value)));
        }
        let result = self.run(&block.body);
        for (name, value) in old {
            match value {
                Some(value) => self.locals.insert(name, value),
                None => self.locals.remove(&name),
            };
        }
        match result {
            Err(Flow::Leave(value)) => Ok(value),
            other => other,
        }
    }
}

pub(super) fn is_const(expr: &Expr, name: &str) -> bool {
    matches!(&expr.kind, Kind::Const(path) if path == name)
}

/// Names in `ENV['X'] =` and `ENV['X'] ||=`, by text alone.
fn assigned_names(text: &str) -> Vec<String> {
    text.match_indices("ENV[")
        .filter_map(|(at, _)| {
            let rest = &text[at + 4..];
            let (name, rest) = rest.split_once(']')?;
            let rest = rest.trim_start();
            let assigns =
                rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=~")
                    || rest.starts_with("||=");
            assigns.then(|| name.trim_matches(['"', '\'', ' ']).to_owned())
        })
        .collect()
}
