//! Values while a settings file is evaluated: lists and dicts are shared, as in Python, so that
//! changing one through another name is seen.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::ast::{Definition, Expr, Parameters};
use crate::source::Source;
use crate::target::{Traced, Value};

/// How deep containers may nest, and how much they may hold.
const MAX_NESTING: usize = 40;
const MAX_ITEMS: usize = 4000;

/// A value with its provenance.
#[derive(Debug, Clone)]
pub(crate) struct Val {
    /// The value.
    pub(crate) py: Py,
    /// Where it came from.
    pub(crate) source: Source,
    /// What it beat.
    pub(crate) beat: Vec<Source>,
}

/// Kinds of values.
#[derive(Debug, Clone)]
pub(crate) enum Py {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    /// A `pathlib.Path`.
    Path(Rc<str>),
    Seq(Rc<Seq>),
    Dict(Rc<Dict>),
    /// Something of a library, by its dotted name.
    Lib(Rc<str>),
    /// A method of a value.
    Method(Box<Val>, Rc<str>),
    Function(Rc<Function>),
    Class(Rc<Class>),
    Object(Rc<Object>),
    Module(Rc<Scope>),
    /// `os.environ`
    Environ,
    /// Cannot be decided, and why.
    Unknown(Rc<str>),
}

/// A list, tuple or set.
#[derive(Debug)]
pub(crate) struct Seq {
    pub(crate) tuple: bool,
    pub(crate) items: RefCell<Vec<Val>>,
    /// How deep other containers are nested in it: bounded, so that dropping it is.
    pub(crate) nesting: Cell<usize>,
    /// Why its contents can no longer be trusted.
    pub(crate) poison: RefCell<Option<Rc<str>>>,
}

/// A dict; keys as text.
#[derive(Debug, Default)]
pub(crate) struct Dict {
    pub(crate) items: RefCell<Vec<(Rc<str>, Val)>>,
    /// How deep other containers are nested in it.
    pub(crate) nesting: Cell<usize>,
    /// Why its contents can no longer be trusted.
    pub(crate) poison: RefCell<Option<Rc<str>>>,
}

/// A function of the project, or a lambda.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: Rc<str>,
    pub(crate) code: Code,
    pub(crate) scope: Rc<Scope>,
    /// Defaults, evaluated where the function was defined.
    pub(crate) defaults: Vec<Option<Val>>,
    /// Property, static method, class method or plain.
    pub(crate) kind: FunctionKind,
}

/// How a function binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FunctionKind {
    Plain,
    Property,
    Static,
    OfClass,
}

/// What a function runs.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    Block(Rc<Definition>),
    Expression(Rc<Parameters>, Rc<Expr>),
}

impl Code {
    pub(crate) fn parameters(&self) -> &Parameters {
        match self {
            Code::Block(definition) => &definition.parameters,
            Code::Expression(parameters, _) => parameters,
        }
    }
}

/// A class of the project.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: Rc<str>,
    pub(crate) bases: Vec<Val>,
    pub(crate) scope: Rc<Scope>,
    /// Annotated names in order, for settings classes and dataclasses.
    pub(crate) fields: RefCell<Vec<Rc<str>>>,
}

/// An object: of a project class, or of a library class (`class` is then its dotted name).
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) class: Val,
    pub(crate) attributes: Dict,
}

/// Which file a piece of code stands in.
#[derive(Debug)]
pub(crate) struct ModuleInfo {
    /// The file.
    pub(crate) file: PathBuf,
    /// How it is shown.
    pub(crate) shown: String,
    /// Its dotted name.
    pub(crate) name: String,
    /// The package that relative imports start from.
    pub(crate) package: String,
}

/// Names of a module, function or class body.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) names: RefCell<BTreeMap<String, Val>>,
    pub(crate) parent: Option<Rc<Scope>>,
    pub(crate) module: Rc<ModuleInfo>,
    /// The module's own scope; itself where `None`.
    pub(crate) top: Option<Rc<Scope>>,
    /// A class body: not seen from functions inside.
    pub(crate) is_class: bool,
    /// How many uncertain branches were open when it was made.
    pub(crate) level: usize,
    /// Names declared `global`.
    pub(crate) globals: RefCell<Vec<String>>,
    /// Why names that are not here may exist all the same.
    pub(crate) open: RefCell<Option<Rc<str>>>,
    /// Why the function's result is not certain.
    pub(crate) unsure: RefCell<Option<Rc<str>>>,
    /// The module is still being evaluated.
    pub(crate) busy: Cell<bool>,
    /// Annotated names, where a class body is evaluated.
    pub(crate) fields: RefCell<Vec<Rc<str>>>,
}

