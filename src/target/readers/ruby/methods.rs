//! Methods of the values that configuration uses. One that is not here gives unknown.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ast::{Block, Call};
use super::eval::{Credentials, Fact, Flow, Outcome, Piece, Printed, Ruby, TaskDefinition};
use super::pattern::Pattern;
use super::value::{Rb, Val};
use crate::target::readers::{joined, replaced};

/// Calls without a receiver that touch neither database nor environment.
const HARMLESS: &[&str] = &[
    "puts",
    "print",
    "p",
    "pp",
    "warn",
    "desc",
    "sleep",
    "include",
    "extend",
    "attr_accessor",
    "attr_reader",
    "attr_writer",
    "private",
    "protected",
    "public",
    "using",
    "module_function",
    "say",
    "printf",
    "binding",
    "srand",
    "autoload",
    "verbose",
    "freeze",
];

/// Methods of values that touch no database, whatever the value is.
const HARMLESS_METHODS: &[&str] = &[
    "[]",
    "==",
    "!=",
    "===",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    ">",
    "<=",
    ">=",
    "=~",
    "<<",
    "to_s",
    "to_i",
    "to_f",
    "to_a",
    "to_h",
    "to_sym",
    "to_json",
    "inspect",
    "nil?",
    "blank?",
    "present?",
    "presence",
    "empty?",
    "any?",
    "include?",
    "start_with?",
    "end_with?",
    "match?",
    "match",
    "strip",
    "chomp",
    "split",
    "join",
    "sub",
    "gsub",
    "upcase",
    "downcase",
    "first",
    "last",
    "size",
    "length",
    "each",
    "map",
    "select",
    "reject",
    "detect",
    "each_with_index",
    "compact",
    "flatten",
    "uniq",
    "sort",
    "sort_by",
    "keys",
    "values",
    "fetch",
    "dig",
    "key?",
    "puts",
    "print",
    "info",
    "warn",
    "debug",
    "error",
    "freeze",
    "dup",
    "merge",
    "name",
    "then",
    "tap",
    "zip",
    "max",
    "min",
    "sum",
    "lines",
    "basename",
    "dirname",
    "read",
    "exist?",
    "strftime",
    "iso8601",
    "ago",
    "from_now",
    "seconds",
    "minutes",
    "hours",
    "days",
    "in?",
];

/// Classes and modules whose methods touch no database.
const HARMLESS_CONSTANTS: &[&str] = &[
    "Rails",
    "File",
    "Dir",
    "FileUtils",
    "Rake",
    "Time",
    "Date",
    "JSON",
    "YAML",
    "Pathname",
    "Logger",
    "STDOUT",
    "STDERR",
    "Bundler",
    "Benchmark",
    "SecureRandom",
];

