//! A small YAML reader for configuration files, with the place of every value: block and flow
//! collections, plain, quoted, literal and folded scalars, anchors, aliases, merge keys, comments.
//! Only the first document is read, as the loaders of configuration files do.
//!
//! [`parse`] gives a tree of nodes; [`compose`] expands aliases and types scalars. Both are
//! bounded: depth, size, and the number of nodes after expansion ("alias bombs").

mod compose;
mod flow;
mod parser;
mod scalar;

use std::rc::Rc;

use crate::source::Source;
use crate::target::{Traced, Value};

pub use compose::{Place, Schema, compose};
pub use scalar::{core, psych};

/// Why a text is no YAML, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The line (from 1) at which reading stops.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl std::fmt::Display for YamlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Where a node stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
}

/// A node of the tree, with its anchor expanded only on [`compose`].
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its tag without the leading `!`, where one is given.
    pub tag: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar; `plain` ones are typed by their look.
    Scalar {
        /// The text after quotes, escapes and folding.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
    /// A mapping in order, duplicates kept.
    Map(Vec<(Node, Node)>),
    /// A sequence.
    List(Vec<Node>),
    /// An alias, with the node that its anchor names.
    Alias(Rc<Node>),
}

impl Node {
    /// The scalar's text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Alias(node) => node.text(),
            Kind::Map(_) | Kind::List(_) => None,
        }
    }

    /// The entry of a mapping under that key, untyped; the last one wins.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .rev()
                .find(|(k, _)| k.text() == Some(key))
                .map(|(_, v)| v),
            Kind::Alias(node) => node.get(key),
            Kind::Scalar { .. } | Kind::List(_) => None,
        }
    }
}

/// Parses the first document; an empty text is an empty plain scalar.
///
/// # Errors
/// Where the text is no YAML, nests deeper than 64 levels, or uses what configuration files do
/// not (complex keys).
pub fn parse(text: &str) -> Result<Node, YamlError> {
    parser::Parser::new(text).document()
}

/// Reads a file's text by a schema; every value's source is `shown:LINE`.
///
/// # Errors
/// See [`parse`]; also where expanding aliases yields too many nodes.
pub fn read(text: &str, shown: &str, schema: Schema) -> Result<Traced, YamlError> {
    let node = parse(text)?;
    compose(&node, schema, &|span: Span| {
        Place::at(Source::project_file(shown, span.line))
    })
}

/// A scalar's type by its look under a schema.
pub(crate) type Typing = fn(&str) -> Value;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_carry_their_line() {
        let text = "a: &x\n  host: one\nb:\n  <<: *x\n  port: 1\n";
        let value = read(text, "config/database.yml", Schema::Psych).unwrap();
        let b = value.get("b").unwrap();
        let line = |key: &str| b.get(key).unwrap().source.text().to_owned();
        assert_eq!(line("host"), "config/database.yml:2");
        assert_eq!(line("port"), "config/database.yml:5");
    }

    #[test]
    fn errors_say_the_line() {
        for (text, line) in [
            ("a: 1\nb: [1, 2\n", 3),
            ("a: 1\n\tb: 2\n", 2),
            ("a: *b\n", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn alias_bombs_and_depth_are_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let row = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{row}]\n"));
        }
        assert!(read(&text, "x", Schema::Core).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
    }

    #[test]
    fn the_core_schema_lets_own_keys_win() {
        let text = "a: &a {x: 1, y: 2}\nb:\n  x: 3\n  <<: *a\n";
        let value = read(text, "x", Schema::Core).unwrap();
        let b = value.get("b").unwrap();
        assert_eq!(b.get("x").unwrap().value, Value::Int(3));
        assert_eq!(b.get("y").unwrap().value, Value::Int(2));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-a-z0-9 \\n\\t:#&*!|>'\"%@,\\[\\]{}<\\\\é.~]{0,80}") {
            let _ = read(&text, "x", Schema::Psych);
            let _ = read(&text, "x", Schema::Core);
        }

        #[test]
        fn plain_pairs_come_back(pairs in proptest::collection::vec(("[a-z]{1,8}", "[a-zA-Z/][a-zA-Z0-9/._]{5,12}"), 1..9)) {
            let text: String = pairs.iter().map(|(k, v)| format!("{k}x: {v}\n")).collect();
            let value = read(&text, "x", Schema::Psych).unwrap();
            for (key, _) in &pairs {
                let last = pairs.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
                prop_assert_eq!(value.get(&format!("{key}x")).and_then(Traced::as_str), last);
            }
        }
    }
}