impl Scope {
    pub(crate) fn of_module(info: ModuleInfo, level: usize) -> Rc<Scope> {
        Rc::new(Scope {
            names: RefCell::default(),
            parent: None,
            module: Rc::new(info),
            top: None,
            is_class: false,
            level,
            globals: RefCell::default(),
            open: RefCell::default(),
            unsure: RefCell::default(),
            busy: Cell::new(false),
            fields: RefCell::default(),
        })
    }

    pub(crate) fn inside(outer: &Rc<Scope>, is_class: bool, level: usize) -> Rc<Scope> {
        Rc::new(Scope {
            names: RefCell::default(),
            parent: Some(outer.clone()),
            module: outer.module.clone(),
            top: Some(Scope::top(outer)),
            is_class,
            level,
            globals: RefCell::default(),
            open: RefCell::default(),
            unsure: RefCell::default(),
            busy: Cell::new(false),
            fields: RefCell::default(),
        })
    }

    pub(crate) fn top(scope: &Rc<Scope>) -> Rc<Scope> {
        scope.top.clone().unwrap_or_else(|| scope.clone())
    }

    pub(crate) fn own(&self, name: &str) -> Option<Val> {
        self.names.borrow().get(name).cloned()
    }
}

impl Val {
    pub(crate) fn new(py: Py, source: Source) -> Val {
        Val {
            py,
            source,
            beat: Vec::new(),
        }
    }

    pub(crate) fn str(text: impl Into<Rc<str>>, source: Source) -> Val {
        Val::new(Py::Str(text.into()), source)
    }

    pub(crate) fn none(source: Source) -> Val {
        Val::new(Py::None, source)
    }

    pub(crate) fn unknown(why: impl Into<Rc<str>>, source: Source) -> Val {
        Val::new(Py::Unknown(why.into()), source)
    }

    /// How deep containers are nested in it.
    fn nesting(&self) -> usize {
        match &self.py {
            Py::Seq(seq) => seq.nesting.get() + 1,
            Py::Dict(dict) => dict.nesting.get() + 1,
            Py::Object(object) => object.attributes.nesting.get() + 1,
            Py::Method(of, _) => of.nesting() + 1,
            _ => 0,
        }
    }

    pub(crate) fn seq(items: Vec<Val>, tuple: bool, source: Source) -> Val {
        let nesting = items.iter().map(Val::nesting).max().unwrap_or(0);
        if nesting > MAX_NESTING || items.len() > MAX_ITEMS {
            return Val::unknown("nested too deep or too long to follow", source);
        }
        let seq = Seq {
            nesting: Cell::new(nesting),
            tuple,
            items: RefCell::new(items),
            poison: RefCell::default(),
        };
        Val::new(Py::Seq(Rc::new(seq)), source)
    }

    pub(crate) fn dict(items: Vec<(Rc<str>, Val)>, source: Source) -> Val {
        let nesting = items.iter().map(|(_, v)| v.nesting()).max().unwrap_or(0);
        if nesting > MAX_NESTING || items.len() > MAX_ITEMS {
            return Val::unknown("nested too deep or too long to follow", source);
        }
        let dict = Dict {
            nesting: Cell::new(nesting),
            items: RefCell::new(items),
            poison: RefCell::default(),
        };
        Val::new(Py::Dict(Rc::new(dict)), source)
    }

    pub(crate) fn lib(name: &str, source: Source) -> Val {
        Val::new(Py::Lib(name.into()), source)
    }