impl Ruby<'_> {
    /// A call without a receiver.
    pub(super) fn own_call(&mut self, call: &Call, line: usize) -> Outcome {
        if let Some(value) = self.locals.get(&call.name)
            && call.args.is_empty()
        {
            return Ok(value.clone());
        }
        match call.name.as_str() {
            "task" | "multitask" | "file" | "rule" | "directory" | "namespace" => {
                return self.rake_definition(call, line);
            }
            "lambda" | "proc" => {
                if let Some(block) = &call.block {
                    return Ok(Rb::Lambda(block.clone()).into());
                }
            }
            _ => {}
        }
        let args = self.arguments(&call.args)?;
        let first = args.first();
        match call.name.as_str() {
            "__piece__" => {
                if let Some(Rb::Int(number)) = first.map(|v| &v.rb) {
                    self.print(usize::try_from(*number).unwrap_or(usize::MAX))?;
                }
                return Ok(Val::nil());
            }
            "__unread__" => {
                let why = first.and_then(|v| v.to_text().ok()).unwrap_or_default();
                return Ok(self.cannot(&why, line));
            }
            "__dir__" => {
                let dir = self.path.parent().unwrap_or(Path::new("/"));
                return Ok(Val::text(dir.display().to_string()));
            }
            "Integer" => return self.integer(first, line),
            "URI" => {
                if let Some(text) = first.and_then(|v| v.to_text().ok()) {
                    return Ok(uri(&text).or_origin(&args[0]));
                }
            }
            "format" | "sprintf" => {
                let text = first.and_then(|v| v.to_text().ok());
                if let Some(out) = text.and_then(|t| format_text(&t, args.get(1..)?)) {
                    let from = args.iter().find(|a| a.origin.is_some());
                    return Ok(Val::text(out).or_origin(from.unwrap_or(&Val::nil())));
                }
            }
            "String" | "Array" | "Float" | "Pathname" => {
                let method = match call.name.as_str() {
                    "Array" => "to_a",
                    "Float" => "to_f",
                    _ => "to_s",
                };
                if let Some(value) = first {
                    return self.send(value.clone(), method, Vec::new(), None, line);
                }
            }
            "sh" | "system" | "exec" | "spawn" | "ruby" | "run" => {
                let words: Result<Vec<String>, String> = args
                    .iter()
                    .filter(|a| !matches!(a.rb, Rb::Hash(_)))
                    .map(Val::to_text)
                    .collect();
                let text = words.map(|w| w.join(" "));
                self.facts.push(Fact::Shell(text));
                return Ok(self.cannot(&call.name, line));
            }
            "require" | "require_relative" | "load" | "import" | "require_dependency" => {
                return self.load(&call.name, first);
            }
            "loop" | "catch" | "at_exit" => {
                if let Some(block) = &call.block {
                    let why = format!("{}:{line}", self.shown);
                    return self.doubtful(&why, |ruby| ruby.yield_to(block, &[]));
                }
            }
            "block_given?" => return Ok(self.cannot("block_given?", line)),
            name if HARMLESS.contains(&name) => return Ok(Val::nil()),
            _ => {}
        }
        if let Some(result) = self.own_method(&call.name, &args) {
            return result;
        }
        self.facts.push(Fact::Opaque(format!(
            "`{}` at {}:{line}",
            call.name, self.shown
        )));
        if let Some(block) = &call.block {
            let why = format!("`{}` at {}:{line} is not evaluated", call.name, self.shown);
            return self.doubtful(&why, |ruby| ruby.yield_to(block, &[]));
        }
        Ok(self.cannot(&format!("`{}`", call.name), line))
    }

    fn load(&mut self, how: &str, what: Option<&Val>) -> Outcome {
        let what = what.map_or_else(|| Ok(String::new()), Val::to_text);
        let what = match what {
            Ok(what) => what,
            Err(why) => {
                self.facts.push(Fact::Load(Err(why)));
                return Ok(Val::bool(true));
            }
        };
        if how == "require" && what == "dotenv/load" {
            self.facts.push(Fact::Load(Ok("dotenv:load:".into())));
            return Ok(Val::bool(true));
        }
        let dir = match how {
            "require_relative" => self.path.parent().unwrap_or(Path::new("/")).to_owned(),
            _ => self.root.clone(),
        };
        let mut places = vec![crate::files::lexical(&dir.join(&what))];
        if how == "require" && !what.starts_with('/') {
            places = self.load_dirs.iter().map(|d| d.join(&what)).collect();
        }
        let shown = match how {
            "require_relative" => places.first().map(|p| p.display().to_string()),
            _ => None,
        };
        self.facts.push(Fact::Load(Ok(shown.unwrap_or(what))));
        let found = places
            .into_iter()
            .flat_map(|p| {
                let name = p.file_name().and_then(|n| n.to_str()).unwrap_or("");
                [p.with_file_name(format!("{name}.rb")), p.clone()]
            })
            .find(|p| p.starts_with(&self.root) && self.files.is_file(p));
        if let Some(path) = found.filter(|_| self.follow) {
            self.load_file(&path)?;
        }
        Ok(Val::bool(true))
    }

    /// Prints a piece of a template.
    fn print(&mut self, number: usize) -> Result<(), Flow> {
        let pieces = Rc::clone(&self.pieces);
        let Some(piece) = pieces.get(number) else {
            return Ok(());
        };
        let (value, line) = match piece {
            Piece::Text(text, line) => (Val::text(text.clone()), *line),
            Piece::Output(body, line) => (self.run(body)?, *line),
        };
        self.out.push(Printed {
            text: value.to_text(),
            origin: value.origin,
            line,
            doubt: self.doubt.clone(),
            literal: matches!(piece, Piece::Text(..)),
        });
        Ok(())
    }

    fn integer(&mut self, value: Option<&Val>, line: usize) -> Outcome {
        let Some(value) = value else {
            return Ok(self.cannot("Integer", line));
        };
        match &value.rb {
            Rb::Int(_) | Rb::Unknown(_) => Ok(value.clone()),
            Rb::Str(text, _) => match text.trim().replace('_', "").parse::<i64>() {
                Ok(n) => Ok(Val {
                    rb: Rb::Int(n),
                    origin: value.origin.clone(),
                }),
                Err(_) => Err(Flow::Raise("invalid value for Integer()".into(), line)),
            },
            _ => Err(Flow::Raise("can't convert into Integer".into(), line)),
        }
    }

    /// Calls a method of a value.
    ///
    /// # Errors
    /// Where the method raises.
    pub(super) fn send(
        &mut self,
        receiver: Val,
        name: &str,
        args: Vec<Val>,
        block: Option<&Block>,
        line: usize,
    ) -> Outcome {
        if let Rb::Const(path) = &receiver.rb {
            let path = path.clone();
            return self.send_const(&path, name, &args, block, line);
        }
        if let Rb::Unknown(why) = &receiver.rb {
            let why = why.clone();
            if !HARMLESS_METHODS.contains(&name) {
                let what = format!("`.{name}` at {}:{line}", self.shown);
                self.facts.push(Fact::Opaque(what));
            }
            if let Some(block) = block {
                self.doubtful(&why, |ruby| ruby.yield_to(block, &[]))?;
            }
            return Ok(Val::unknown(why));
        }
        let unknown_arg = args.iter().find_map(|a| match &a.rb {
            Rb::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        if let Some(result) = self.common(&receiver, name, &args, line)? {
            return Ok(result);
        }
        if let Some(why) = unknown_arg {
            return Ok(Val::unknown(why));
        }
        let origin = receiver.clone();
        let result = match &receiver.rb {
            Rb::Str(text, asks) => self.text_method(text, *asks, name, &args, block, line)?,
            Rb::Int(n) => int_method(*n, name, &args),
            Rb::Float(n) => float_method(*n, name, &args),
            Rb::List(items) => self.list_method(items, name, &args, block, line)?,
            Rb::Hash(pairs) => self.hash_method(pairs, name, &args, block, line)?,
            Rb::Regex(pattern, flags) => match (name, args.first().map(|a| &a.rb)) {
                ("match?" | "=~" | "===" | "match", Some(Rb::Str(text, _))) => {
                    let chars: Vec<char> = text.chars().collect();
                    Pattern::new(pattern, flags)
                        .and_then(|p| p.find(&chars, 0))
                        .map(|found| match (name, found) {
                            ("match?" | "===", found) => Val::bool(found.is_some()),
                            (_, None) => Val::nil(),
                            (_, Some(found)) => groups(&chars, &found),
                        })
                }
                ("match?" | "=~" | "===" | "match", Some(Rb::Nil)) => Some(Val::bool(false)),
                _ => None,
            },
            Rb::Range(from, to, exclusive) => {
                let last = if *exclusive { to - 1 } else { *to };
                if last - from > 1000 {
                    None
                } else {
                    let items: Vec<Val> = (*from..=last).map(|n| Rb::Int(n).into()).collect();
                    self.list_method(&items, name, &args, block, line)?
                }
            }
            Rb::Lambda(block) if matches!(name, "call" | "()" | "yield") => {
                let block = block.clone();
                Some(self.yield_to(&block, &args)?)
            }
            Rb::Task(task) => match name {
                "invoke" | "execute" => {
                    self.facts.push(Fact::Invoke(Ok(task.clone())));
                    Some(Val::nil())
                }
                "enhance" => {
                    let prerequisites = args
                        .iter()
                        .flat_map(|a| match &a.rb {
                            Rb::List(items) => items.clone(),
                            _ => vec![a.clone()],
                        })
                        .filter_map(|a| a.to_text().ok())
                        .collect();
                    self.facts.push(Fact::Task(Box::new(TaskDefinition {
                        name: task.clone(),
                        scope: Vec::new(),
                        prerequisites,
                        params: Vec::new(),
                        body: block.cloned(),
                        locals: self.locals.clone(),
                        file: self.shown.clone(),
                        line,
                    })));
                    Some(Val::nil())
                }
                "reenable" | "clear" | "name" | "clear_actions" => Some(Val::nil()),
                _ => None,
            },
            Rb::Object(what) => self.object_method(what, name, &args, block, line)?,
            Rb::Nil => {
                if !matches!(
                    name,
                    "to_h" | "to_a" | "to_i" | "to_f" | "&" | "|" | "==" | "!=" | "=~"
                ) {
                    if self.doubt.is_some() {
                        return Ok(Val::nil());
                    }
                    return Err(Flow::Raise(
                        format!("undefined method `{name}' for nil"),
                        line,
                    ));
                }
                Some(match name {
                    "to_i" => Rb::Int(0).into(),
                    "to_f" => Rb::Float(0.0).into(),
                    "to_a" => Rb::List(Vec::new()).into(),
                    "to_h" => Rb::Hash(Vec::new()).into(),
                    "=~" => Val::nil(),
                    _ => Val::bool(false),
                })
            }
            Rb::Bool(_) | Rb::Sym(_) | Rb::Const(_) | Rb::Unknown(_) | Rb::Lambda(_) => None,
        };
        Ok(match result {
            Some(value) => {
                let from_arg = args.iter().find(|a| a.origin.is_some());
                let value = value.or_origin(&origin);
                match from_arg {
                    Some(arg) => value.or_origin(arg),
                    None => value,
                }
            }
            None => self.cannot(&format!("`.{name}`"), line),
        })
    }

    /// Methods that every value has.
    fn common(
        &mut self,
        receiver: &Val,
        name: &str,
        args: &[Val],
        _line: usize,
    ) -> Result<Option<Val>, Flow> {
        let blank = match &receiver.rb {
            Rb::Nil | Rb::Bool(false) => true,
            Rb::Str(text, _) => text.trim().is_empty(),
            Rb::List(items) => items.is_empty(),
            Rb::Hash(pairs) => pairs.is_empty(),
            _ => false,
        };
        let first = args.first();
        let known = first.is_none_or(|a| !matches!(a.rb, Rb::Unknown(_)));
        Ok(Some(match name {
            "nil?" => Val::bool(receiver.rb == Rb::Nil),
            "blank?" => Val::bool(blank),
            "present?" => Val::bool(!blank),
            "presence" => {
                if blank {
                    Val::nil()
                } else {
                    receiver.clone()
                }
            }
            "to_s" | "to_str" | "to_path" => match receiver.to_text() {
                Ok(text) => Val::text(text).or_origin(receiver),
                Err(why) => Val::unknown(why),
            },
            "inspect" => match receiver.inspect() {
                Ok(text) => Val::text(text).or_origin(receiver),
                Err(why) => Val::unknown(why),
            },
            "to_json" => match receiver.to_json() {
                Some(text) => Val::text(text).or_origin(receiver),
                None => return Ok(None),
            },
            "==" | "eql?" | "equal?" if known => {
                Val::bool(first.is_some_and(|a| same(&a.rb, &receiver.rb)))
            }
            "!=" if known => Val::bool(first.is_some_and(|a| !same(&a.rb, &receiver.rb))),
            "==="
                if known
                    && !matches!(receiver.rb, Rb::Regex(..) | Rb::Range(..) | Rb::Const(_)) =>
            {
                Val::bool(first.is_some_and(|a| same(&a.rb, &receiver.rb)))
            }
            "!" => match receiver.truth() {
                Ok(truth) => Val::bool(!truth),
                Err(why) => Val::unknown(why),
            },
            "in?" => match first.map(|a| &a.rb) {
                Some(Rb::List(items)) => Val::bool(items.iter().any(|i| same(&i.rb, &receiver.rb))),
                _ => return Ok(None),
            },
            "freeze" | "dup" | "clone" | "itself" | "html_safe" | "squish!" | "tap" => {
                receiver.clone()
            }
            "try" | "public_send" | "send" | "then" if args.is_empty() => return Ok(None),
            _ => return Ok(None),
        }))
    }

    fn text_method(
        &mut self,
        text: &str,
        asks: bool,
        name: &str,
        args: &[Val],
        _block: Option<&Block>,
        _line: usize,
    ) -> Result<Option<Val>, Flow> {
        if asks
            && let Some(wanted) = name.strip_suffix('?')
            && args.is_empty()
            && name != "empty?"
        {
            // `Rails.env.local?` (7.1) is development or test.
            let hit = text == wanted || wanted == "local" && matches!(text, "development" | "test");
            return Ok(Some(Val::bool(hit)));
        }
        let arg = |n: usize| args.get(n).and_then(|a| a.to_text().ok());
        let first = arg(0);
        let pattern = match args.first().map(|a| &a.rb) {
            Some(Rb::Regex(pattern, flags)) => match Pattern::new(pattern, flags) {
                Some(pattern) => Some(pattern),
                None => return Ok(None),
            },
            _ => None,
        };
        let some = |text: String| Ok(Some(Val::text(text)));
        if let Some(pattern) = &pattern {
            return Ok(pattern_method(text, name, pattern, arg(1)));
        }
        match (name, first.as_deref()) {
            ("strip", _) => some(text.trim().to_owned()),
            ("chomp", None) => some(text.strip_suffix('\n').unwrap_or(text).to_owned()),
            ("chomp" | "delete_suffix", Some(end)) => {
                some(text.strip_suffix(end).unwrap_or(text).to_owned())
            }
            ("delete_prefix", Some(start)) => {
                some(text.strip_prefix(start).unwrap_or(text).to_owned())
            }
            ("lstrip", _) => some(text.trim_start().to_owned()),
            ("rstrip", _) => some(text.trim_end().to_owned()),
            ("squish", _) => some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            ("downcase", _) => some(text.to_lowercase()),
            ("upcase", _) => some(text.to_uppercase()),
            ("capitalize", _) => {
                let mut chars = text.chars();
                let head: String = chars
                    .next()
                    .map(|c| c.to_uppercase().collect())
                    .unwrap_or_default();
                some(head + &chars.as_str().to_lowercase())
            }
            ("underscore", _)
                if text
                    .chars()
                    .all(|c| !c.is_uppercase() && c != '-' && c != ':') =>
            {
                some(text.to_owned())
            }
            ("parameterize", _)
                if text.chars().all(|c| {
                    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'
                }) =>
            {
                some(text.to_owned())
            }
            ("+" | "concat", Some(other)) if args.len() == 1 => some(format!("{text}{other}")),
            ("*", _) => match args.first().map(|a| &a.rb) {
                Some(Rb::Int(n)) if (0..1000).contains(n) && text.len() < 1024 => {
                    some(text.repeat(usize::try_from(*n).unwrap_or(0)))
                }
                _ => Ok(None),
            },
            ("%", _) => Ok(format_text(text, args).map(Val::text)),
            ("to_sym" | "intern", _) => Ok(Some(Rb::Sym(text.to_owned()).into())),
            ("to_i", None) => Ok(Some(Rb::Int(leading_int(text)).into())),
            ("to_f", _) => Ok(Some(Rb::Float(text.trim().parse().unwrap_or(0.0)).into())),
            ("length" | "size", _) => Ok(Some(int(text.chars().count()))),
            ("empty?", _) => Ok(Some(Val::bool(text.is_empty()))),
            ("include?", Some(part)) => Ok(Some(Val::bool(text.contains(part)))),
            ("start_with?" | "starts_with?", _) => Ok(Some(Val::bool(
                args.iter()
                    .any(|a| a.to_text().is_ok_and(|p| text.starts_with(&p))),
            ))),
            ("end_with?" | "ends_with?", _) => Ok(Some(Val::bool(
                args.iter()
                    .any(|a| a.to_text().is_ok_and(|p| text.ends_with(&p))),
            ))),
            ("split", first) => Ok(Some(split(text, first, args))),
            ("lines", _) => Ok(Some(list(text.split_inclusive('\n')))),
            ("chars", _) => Ok(Some(
                Rb::List(text.chars().map(|c| Val::text(c.to_string())).collect()).into(),
            )),
            ("sub", Some(from)) => Ok(arg(1).map(|to| Val::text(text.replacen(from, &to, 1)))),
            ("gsub", Some(from)) => Ok(arg(1)
                .and_then(|to| replaced(text, from, &to))
                .map(Val::text)),
            ("tr", Some(from)) => Ok(arg(1).and_then(|to| tr(text, from, &to)).map(Val::text)),
            ("delete", Some(set)) if !set.contains(['-', '^', '\\']) => {
                some(text.chars().filter(|c| !set.contains(*c)).collect())
            }
            ("first", _) => match args.first().map(|a| &a.rb) {
                None => some(text.chars().take(1).collect()),
                Some(Rb::Int(n)) => some(
                    text.chars()
                        .take(usize::try_from(*n).unwrap_or(0))
                        .collect(),
                ),
                _ => Ok(None),
            },
            ("[]" | "slice", _) => Ok(text_slice(text, args)),
            ("/" | "join", _) => {
                // Paths are text here.
                let mut path = PathBuf::from(text);
                for arg in args {
                    match arg.to_text() {
                        Ok(part) => path.push(part),
                        Err(_) => return Ok(None),
                    }
                }
                some(path.display().to_string())
            }
            ("expand_path", _) => {
                some(crate::files::lexical(Path::new(text)).display().to_string())
            }
            ("basename", _) if args.is_empty() => {
                some(text.rsplit('/').next().unwrap_or(text).to_owned())
            }
            ("dirname" | "parent", _) => some(
                Path::new(text)
                    .parent()
                    .unwrap_or(Path::new("/"))
                    .display()
                    .to_string(),
            ),
            ("exist?", _) => Ok(Some(Val::bool(self.files.exists(&self.full(text))))),
            ("file?", _) => Ok(Some(Val::bool(self.files.is_file(&self.full(text))))),
            ("directory?", _) => Ok(Some(Val::bool(self.files.is_dir(&self.full(text))))),
            ("read", _) if args.is_empty() => self.read_file(text),
            ("<=>" | "<" | ">" | "<=" | ">=", Some(other)) => Ok(Some(match name {
                "<" => Val::bool(text < other),
                ">" => Val::bool(text > other),
                "<=" => Val::bool(text <= other),
                ">=" => Val::bool(text >= other),
                _ => return Ok(None),
            })),
            ("=~" | "match" | "match?", _) => Ok(None),
            ("force_encoding" | "encode" | "b" | "unicode_normalize", _) => some(text.to_owned()),
            ("hash" | "object_id", _) => Ok(None),
            _ => Ok(None),
        }
    }

    fn full(&self, text: &str) -> PathBuf {
        crate::files::lexical(&self.root.join(text))
    }

    fn read_file(&mut self, text: &str) -> Result<Option<Val>, Flow> {
        let path = self.full(text);
        if !path.starts_with(&self.root) {
            return Ok(None);
        }
        match self.files.read_text(&path) {
            Ok(content) => {
                let shown = crate::files::shown(&path, &self.root);
                Ok(Some(Val {
                    rb: Rb::Str(content, false),
                    origin: Some(super::value::Origin {
                        source: crate::source::Source::project_file(&shown, 1),
                        beat: Vec::new(),
                    }),
                }))
            }
            Err(_) => Err(Flow::Raise("no such file".into(), 0)),
        }
    }

    fn list_method(
        &mut self,
        items: &[Val],
        name: &str,
        args: &[Val],
        block: Option<&Block>,
        _line: usize,
    ) -> Result<Option<Val>, Flow> {
        if let Some(block) = block {
            return self.each_method(items, name, block);
        }
        let some = |rb: Rb| Ok(Some(Val::from(rb)));
        match name {
            "to_a" | "flatten" if items.iter().all(|i| !matches!(i.rb, Rb::List(_))) => {
                some(Rb::List(items.to_vec()))
            }
            "compact" | "compact_blank" => some(Rb::List(
                items
                    .iter()
                    .filter(|i| {
                        i.rb != Rb::Nil && (name == "compact" || i.to_text() != Ok(String::new()))
                    })
                    .cloned()
                    .collect(),
            )),
            "first" if args.is_empty() => Ok(Some(items.first().cloned().unwrap_or_else(Val::nil))),
            "last" if args.is_empty() => Ok(Some(items.last().cloned().unwrap_or_else(Val::nil))),
            "length" | "size" | "count" => Ok(Some(int(items.len()))),
            "empty?" | "none?" => Ok(Some(Val::bool(items.is_empty()))),
            "any?" => Ok(Some(Val::bool(!items.is_empty()))),
            "max" | "min" | "sum" => {
                let numbers: Option<Vec<i64>> = items
                    .iter()
                    .map(|i| match i.rb {
                        Rb::Int(n) => Some(n),
                        _ => None,
                    })
                    .collect();
                Ok(numbers
                    .and_then(|n| match name {
                        "max" => n.iter().max().copied(),
                        "min" => n.iter().min().copied(),
                        _ => Some(n.iter().sum()),
                    })
                    .map(|n| Rb::Int(n).into()))
            }
            "include?" | "member?" => Ok(args
                .first()
                .map(|a| Val::bool(items.iter().any(|i| same(&i.rb, &a.rb))))),
            "join" => {
                let glue = args
                    .first()
                    .and_then(|a| a.to_text().ok())
                    .unwrap_or_default();
                let texts: Result<Vec<String>, String> = items.iter().map(Val::to_text).collect();
                Ok(Some(match texts {
                    Ok(texts) => match joined(&texts, &glue) {
                        Some(text) => Val::text(text),
                        None => Val::unknown("too long"),
                    },
                    Err(why) => Val::unknown(why),
                }))
            }
            "+" => match args.first().map(|a| &a.rb) {
                Some(Rb::List(more)) => some(Rb::List([items, more].concat())),
                _ => Ok(None),
            },
            "[]" | "at" | "dig" => match args {
                [Val { rb: Rb::Int(n), .. }] => {
                    let at = if *n < 0 { items.len() as i64 + n } else { *n };
                    let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                    Ok(Some(item.cloned().unwrap_or_else(Val::nil)))
                }
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn each_method(
        &mut self,
        items: &[Val],
        name: &str,
        block: &Block,
    ) -> Result<Option<Val>, Flow> {
        let mut results = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let args: Vec<Val> = match (name, &item.rb) {
                ("each_with_index", _) => vec![item.clone(), int(number)],
                (_, Rb::List(parts)) if block.params.len() > 1 => parts.clone(),
                _ => vec![item.clone()],
            };
            let value = self.yield_to(block, &args)?;
            let stops = match name {
                "detect" | "find" | "any?" | "all?" | "none?" => Some(value.truth()),
                _ => None,
            };
            match (name, stops) {
                ("detect" | "find", Some(Ok(true))) => return Ok(Some(item.clone())),
                ("any?", Some(Ok(true))) => return Ok(Some(Val::bool(true))),
                ("all?", Some(Ok(false))) | ("none?", Some(Ok(true))) => {
                    return Ok(Some(Val::bool(false)));
                }
                (_, Some(Err(why))) => return Ok(Some(Val::unknown(why))),
                _ => results.push((item.clone(), value)),
            }
        }
        let picked = |keep: bool| -> Val {
            let mut out = Vec::new();
            for (item, value) in &results {
                match value.truth() {
                    Ok(truth) if truth == keep => out.push(item.clone()),
                    Ok(_) => {}
                    Err(why) => return Val::unknown(why),
                }
            }
            Rb::List(out).into()
        };
        Ok(Some(match name {
            "each" | "each_with_index" | "tap" => Rb::List(items.to_vec()).into(),
            "map" | "collect" | "filter_map" | "flat_map" => {
                let values = results.iter().map(|(_, v)| v.clone());
                let keep = name != "filter_map";
                Rb::List(values.filter(|v| keep || v.truth() != Ok(false)).collect()).into()
            }
            "select" | "filter" => picked(true),
            "reject" => picked(false),
            "detect" | "find" => Val::nil(),
            "any?" => Val::bool(false),
            "all?" | "none?" => Val::bool(true),
            _ => return Ok(None),
        }))
    }

    fn hash_method(
        &mut self,
        pairs: &[(Val, Val)],
        name: &str,
        args: &[Val],
        block: Option<&Block>,
        line: usize,
    ) -> Result<Option<Val>, Flow> {
        let find = |key: &Val| {
            pairs
                .iter()
                .rev()
                .find(|(k, _)| same(&k.rb, &key.rb))
                .map(|(_, v)| v.clone())
        };
        match (name, args.first()) {
            ("[]" | "dig", Some(key)) => {
                let found = find(key).unwrap_or_else(Val::nil);
                if name == "dig" && args.len() > 1 {
                    if found.rb == Rb::Nil {
                        return Ok(Some(found));
                    }
                    return self
                        .send(found, "dig", args[1..].to_vec(), None, line)
                        .map(Some);
                }
                Ok(Some(found))
            }
            ("fetch", Some(key)) => match (find(key), args.get(1), block) {
                (Some(found), _, _) => Ok(Some(found)),
                (None, Some(default), _) => Ok(Some(default.clone())),
                (None, None, Some(block)) => self.yield_to(block, &[]).map(Some),
                (None, None, None) => Err(Flow::Raise("key not found".into(), line)),
            },
            ("key?" | "has_key?" | "include?", Some(key)) => {
                Ok(Some(Val::bool(find(key).is_some())))
            }
            (
                "merge",
                Some(Val {
                    rb: Rb::Hash(more), ..
                }),
            ) => {
                let mut out = pairs.to_vec();
                for (key, value) in more {
                    match out.iter_mut().find(|(k, _)| same(&k.rb, &key.rb)) {
                        Some((_, old)) => *old = value.clone(),
                        None => out.push((key.clone(), value.clone())),
                    }
                }
                Ok(Some(Rb::Hash(out).into()))
            }
            ("each" | "each_pair" | "map", None) if block.is_some() => {
                let items: Vec<Val> = pairs
                    .iter()
                    .map(|(k, v)| Rb::List(vec![k.clone(), v.clone()]).into())
                    .collect();
                match block {
                    Some(block) => {
                        let name = if name == "each_pair" { "each" } else { name };
                        self.each_method(&items, name, block)
                    }
                    None => Ok(None),
                }
            }
            ("keys", None) => Ok(Some(
                Rb::List(pairs.iter().map(|(k, _)| k.clone()).collect()).into(),
            )),
            ("values", None) => Ok(Some(
                Rb::List(pairs.iter().map(|(_, v)| v.clone()).collect()).into(),
            )),
            ("empty?", None) => Ok(Some(Val::bool(pairs.is_empty()))),
            ("to_h" | "symbolize_keys" | "with_indifferent_access", None) => {
                Ok(Some(Rb::Hash(pairs.to_vec()).into()))
            }
            // Task arguments answer by name.
            (name, None) => Ok(pairs
                .iter()
                .find(|(k, _)| matches!(&k.rb, Rb::Sym(s) if s == name))
                .map(|(_, v)| v.clone())),
            _ => Ok(None),
        }
    }

    fn object_method(
        &mut self,
        what: &'static str,
        name: &str,
        args: &[Val],
        block: Option<&Block>,
        line: usize,
    ) -> Result<Option<Val>, Flow> {
        Ok(match (what, name) {
            ("credentials", _) => match self.credentials.clone() {
                Credentials::Locked(why) => Some(Val::unknown(why)),
                Credentials::Empty
                    if name.ends_with('!')
                        || name == "fetch" && args.len() < 2 && block.is_none() =>
                {
                    return Err(Flow::Raise("the credentials are empty".into(), line));
                }
                Credentials::Empty => match (name, args.get(1), block) {
                    ("fetch", Some(default), _) => Some(default.clone()),
                    ("fetch", None, Some(block)) => Some(self.yield_to(block, &[])?),
                    _ => Some(Val::nil()),
                },
            },
            ("application", "credentials") => Some(Rb::Object("credentials").into()),
            ("application", "root") => self.rails_root(),
            ("application", "config" | "configure") => {
                if let Some(block) = block {
                    self.yield_to(block, &[])?;
                }
                Some(Rb::Object("config").into())
            }
            ("config", "root") => self.rails_root(),
            (
                "config",
                "before_configuration" | "before_initialize" | "after_initialize" | "to_prepare",
            ) => {
                if let Some(block) = block {
                    self.yield_to(block, &[])?;
                }
                Some(Val::nil())
            }
            ("application", "load_tasks") => {
                self.facts
                    .push(Fact::Load(Ok("Rails.application.load_tasks".into())));
                Some(Val::nil())
            }
            ("application", "initialize!") => Some(Val::nil()),
            ("logger", _) => Some(Val::nil()),
            ("application", _) if name != "routes" => {
                let what = format!("`Rails.application.{name}` at {}:{line}", self.shown);
                self.facts.push(Fact::Opaque(what));
                None
            }
            _ => None,
        })
    }

    fn rails_root(&self) -> Option<Val> {
        Some(Val::text(self.root.display().to_string()))
    }

    fn send_const(
        &mut self,
        path: &str,
        name: &str,
        args: &[Val],
        block: Option<&Block>,
        line: usize,
    ) -> Outcome {
        let first = args.first();
        let text = first.and_then(|a| a.to_text().ok());
        let short = path.rsplit("::").next().unwrap_or(path);
        match (short, name) {
            ("ENV", _) => return self.env_method(name, args, block, line),
            ("Rails", "env") => {
                if let Some(env) = &self.rails_env {
                    return Ok(Rb::Str(env.clone(), true).into());
                }
            }
            ("Rails", "root") if self.rails_env.is_some() => {
                return Ok(self.rails_root().unwrap_or_else(Val::nil));
            }
            ("Rails", "application") if self.rails_env.is_some() => {
                return Ok(Rb::Object("application").into());
            }
            ("Rails", "configuration") => return Ok(Rb::Object("config").into()),
            ("Rails", "logger") => return Ok(Rb::Object("logger").into()),
            ("File", "exist?" | "exists?" | "file?" | "directory?" | "read")
            | ("Dir", "exist?")
            | ("IO", "read") => {
                if let Some(text) = text {
                    let method = match (short, name) {
                        ("Dir", _) => "directory?",
                        (_, "exists?") => "exist?",
                        (_, method) => method,
                    };
                    return self.send(Val::text(text), method, Vec::new(), None, line);
                }
            }
            ("File", "join") => {
                let parts: Result<Vec<String>, String> = args.iter().map(Val::to_text).collect();
                return Ok(match parts {
                    Ok(parts) => {
                        let joined = parts.join("/");
                        Val::text(joined.replace("//", "/"))
                    }
                    Err(why) => Val::unknown(why),
                });
            }
            ("File", "expand_path") => {
                let base = match args.get(1).map(Val::to_text) {
                    Some(Ok(base)) => PathBuf::from(base),
                    Some(Err(why)) => return Ok(Val::unknown(why)),
                    None => self.root.clone(),
                };
                if let Some(text) = text {
                    let full = crate::files::lexical(&self.root.join(base).join(text));
                    return Ok(Val::text(full.display().to_string()));
                }
            }
            ("File", "basename" | "dirname") if args.len() == 1 => {
                if let Some(text) = text {
                    return self.send(Val::text(text), name, Vec::new(), None, line);
                }
            }
            ("Pathname", "new") => {
                if let Some(text) = text {
                    return Ok(Val::text(text));
                }
            }
            ("Dir", "pwd") => return Ok(Val::text(self.root.display().to_string())),
            ("Socket", "gethostname") if !self.host.is_empty() => {
                return Ok(Val::text(self.host.clone()));
            }
            ("Task", "[]") if path == "Rake::Task" || path == "Task" => {
                return Ok(match first.map(Val::to_text) {
                    Some(Ok(name)) => Rb::Task(name).into(),
                    _ => {
                        self.facts.push(Fact::Invoke(Err(format!(
                            "a task at {}:{line} whose name is not known",
                            self.shown
                        ))));
                        self.cannot("a task", line)
                    }
                });
            }
            ("DatabaseTasks", _) => {
                self.facts
                    .push(Fact::DatabaseTask(name.to_owned(), args.to_vec()));
                return Ok(self.cannot("DatabaseTasks", line));
            }
            ("Bundler", _)
            | ("Dotenv" | "Figaro", "require_keys" | "parse")
            | ("Time" | "Date" | "DateTime" | "SecureRandom", _) => {
                return Ok(self.cannot(&format!("{path}.{name}"), line));
            }
            ("Dotenv", "load" | "overload") | ("Railtie", "load" | "overload") => {
                let files: Result<Vec<String>, String> = args.iter().map(Val::to_text).collect();
                self.facts.push(Fact::Load(
                    files.map(|f| format!("dotenv:{name}:{}", f.join(","))),
                ));
                return Ok(Val::nil());
            }
            ("URI", "parse") | ("URI", "()") => {
                if let Some(text) = text {
                    return Ok(uri(&text).or_origin(first.unwrap_or(&Val::nil())));
                }
            }
            ("JSON", "parse" | "load") if args.len() == 1 => {
                if let Some(json) = text.and_then(|t| serde_json::from_str(&t).ok()) {
                    return Ok(from_json(&json).or_origin(first.unwrap_or(&Val::nil())));
                }
            }
            (_, "new" | "configure" | "setup" | "draw" | "config") if block.is_some() => {}
            (_, "puts" | "print") => return Ok(Val::nil()),
            _ => {}
        }
        if matches!(name, "sh" | "system" | "spawn" | "exec" | "ruby" | "popen") {
            let why = format!("`{path}.{name}` at {}:{line}", self.shown);
            self.facts.push(Fact::Shell(Err(why)));
        } else if !HARMLESS_CONSTANTS.contains(&short) {
            let what = format!("`{path}.{name}` at {}:{line}", self.shown);
            self.facts.push(Fact::Opaque(what));
        }
        if let Some(block) = block {
            let why = format!("`{path}.{name}` at {}:{line} is not evaluated", self.shown);
            return self.doubtful(&why, |ruby| ruby.yield_to(block, &[]));
        }
        if let Some(Rb::Unknown(why)) = first.map(|a| &a.rb) {
            return Ok(Val::unknown(why.clone()));
        }
        Ok(self.cannot(&format!("`{path}.{name}`"), line))
    }

    fn env_method(
        &mut self,
        name: &str,
        args: &[Val],
        block: Option<&Block>,
        line: usize,
    ) -> Outcome {
        let Some(key) = args.first() else {
            return Ok(match name {
                "to_h" | "to_hash" => self.cannot("ENV.to_h", line),
                _ => self.cannot(&format!("ENV.{name}"), line),
            });
        };
        if matches!(name, "update" | "merge!" | "replace") {
            if let Rb::Hash(pairs) = &key.rb {
                for (key, value) in pairs.clone() {
                    self.set_variable(&key, &value, line);
                }
            } else {
                self.set_variable(&Val::unknown(""), &Val::nil(), line);
            }
            return Ok(Val::nil());
        }
        let key = match key.to_text() {
            Ok(key) => key,
            Err(why) => return Ok(Val::unknown(why)),
        };
        let value = self.variable(&key);
        Ok(match name {
            "[]" => value,
            "fetch" => match (&value.rb, args.get(1), block) {
                (Rb::Nil, Some(default), _) => default.clone(),
                (Rb::Nil, None, Some(block)) => self.yield_to(block, &[Val::text(key)])?,
                (Rb::Nil, None, None) => {
                    if self.doubt.is_some() {
                        return Ok(self.cannot("ENV.fetch", line));
                    }
                    return Err(Flow::Raise(format!("key not found: \"{key}\""), line));
                }
                (_, None, None) => value,
                _ => {
                    let default = self.here(line).with_note("default");
                    self.beating(value, default)
                }
            },
            "key?" | "has_key?" | "include?" | "member?" => match &value.rb {
                Rb::Unknown(_) => value,
                rb => Val::bool(*rb != Rb::Nil).or_origin(&value),
            },
            "values_at" => {
                let keys: Vec<Val> = args
                    .iter()
                    .map(|k| k.to_text().map_or_else(Val::unknown, |k| self.variable(&k)))
                    .collect();
                Rb::List(keys).into()
            }
            "[]=" | "store" => {
                let new = args.get(1).cloned().unwrap_or_else(Val::nil);
                self.set_variable(&Val::text(key), &new, line);
                new
            }
            "delete" => {
                self.set_variable(&Val::text(key), &Val::nil(), line);
                value
            }
            _ => self.cannot(&format!("ENV.{name}"), line),
        })
    }
}

/// `URI.parse(text)` as a hash of its parts.
fn uri(text: &str) -> Val {
    let Some(url) = crate::target::url::Url::split(text) else {
        return Val::unknown("a URL that cannot be read");
    };
    let part = |name: &str, value: Option<String>| {
        let value = value.map_or_else(Val::nil, Val::text);
        (Val::from(Rb::Sym(name.to_owned())), value)
    };
    let port = url
        .port
        .as_deref()
        .and_then(|p| p.parse().ok())
        .map_or_else(Val::nil, |n| Rb::Int(n).into());
    Rb::Hash(vec![
        part("scheme", Some(url.scheme.clone())),
        part("host", url.host.clone()),
        part(
            "hostname",
            url.host
                .clone()
                .map(|h| h.trim_matches(['[', ']']).to_owned()),
        ),
        (Rb::Sym("port".into()).into(), port),
        part("path", Some(url.path.clone())),
        part("user", url.user.clone()),
        part("userinfo", url.user.clone()),
        (
            Rb::Sym("password".into()).into(),
            Val::unknown("a password"),
        ),
    ])
    .into()
}

fn same(a: &Rb, b: &Rb) -> bool {
    match (a, b) {
        (Rb::Str(a, _), Rb::Str(b, _)) => a == b,
        (Rb::Int(a), Rb::Float(b)) | (Rb::Float(b), Rb::Int(a)) => *a as f64 == *b,
        (a, b) => a == b,
    }
}

fn int(n: usize) -> Val {
    Rb::Int(i64::try_from(n).unwrap_or(i64::MAX)).into()
}

fn list<'t>(parts: impl Iterator<Item = &'t str>) -> Val {
    Rb::List(parts.map(Val::text).collect()).into()
}

fn leading_int(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(digits.len());
    digits[..end].replace('_', "").parse::<i64>().unwrap_or(0) * sign
}

fn split(text: &str, by: Option<&str>, args: &[Val]) -> Val {
    let limit = match args.get(1).map(|a| &a.rb) {
        Some(Rb::Int(n)) if *n > 0 => usize::try_from(*n).ok(),
        _ => None,
    };
    let mut parts: Vec<&str> = match (by, limit) {
        (None | Some(" "), _) => text.split_whitespace().collect(),
        (Some(""), _) => {
            return Rb::List(text.chars().map(|c| Val::text(c.to_string())).collect()).into();
        }
        (Some(by), Some(n)) => text.splitn(n, by).collect(),
        (Some(by), None) => text.split(by).collect(),
    };
    if limit.is_none() {
        while parts.last() == Some(&"") {
            parts.pop();
        }
    }
    list(parts.into_iter())
}

/// What `JSON.parse` returns.
fn from_json(json: &serde_json::Value) -> Val {
    match json {
        serde_json::Value::Null => Val::nil(),
        serde_json::Value::Bool(truth) => Val::bool(*truth),
        serde_json::Value::Number(n) => match n.as_i64() {
            Some(n) => Rb::Int(n).into(),
            None => Rb::Float(n.as_f64().unwrap_or(0.0)).into(),
        },
        serde_json::Value::String(text) => Val::text(text),
        serde_json::Value::Array(items) => Rb::List(items.iter().map(from_json).collect()).into(),
        serde_json::Value::Object(map) => {
            let pairs = map.iter().map(|(k, v)| (Val::text(k), from_json(v)));
            Rb::Hash(pairs.collect()).into()
        }
    }
}

fn tr(text: &str, from: &str, to: &str) -> Option<String> {
    // A `-` at an end stands for itself.
    let plain = |s: &str| {
        let ranged = s.get(1..s.len().saturating_sub(1)).unwrap_or("-");
        s.chars().count() == 1 || !(ranged.contains('-') || s.contains(['^', '\\']))
    };
    if !plain(from) || !plain(to) {
        return None;
    }
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    Some(
        text.chars()
            .filter_map(|c| match from.iter().position(|f| *f == c) {
                None => Some(c),
                Some(at) => to.get(at).or(to.last()).copied(),
            })
            .collect(),
    )
}

fn text_slice(text: &str, args: &[Val]) -> Option<Val> {
    let chars: Vec<char> = text.chars().collect();
    let place = |n: i64| usize::try_from(if n < 0 { chars.len() as i64 + n } else { n }).ok();
    let take = |from: usize, length: usize| -> Val {
        if from > chars.len() {
            return Val::nil();
        }
        Val::text(chars.iter().skip(from).take(length).collect::<String>())
    };
    Some(match (&args.first()?.rb, args.get(1).map(|a| &a.rb)) {
        (Rb::Int(n), None) => match place(*n).and_then(|n| chars.get(n)) {
            Some(c) => Val::text(c.to_string()),
            None => Val::nil(),
        },
        (Rb::Int(n), Some(Rb::Int(length))) => take(place(*n)?, usize::try_from(*length).ok()?),
        (Rb::Range(from, to, exclusive), None) => {
            let from = place(*from)?;
            let to = place(*to)?;
            let end = if *exclusive { to } else { to + 1 };
            take(from, end.saturating_sub(from))
        }
        (Rb::Str(part, _), None) => {
            if text.contains(part.as_str()) {
                Val::text(part.clone())
            } else {
                Val::nil()
            }
        }
        _ => return None,
    })
}

fn groups(chars: &[char], found: &[Option<(usize, usize)>]) -> Val {
    let texts = found
        .iter()
        .map(|g| match g {
            Some((a, b)) => Val::text(chars[*a..*b].iter().collect::<String>()),
            None => Val::nil(),
        })
        .collect();
    Rb::List(texts).into()
}

fn pattern_method(text: &str, name: &str, pattern: &Pattern, to: Option<String>) -> Option<Val> {
    let chars: Vec<char> = text.chars().collect();
    let found = pattern.find(&chars, 0)?;
    Some(match name {
        "match?" => Val::bool(found.is_some()),
        "=~" => match found.and_then(|f| f.first().copied().flatten()) {
            Some((start, _)) => int(start),
            None => Val::nil(),
        },
        "match" => found.map_or_else(Val::nil, |f| groups(&chars, &f)),
        "[]" | "slice" => match found.and_then(|f| f.first().copied().flatten()) {
            Some((a, b)) => Val::text(chars[a..b].iter().collect::<String>()),
            None => Val::nil(),
        },
        "start_with?" => Val::bool(
            found.is_some_and(|f| f.first().copied().flatten().is_some_and(|(a, _)| a == 0)),
        ),
        "sub" | "gsub" => {
            let to = to.filter(|t| !t.contains('\\'))?;
            let (mut out, mut at) = (String::new(), 0);
            let mut rounds = 0;
            while let Some((a, b)) = pattern
                .find(&chars, at)?
                .and_then(|f| f.first().copied().flatten())
            {
                rounds += 1;
                if a == b || rounds > 1000 {
                    return None;
                }
                out.extend(&chars[at..a]);
                out.push_str(&to);
                at = b;
                if name == "sub" {
                    break;
                }
            }
            out.extend(&chars[at..]);
            Val::text(out)
        }
        _ => return None,
    })
}

/// `"%s_%d" % [...]` and `"%{x}"`: only plain places.
fn format_text(text: &str, args: &[Val]) -> Option<String> {
    let values: Vec<Val> = match args.first().map(|a| &a.rb) {
        Some(Rb::List(items)) => items.clone(),
        Some(Rb::Hash(_)) | None => return None,
        Some(_) => args.to_vec(),
    };
    let mut values = values.iter();
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            's' | 'd' | 'i' => out.push_str(&values.next()?.to_text().ok()?),
            _ => return None,
        }
    }
    Some(out)
}

