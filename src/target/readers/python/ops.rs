//! Operators, attributes, indexing.

use std::path::Path;
use std::rc::Rc;

use super::ast::Expr;
use super::eval::{Interpreter, MAX_TEXT};
use super::library;
use super::value::{Arguments, FunctionKind, Outcome, Py, Scope, Val};

impl Interpreter<'_> {
    pub(super) fn attribute(
        &mut self,
        of: &Val,
        name: &str,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let source = self.source(scope, line);
        let method = || of.with(Py::Method(Box::new(of.clone()), name.into()));
        Ok(match &of.py {
            Py::Unknown(_) => of.clone(),
            Py::Lib(path) => {
                let full = format!("{path}.{name}");
                if full.len() > 200 {
                    return Ok(Val::unknown("a name too long to follow", source));
                }
                if let Some(given) = self.given.get(&full) {
                    return Ok(given.clone());
                }
                library::constant(self, &full, &source).unwrap_or_else(|| Val::lib(&full, source))
            }
            Py::Module(module) => match module.own(name) {
                Some(value) => value,
                None => {
                    let submodule = format!("{}.{name}", module.module.name);
                    if let Some(inner) = self.modules.get(&submodule) {
                        return Ok(of.with(Py::Module(inner.clone())));
                    }
                    let open = module.open.borrow().clone();
                    match open {
                        Some(why) => self.unknown(scope, line, why),
                        None => return self.missing(scope, line, name),
                    }
                }
            },
            Py::Path(path) => {
                let path: &Path = Path::new(&**path);
                let part =
                    |p: Option<&std::ffi::OsStr>| p.map(|p| p.to_string_lossy().into_owned());
                match name {
                    "parent" => {
                        let parent = path.parent().unwrap_or(path);
                        of.with(Py::Path(parent.to_string_lossy().into()))
                    }
                    "parents" => {
                        let parents = path
                            .ancestors()
                            .skip(1)
                            .map(|p| of.with(Py::Path(p.to_string_lossy().into())))
                            .collect();
                        Val::seq(parents, true, of.source.clone())
                    }
                    "name" => Val::str(
                        part(path.file_name()).unwrap_or_default(),
                        of.source.clone(),
                    ),
                    "stem" => Val::str(
                        part(path.file_stem()).unwrap_or_default(),
                        of.source.clone(),
                    ),
                    _ => method(),
                }
            }
            Py::Object(object) => {
                if let Some(value) = object.attributes.get(name) {
                    return Ok(value);
                }
                match &object.class.py {
                    Py::Class(_) => self.class_attribute(of, &object.class, name, scope, line)?,
                    _ => method(),
                }
            }
            Py::Class(class) => match self.find_in_class(of, name) {
                Ok(Some(value)) => match &value.py {
                    Py::Function(f) if f.kind == FunctionKind::OfClass => {
                        of.with(Py::Method(Box::new(of.clone()), name.into()))
                    }
                    _ => value,
                },
                Ok(None) if name == "__name__" => Val::str(class.name.clone(), source),
                Ok(None) => return self.missing(scope, line, name),
                Err(why) => Val::unknown(why, source),
            },
            Py::Method(..) => Val::unknown("an attribute of a method", source),
            Py::Function(_) => match name {
                "__name__" => Val::str(name, source),
                _ => Val::unknown("an attribute of a function", source),
            },
            Py::Str(_) | Py::Seq(_) | Py::Dict(_) | Py::Environ | Py::Int(_) | Py::Float(_) => {
                method()
            }
            Py::None | Py::Bool(_) => return self.missing(scope, line, name),
        })
    }

    fn missing(&self, scope: &Scope, line: usize, name: &str) -> Outcome<Val> {
        if self.maybe.is_empty() {
            return self.raised(scope, line, "AttributeError", format!("no `{name}`"));
        }
        Ok(self.unknown(scope, line, format!("there is no `{name}`")))
    }

    /// Looks a name up in a class and its bases; an error says why it cannot be known.
    pub(super) fn find_in_class(&self, class: &Val, name: &str) -> Result<Option<Val>, Rc<str>> {
        let mut open = None;
        let mut todo = vec![class.clone()];
        let mut seen = 0;
        while let Some(class) = todo.pop() {
            seen += 1;
            if seen > 64 {
                return Err("too many base classes".into());
            }
            match &class.py {
                Py::Class(class) => {
                    if let Some(value) = class.scope.own(name) {
                        return match open {
                            Some(why) => Err(why),
                            None => Ok(Some(value)),
                        };
                    }
                    if let Some(why) = class.scope.open.borrow().clone() {
                        open = Some(why);
                    }
                    todo.extend(class.bases.iter().rev().cloned());
                }
                Py::Lib(base) if library::is_plain_base(base) => {}
                Py::Lib(base) => {
                    open = Some(format!("the base class `{base}` is not known").into())
                }
                _ => {
                    open = Some(
                        class
                            .why_unknown()
                            .unwrap_or_else(|| "a base class is not known".into()),
                    );
                }
            }
        }
        match open {
            Some(why) => Err(why),
            None => Ok(None),
        }
    }

    fn class_attribute(
        &mut self,
        of: &Val,
        class: &Val,
        name: &str,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        match self.find_in_class(class, name) {
            Ok(Some(value)) => match &value.py {
                Py::Function(f) if f.kind == FunctionKind::Property => {
                    let arguments = Arguments {
                        plain: vec![of.clone()],
                        ..Arguments::default()
                    };
                    self.call(&value, arguments, scope, line)
                }
                Py::Function(f) if f.kind != FunctionKind::Static => {
                    Ok(of.with(Py::Method(Box::new(of.clone()), name.into())))
                }
                _ => Ok(value),
            },
            Ok(None) => self.missing(scope, line, name),
            Err(why) => Ok(self.unknown(scope, line, why)),
        }
    }

    pub(super) fn index(
        &mut self,
        of: &Val,
        key: &Val,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let source = self.source(scope, line);
        if let Some(why) = of.why_unknown().or_else(|| key.why_unknown()) {
            return Ok(Val::unknown(why, source));
        }
        match &of.py {
            Py::Dict(dict) => {
                let Some(key) = key.key() else {
                    return Ok(Val::unknown("a key is not a plain value", source));
                };
                match dict.get(&key) {
                    Some(value) => Ok(value),
                    None if dict.poison.borrow().is_some() => {
                        let why = dict.poison.borrow().clone().unwrap_or_else(|| "".into());
                        Ok(Val::unknown(why, source))
                    }
                    None => self.absent(scope, line, &key),
                }
            }
            Py::Environ => {
                let Some(name) = key.text() else {
                    return Ok(Val::unknown("a variable's name is not known", source));
                };
                match self.variable(name) {
                    Some(value) => Ok(value),
                    None => self.absent(scope, line, name),
                }
            }
            Py::Seq(seq) => {
                let poison = seq.poison.borrow().clone();
                if let Some(why) = poison {
                    return Ok(Val::unknown(why, source));
                }
                let items = seq.items.borrow();
                let Py::Int(n) = key.py else {
                    return Ok(Val::unknown("an index is not a number", source));
                };
                let at = position(n, items.len());
                match at.and_then(|at| items.get(at)) {
                    Some(value) => Ok(value.clone()),
                    None => self.raised(scope, line, "IndexError", "list index out of range"),
                }
            }
            Py::Str(text) => {
                let Py::Int(n) = key.py else {
                    return Ok(Val::unknown("an index is not a number", source));
                };
                let count = text.chars().count();
                match position(n, count).and_then(|at| text.chars().nth(at)) {
                    Some(c) => Ok(Val::str(c.to_string(), of.source.clone())),
                    None => self.raised(scope, line, "IndexError", "string index out of range"),
                }
            }
            Py::Lib(_) | Py::Class(_) => Ok(of.clone()),
            Py::Object(_) => {
                let method = of.with(Py::Method(Box::new(of.clone()), "__getitem__".into()));
                let arguments = Arguments {
                    plain: vec![key.clone()],
                    ..Arguments::default()
                };
                self.call(&method, arguments, scope, line)
            }
            _ => Ok(self.unknown(
                scope,
                line,
                "an index into something that is not a list or dict",
            )),
        }
    }

    fn absent(&self, scope: &Scope, line: usize, key: &str) -> Outcome<Val> {
        if self.maybe.is_empty() {
            return self.raised(scope, line, "KeyError", format!("`{key}`"));
        }
        Ok(self.unknown(scope, line, format!("there is no `{key}`")))
    }

    pub(super) fn slice(
        &mut self,
        of: &Val,
        from: Option<&Val>,
        to: Option<&Val>,
        scope: &Scope,
        line: usize,
    ) -> Val {
        let bound = |value: Option<&Val>, len: usize, default: usize| match value.map(|v| &v.py) {
            None | Some(Py::None) => Some(default),
            Some(Py::Int(n)) if *n < 0 => {
                Some(len.saturating_sub(usize::try_from(n.unsigned_abs()).unwrap_or(len)))
            }
            Some(Py::Int(n)) => Some(usize::try_from(*n).unwrap_or(len).min(len)),
            Some(_) => None,
        };
        let range = |len: usize| {
            let from = bound(from, len, 0)?;
            let to = bound(to, len, len)?;
            Some((from, to.max(from)))
        };
        match &of.py {
            Py::Str(text) => {
                let chars: Vec<char> = text.chars().collect();
                match range(chars.len()).and_then(|(a, b)| chars.get(a..b)) {
                    Some(part) => Val::str(part.iter().collect::<String>(), of.source.clone()),
                    None => self.unknown(scope, line, "the bounds of a slice are not known"),
                }
            }
            Py::Seq(seq) if seq.poison.borrow().is_none() => {
                let items = seq.items.borrow();
                match range(items.len()).and_then(|(a, b)| items.get(a..b)) {
                    Some(part) => Val::seq(part.to_vec(), seq.tuple, of.source.clone()),
                    None => self.unknown(scope, line, "the bounds of a slice are not known"),
                }
            }
            _ => match of.why_unknown() {
                Some(_) => of.clone(),
                None => self.unknown(scope, line, "a slice of something that is not a list"),
            },
        }
    }

    pub(super) fn unary(&mut self, op: &str, value: &Val, scope: &Scope, line: usize) -> Val {
        match (op, &value.py) {
            ("not", _) => match value.truth() {
                Some(truth) => value.with(Py::Bool(!truth)),
                None => {
                    let why = self.doubt(value, scope, line);
                    Val::unknown(why, self.source(scope, line))
                }
            },
            ("-", Py::Int(n)) => value.with(Py::Int(n.wrapping_neg())),
            ("-", Py::Float(n)) => value.with(Py::Float(-n)),
            ("+", Py::Int(_) | Py::Float(_)) => value.clone(),
            _ => match value.why_unknown() {
                Some(_) => value.clone(),
                None => self.unknown(scope, line, format!("`{op}` is not followed here")),
            },
        }
    }

    pub(super) fn binary(
        &mut self,
        op: &str,
        left: &Val,
        right: &Val,
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let own = self.source(scope, line);
        // The place that says most: a variable or file rather than the literal beside it.
        let source = if left.source == own {
            &right.source
        } else {
            &left.source
        };
        let made = |py: Py| Val::new(py, source.clone());
        let joined = |a: &str, b: &str| {
            if a.len() + b.len() > MAX_TEXT {
                return Val::unknown("too long", source.clone());
            }
            Val::str(format!("{a}{b}"), source.clone())
        };
        Ok(match (op, &left.py, &right.py) {
            ("+", Py::Str(a), Py::Str(b)) => joined(a, b),
            ("+", Py::Seq(a), Py::Seq(b)) => {
                let both = self
                    .iterate(left)
                    .and_then(|x| Ok((x, self.iterate(right)?)));
                match both {
                    Ok((mut x, y)) => {
                        x.extend(y);
                        Val::seq(x, a.tuple && b.tuple, source.clone())
                    }
                    Err(why) => Val::unknown(why, source.clone()),
                }
            }
            ("/", Py::Path(a), Py::Str(b) | Py::Path(b)) => {
                made(Py::Path(library::join_path(a, b).into()))
            }
            ("/", Py::Str(a), Py::Path(b)) => made(Py::Path(library::join_path(a, b).into())),
            ("-", Py::Path(a), Py::Int(n)) => {
                let up = Path::new(&**a)
                    .ancestors()
                    .nth(usize::try_from(*n).unwrap_or(0))
                    .unwrap_or(Path::new("/"));
                made(Py::Path(up.to_string_lossy().into()))
            }
            ("%", Py::Str(template), _) => self.percent(template, right, source),
            ("|", Py::Dict(_), Py::Dict(_)) => {
                let merged = Val::dict(Vec::new(), source.clone());
                if let Py::Dict(map) = &merged.py {
                    self.merge_into(map, left, scope, line);
                    self.merge_into(map, right, scope, line);
                }
                merged
            }
            ("*", Py::Str(text), Py::Int(n)) => {
                let times = usize::try_from(*n).unwrap_or(0);
                if text.len().saturating_mul(times) > MAX_TEXT {
                    Val::unknown("too long", source.clone())
                } else {
                    Val::str(text.repeat(times), source.clone())
                }
            }
            (_, Py::Int(a), Py::Int(b)) => match arithmetic(op, *a, *b) {
                Some(n) => made(Py::Int(n)),
                None if op == "/" && *b != 0 => made(Py::Float(*a as f64 / *b as f64)),
                None => self.unknown(scope, line, format!("`{op}` is not followed here")),
            },
            _ => match left.why_unknown().or_else(|| right.why_unknown()) {
                Some(why) => Val::unknown(why, source.clone()),
                None => self.unknown(scope, line, format!("`{op}` is not followed here")),
            },
        })
    }

    /// `"%s" % value`
    fn percent(&mut self, template: &str, value: &Val, source: &crate::source::Source) -> Val {
        let mut values = match &value.py {
            Py::Seq(seq) if seq.tuple => self.iterate(value).unwrap_or_default(),
            _ => vec![value.clone()],
        }
        .into_iter();
        let mut out = String::new();
        let mut rest = template;
        let give_up = |why: Option<Rc<str>>| {
            let why = why.unwrap_or_else(|| "a part of the text is not a plain value".into());
            Val::unknown(why, source.clone())
        };
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let (part, after) = if let Some(named) = rest.strip_prefix('(') {
                let Some((key, after)) = named.split_once(')') else {
                    return give_up(None);
                };
                let found = match &value.py {
                    Py::Dict(dict) => dict.get(key),
                    _ => None,
                };
                (found, after)
            } else {
                (values.next(), rest)
            };
            let Some(part) = part else {
                return give_up(value.why_unknown());
            };
            let Some(after) = after.strip_prefix(['s', 'd', 'i']) else {
                return give_up(None);
            };
            match part.display() {
                Some(text) => out.push_str(&text),
                None => return give_up(part.why_unknown()),
            }
            rest = after;
        }
        out.push_str(rest);
        if out.len() > MAX_TEXT {
            return Val::unknown("too long", source.clone());
        }
        Val::str(out, source.clone())
    }

    pub(super) fn compare(
        &mut self,
        first: &Expr,
        rest: &[(&'static str, Expr)],
        scope: &Rc<Scope>,
        line: usize,
    ) -> Outcome<Val> {
        let source = self.source(scope, line);
        let mut left = self.eval(first, scope)?;
        let mut doubt = None;
        for (op, right) in rest {
            let right = self.eval(right, scope)?;
            match self.compare_two(op, &left, &right) {
                Some(true) => {}
                Some(false) => return Ok(Val::new(Py::Bool(false), source)),
                None => {
                    let why = left.why_unknown().or_else(|| right.why_unknown());
                    doubt.get_or_insert_with(|| {
                        why.unwrap_or_else(|| "a comparison that is not followed".into())
                    });
                }
            }
            left = right;
        }
        Ok(match doubt {
            Some(why) => Val::unknown(why, source),
            None => Val::new(Py::Bool(true), source),
        })
    }

    fn compare_two(&self, op: &str, left: &Val, right: &Val) -> Option<bool> {
        match op {
            "==" => equal(left, right),
            "!=" => equal(left, right).map(|e| !e),
            "is" | "is not" => {
                let same = match (&left.py, &right.py) {
                    (Py::Unknown(_), _) | (_, Py::Unknown(_)) => None,
                    (Py::None, Py::None) => Some(true),
                    (Py::None, _) | (_, Py::None) => Some(false),
                    (Py::Bool(a), Py::Bool(b)) => Some(a == b),
                    (Py::Bool(_), _) | (_, Py::Bool(_)) => Some(false),
                    (Py::Dict(a), Py::Dict(b)) => Some(Rc::ptr_eq(a, b)),
                    _ => None,
                };
                same.map(|s| s == (op == "is"))
            }
            "in" | "not in" => self.contains(right, left).map(|c| c == (op == "in")),
            _ => {
                let order = match (&left.py, &right.py) {
                    (Py::Int(a), Py::Int(b)) => a.cmp(b),
                    (Py::Str(a), Py::Str(b)) => a.cmp(b),
                    _ => return None,
                };
                Some(match op {
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                })
            }
        }
    }

    fn contains(&self, container: &Val, item: &Val) -> Option<bool> {
        match (&container.py, &item.py) {
            (_, Py::Unknown(_)) => None,
            (Py::Str(text), Py::Str(part)) => Some(text.contains(&**part)),
            (Py::Environ, _) => {
                if self.environ_open.is_some() {
                    return None;
                }
                let name = item.text()?;
                match self.environ.get(name) {
                    None => Some(false),
                    Some(var) => var.value.is_ok().then_some(true),
                }
            }
            (Py::Dict(dict), _) => {
                if dict.poison.borrow().is_some() {
                    return None;
                }
                let key = item.key()?;
                Some(dict.items.borrow().iter().any(|(k, _)| *k == key))
            }
            (Py::Seq(_), _) => {
                let items = self.iterate(container).ok()?;
                let mut doubt = false;
                for other in &items {
                    match equal(other, item) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => doubt = true,
                    }
                }
                (!doubt).then_some(false)
            }
            _ => None,
        }
    }

    /// Assigns to a name, attribute, index or list of these.
    pub(super) fn assign(&mut self, target: &Expr, value: Val, scope: &Rc<Scope>) -> Outcome<()> {
        use super::ast::ExprKind;
        let line = target.line;
        match &target.kind {
            ExprKind::Name(name) => self.bind(name, value, scope),
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                let starred = targets
                    .iter()
                    .any(|t| matches!(t.kind, ExprKind::Starred(_)));
                let items = match self.iterate(&value) {
                    Ok(items) if items.len() == targets.len() && !starred => Ok(items),
                    Ok(_) => Err("values that do not fit the names they go to".into()),
                    Err(why) => Err(why),
                };
                for (at, target) in targets.iter().enumerate() {
                    let item = match &items {
                        Ok(items) => items.get(at).cloned(),
                        Err(why) => Some(self.unknown(scope, line, why)),
                    };
                    if let Some(item) = item {
                        self.assign(target, item, scope)?;
                    }
                }
            }
            ExprKind::Starred(inner) => self.assign(inner, value, scope)?,
            ExprKind::Index(of, key) => {
                let of = self.eval(of, scope)?;
                let key = self.eval(key, scope)?;
                self.assign_index(&of, &key, value, scope, line);
            }
            ExprKind::Attribute(of, name) => {
                let of = self.eval(of, scope)?;
                self.assign_attribute(&of, name, value);
            }
            _ => {
                let why: Rc<str> = format!(
                    "an assignment at {}:{line} that is not followed",
                    scope.module.shown
                )
                .into();
                self.spoil(scope, &why);
            }
        }
        Ok(())
    }

    fn assign_attribute(&mut self, of: &Val, name: &str, value: Val) {
        match &of.py {
            Py::Object(object) => {
                let value = match self.uncertain(0) {
                    Some(why) => Val::unknown(why, value.source),
                    None => value,
                };
                object.attributes.set(name.into(), value);
            }
            Py::Class(class) => {
                let scope = class.scope.clone();
                self.bind(name, value, &scope);
            }
            Py::Module(module) => {
                let module = module.clone();
                self.bind(name, value, &module);
            }
            Py::Lib(path) if &**path == "os" && name == "environ" => {
                self.environ_open = Some("`os.environ` is replaced".into());
            }
            _ => {}
        }
    }

    pub(super) fn assign_index(
        &mut self,
        of: &Val,
        key: &Val,
        value: Val,
        scope: &Scope,
        line: usize,
    ) {
        let place = format!("{}:{line}", scope.module.shown);
        let lost: Rc<str> = format!("a key at {place} is not known").into();
        match &of.py {
            Py::Dict(dict) => {
                let value = match self.uncertain(0) {
                    Some(why) => Val::unknown(why, value.source),
                    None => value,
                };
                match key.key() {
                    Some(key) => dict.set(key, value),
                    None => dict.poison(&lost),
                }
            }
            Py::Environ => match key.text() {
                Some(name) => {
                    let name = name.to_owned();
                    self.set_variable(&name, &value);
                }
                None => self.environ_open = Some(lost),
            },
            Py::Seq(seq) => match key.py {
                Py::Int(n) if self.maybe.is_empty() => {
                    let mut items = seq.items.borrow_mut();
                    let len = items.len();
                    if let Some(slot) = position(n, len).and_then(|at| items.get_mut(at)) {
                        // Through `push`, nesting is counted; here it is refused.
                        match value.py {
                            Py::Seq(_) | Py::Dict(_) | Py::Object(_) | Py::Method(..) => {
                                *slot = Val::unknown("a nested assignment", value.source);
                            }
                            _ => *slot = value,
                        }
                    }
                }
                _ => seq.poison(&lost),
            },
            Py::Object(object) => {
                // `app.config["X"] = ...`: kept as an entry.
                if let Some(key) = key.key() {
                    let value = match self.uncertain(0) {
                        Some(why) => Val::unknown(why, value.source),
                        None => value,
                    };
                    object.attributes.set(format!("[{key}]").into(), value);
                } else {
                    object.attributes.poison(&lost);
                }
            }
            _ => {}
        }
    }

    /// Trusts no name of a module any more.
    pub(super) fn spoil(&mut self, scope: &Rc<Scope>, why: &Rc<str>) {
        for scope in [scope.clone(), Scope::top(scope)] {
            for value in scope.names.borrow_mut().values_mut() {
                self.spoil_value(value, why, 0);
                if !matches!(
                    value.py,
                    Py::Lib(_) | Py::Function(_) | Py::Class(_) | Py::Module(_)
                ) {
                    value.py = Py::Unknown(why.clone());
                }
            }
            let mut open = scope.open.borrow_mut();
            if open.is_none() {
                *open = Some(why.clone());
            }
        }
    }

    /// Trusts nothing that can be changed through a value.
    pub(super) fn spoil_value(&self, value: &Val, why: &Rc<str>, depth: usize) {
        if depth > 8 {
            return;
        }
        match &value.py {
            Py::Dict(dict) => {
                let already = dict.poison.borrow().is_some();
                dict.poison(why);
                if !already {
                    for (_, item) in dict.items.borrow().iter() {
                        self.spoil_value(item, why, depth + 1);
                    }
                }
            }
            Py::Seq(seq) => {
                let already = seq.poison.borrow().is_some();
                if !seq.tuple {
                    seq.poison(why);
                }
                if !already {
                    for item in seq.items.borrow().iter() {
                        self.spoil_value(item, why, depth + 1);
                    }
                }
            }
            Py::Object(object) => object.attributes.poison(why),
            _ => {}
        }
    }
}