    pub(crate) fn with(&self, py: Py) -> Val {
        Val {
            py,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }

    /// Text, where it is text or a path.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.py {
            Py::Str(text) | Py::Path(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn why_unknown(&self) -> Option<Rc<str>> {
        match &self.py {
            Py::Unknown(why) => Some(why.clone()),
            _ => None,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self.py, Py::None)
    }

    /// As Python's `str()` has it, for values with a plain text form.
    pub(crate) fn display(&self) -> Option<String> {
        Some(match &self.py {
            Py::Str(text) | Py::Path(text) => text.to_string(),
            Py::Int(n) => n.to_string(),
            Py::Bool(true) => "True".into(),
            Py::Bool(false) => "False".into(),
            Py::None => "None".into(),
            Py::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.1}"),
            Py::Float(n) => n.to_string(),
            _ => return None,
        })
    }

    /// The key a value makes in a dict.
    pub(crate) fn key(&self) -> Option<Rc<str>> {
        match &self.py {
            Py::Str(text) => Some(text.clone()),
            _ => self.display().map(Into::into),
        }
    }

    /// Truth, where it can be decided.
    pub(crate) fn truth(&self) -> Option<bool> {
        Some(match &self.py {
            Py::None => false,
            Py::Bool(b) => *b,
            Py::Int(n) => *n != 0,
            Py::Float(n) => *n != 0.0,
            Py::Str(text) => !text.is_empty(),
            Py::Seq(seq) if seq.poison.borrow().is_none() => !seq.items.borrow().is_empty(),
            Py::Dict(dict) if dict.poison.borrow().is_none() => !dict.items.borrow().is_empty(),
            Py::Path(_) | Py::Function(_) | Py::Class(_) | Py::Module(_) => true,
            Py::Object(_) | Py::Lib(_) | Py::Method(..) => true,
            Py::Seq(_) | Py::Dict(_) | Py::Environ | Py::Unknown(_) => return None,
        })
    }

    /// The value for a resolver. Bounded: what is nested too deep or too much becomes unknown.
    pub(crate) fn traced(&self, budget: &mut usize, depth: usize) -> Traced {
        let unknown = |why: &str| Traced::unknown(why, self.source.clone());
        if depth > 24 || *budget == 0 {
            return unknown("nested too deep");
        }
        *budget -= 1;
        let value = match &self.py {
            Py::None => Value::Null,
            Py::Bool(b) => Value::Bool(*b),
            Py::Int(n) => Value::Int(*n),
            Py::Float(n) => Value::Float(*n),
            Py::Str(text) | Py::Path(text) => Value::Str(text.to_string()),
            Py::Seq(seq) => match &*seq.poison.borrow() {
                Some(why) => Value::Unknown(why.to_string()),
                None => Value::List(
                    seq.items
                        .borrow()
                        .iter()
                        .map(|v| v.traced(budget, depth + 1))
                        .collect(),
                ),
            },
            Py::Dict(dict) => match &*dict.poison.borrow() {
                Some(why) => Value::Unknown(why.to_string()),
                None => Value::Map(
                    dict.items
                        .borrow()
                        .iter()
                        .map(|(k, v)| (k.to_string(), v.traced(budget, depth + 1)))
                        .collect(),
                ),
            },
            Py::Unknown(why) => Value::Unknown(why.to_string()),
            Py::Lib(name) => Value::Unknown(format!("`{name}` is not a plain value")),
            _ => Value::Unknown("not a plain value".to_owned()),
        };
        Traced {
            value,
            source: self.source.clone(),
            beat: self.beat.clone(),
        }
    }
}

impl Dict {
    /// The value of a key, `Unknown` where the dict is not to be trusted.
    pub(crate) fn get(&self, key: &str) -> Option<Val> {
        let found = self
            .items
            .borrow()
            .iter()
            .rev()
            .find(|(k, _)| &**k == key)
            .map(|(_, v)| v.clone());
        match &*self.poison.borrow() {
            Some(why) => {
                let source = found.map_or_else(|| Source::default_of("python"), |v| v.source);
                Some(Val::unknown(why.clone(), source))
            }
            None => found,
        }
    }

    pub(crate) fn set(&self, key: Rc<str>, mut value: Val) {
        let nesting = value.nesting();
        if nesting > MAX_NESTING || self.items.borrow().len() > MAX_ITEMS {
            self.poison(&"nested too deep or too long to follow".into());
            return;
        }
        self.nesting.set(self.nesting.get().max(nesting));
        let mut items = self.items.borrow_mut();
        match items.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => {
                if old.source != value.source && value.beat.len() < 8 {
                    value.beat.push(old.source.clone());
                }
                *old = value;
            }
            None => items.push((key, value)),
        }
    }

    pub(crate) fn poison(&self, why: &Rc<str>) {
        let mut poison = self.poison.borrow_mut();
        if poison.is_none() {
            *poison = Some(why.clone());
        }
    }
}

impl Seq {
    pub(crate) fn push(&self, value: Val) {
        let nesting = value.nesting();
        if nesting > MAX_NESTING || self.items.borrow().len() > MAX_ITEMS {
            self.poison(&"nested too deep or too long to follow".into());
            return;
        }
        self.nesting.set(self.nesting.get().max(nesting));
        self.items.borrow_mut().push(value);
    }

    pub(crate) fn poison(&self, why: &Rc<str>) {
        let mut poison = self.poison.borrow_mut();
        if poison.is_none() {
            *poison = Some(why.clone());
        }
    }
}

/// An exception that was raised.
#[derive(Debug, Clone)]
pub(crate) struct Raised {
    /// The exception's class.
    pub(crate) kind: Rc<str>,
    /// What it says, with the place; never a value.
    pub(crate) detail: String,
}

pub(crate) type Outcome<T> = Result<T, Raised>;

/// Arguments of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    pub(crate) plain: Vec<Val>,
    pub(crate) named: Vec<(Rc<str>, Val)>,
    /// Why there may be more arguments than these.
    pub(crate) open: Option<Rc<str>>,
}

impl Arguments {
    /// The argument of that name or position.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<&Val> {
        self.named
            .iter()
            .rev()
            .find(|(n, _)| &**n == name)
            .map(|(_, v)| v)
            .or_else(|| self.plain.get(position))
    }

    /// The argument given by name only.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Val> {
        self.get(usize::MAX, name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Val> {
        self.plain.iter().chain(self.named.iter().map(|(_, v)| v))
    }
}