fn int_method(n: i64, name: &str, args: &[Val]) -> Option<Val> {
    let other = match args.first().map(|a| &a.rb) {
        Some(Rb::Int(m)) => Some(*m),
        _ => None,
    };
    let number = |n: Option<i64>| n.map(|n| Rb::Int(n).into());
    match (name, other) {
        ("to_i" | "abs" | "floor" | "ceil" | "round", None) => {
            number(Some(if name == "abs" { n.abs() } else { n }))
        }
        ("to_f", None) => Some(Rb::Float(n as f64).into()),
        ("+", Some(m)) => number(n.checked_add(m)),
        ("-", Some(m)) => number(n.checked_sub(m)),
        ("*", Some(m)) => number(n.checked_mul(m)),
        ("/", Some(m)) if m != 0 => number(n.checked_div_euclid(m).filter(|_| m > 0)),
        ("%", Some(m)) if m > 0 => number(n.checked_rem_euclid(m)),
        ("<", Some(m)) => Some(Val::bool(n < m)),
        (">", Some(m)) => Some(Val::bool(n > m)),
        ("<=", Some(m)) => Some(Val::bool(n <= m)),
        (">=", Some(m)) => Some(Val::bool(n >= m)),
        ("zero?", None) => Some(Val::bool(n == 0)),
        ("positive?", None) => Some(Val::bool(n > 0)),
        _ => None,
    }
}

fn float_method(n: f64, name: &str, _args: &[Val]) -> Option<Val> {
    match name {
        "to_i" | "truncate" if n.is_finite() && n.abs() < 9e15 => Some(Rb::Int(n as i64).into()),
        "to_f" => Some(Rb::Float(n).into()),
        _ => None,
    }
}