/// The position that an index, negative from the end, stands for.
pub(super) fn position(n: i64, len: usize) -> Option<usize> {
    if n >= 0 {
        usize::try_from(n).ok()
    } else {
        len.checked_sub(usize::try_from(n.unsigned_abs()).ok()?)
    }
}

fn arithmetic(op: &str, a: i64, b: i64) -> Option<i64> {
    match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "//" if b > 0 => Some(a.div_euclid(b)),
        "%" if b > 0 => Some(a.rem_euclid(b)),
        "|" => Some(a | b),
        "&" => Some(a & b),
        _ => None,
    }
}

/// Equality, where it can be decided.
pub(super) fn equal(left: &Val, right: &Val) -> Option<bool> {
    Some(match (&left.py, &right.py) {
        (Py::Unknown(_), _) | (_, Py::Unknown(_)) => return None,
        (Py::Str(a), Py::Str(b)) => a == b,
        (Py::Path(a), Py::Path(b)) => a == b,
        (Py::Int(a), Py::Int(b)) => a == b,
        (Py::Bool(a), Py::Bool(b)) => a == b,
        (Py::Bool(a), Py::Int(b)) | (Py::Int(b), Py::Bool(a)) => i64::from(*a) == *b,
        (Py::Float(a), Py::Float(b)) => a == b,
        (Py::None, Py::None) => true,
        (Py::None, _) | (_, Py::None) => false,
        (
            Py::Str(_),
            Py::Int(_) | Py::Bool(_) | Py::Float(_) | Py::Seq(_) | Py::Dict(_) | Py::Path(_),
        )
        | (
            Py::Int(_) | Py::Bool(_) | Py::Float(_) | Py::Seq(_) | Py::Dict(_) | Py::Path(_),
            Py::Str(_),
        ) => false,
        (Py::Seq(a), Py::Seq(b)) => {
            if a.poison.borrow().is_some() || b.poison.borrow().is_some() {
                return None;
            }
            let (a, b) = (a.items.borrow(), b.items.borrow());
            if a.len() != b.len() {
                return Some(false);
            }
            if a.is_empty() {
                return Some(true);
            }
            return None;
        }
        _ => return None,
    })
}
