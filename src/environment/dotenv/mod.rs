//! Readers of `.env` files, one dialect a reader: the same file means different things to
//! phpdotenv, ruby dotenv, python-dotenv, node's own reader and a shell.
//!
//! A dialect is named as in [`DIALECTS`]: the library and the version it was held against. Nothing
//! is ever executed: where a reader would run a command, the entry is unknown.

mod assignment;
mod bash;
mod django;
mod docker;
mod expand;
mod golang;
mod load;
mod node;
pub mod php;
mod python;
mod ruby;
mod rust;
mod table;
mod text;

pub use load::{Loaded, load};
pub use table::{DIALECTS, Dialect, dialect, for_package};

/// What a reader made of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, as the reader takes it.
    pub name: String,
    /// The value after quotes, escapes and interpolation; `None` for a name without `=` where the
    /// dialect keeps these apart.
    pub value: Option<String>,
    /// The line (from 1) on which the name stands.
    pub line: usize,
    /// Why the value cannot be known (the reader would run a command, or fails on this name
    /// only); `value` then means nothing.
    pub unknown: Option<String>,
}

impl Entry {
    /// A name and its value.
    pub fn new(name: impl Into<String>, value: impl Into<Option<String>>, line: usize) -> Self {
        Entry {
            name: name.into(),
            value: value.into(),
            line,
            unknown: None,
        }
    }
}

/// Why a reader rejects a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotenvError {
    /// The line (from 1) at which the reader stops.
    pub line: usize,
    /// What is wrong, in our words.
    pub what: String,
}

impl DotenvError {
    /// A rejection at that line.
    pub fn new(line: usize, what: impl Into<String>) -> Self {
        DotenvError {
            line,
            what: what.into(),
        }
    }
}

impl std::fmt::Display for DotenvError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for DotenvError {}

/// A longer file is not read: some readers look back over all lines for each name.
const MAX_FILE: usize = 128 << 10;

/// The variables of the process that reads the file, by name.
pub type Process<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads a file's text as that dialect does. Readers that only hand back what the file says give
/// every assignment in order; readers that fill the environment (`load_dotenv`, `--env-file`,
/// dotenv-expand, `set -a; . FILE`) give what they change in it.
///
/// # Errors
/// Where the reader rejects the file as a whole.
pub fn read(
    dialect: &Dialect,
    text: &str,
    process: &Process<'_>,
) -> Result<Vec<Entry>, DotenvError> {
    if text.len() > MAX_FILE {
        return Err(DotenvError::new(1, "longer than 128 KiB"));
    }
    (dialect.reader)(text, process)
}

/// The final entries: of those with one name the last, at the place of the first.
pub fn settle(entries: Vec<Entry>) -> Vec<Entry> {
    let mut at = std::collections::HashMap::new();
    let mut out: Vec<Entry> = Vec::new();
    for entry in entries {
        match at.get(&entry.name) {
            Some(index) => {
                if let Some(place) = out.get_mut(*index) {
                    *place = entry;
                }
            }
            None => {
                at.insert(entry.name.clone(), out.len());
                out.push(entry);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two references in each value are 2^50 after fifty.
    #[test]
    fn values_that_double_come_to_an_end() {
        let chain: String = (0..60)
            .map(|n| format!("A{n}=${{A{0}}}${{A{0}}}\n", n + 1))
            .collect();
        let backward: String = (0..60)
            .map(|n| format!("A{0}=${{A{n}}}${{A{n}}}\n", n + 1))
            .collect();
        let texts = [
            "F=\"\u{1}_1F=\"\u{1}_1G@\0ee$F+G@\0ee$F+".to_owned(),
            "A=$A$A\nB=${B}${B}\nC=${C:-$C$C}\n".to_owned(),
            chain,
            format!("A0=xxxxxxxxxx\n{backward}"),
        ];
        for dialect in DIALECTS {
            for text in &texts {
                let _ = read(dialect, text, &|_| None);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_reader_panics_or_hangs(text in "([A-C]{0,2}|=|\\$|\\{|\\}|:|-|\\+|\"|'|`|#| |\n|\r|\\\\|\\(|\\)|export |echo |\u{feff}|ż|\t|\\?|;|&|~|n){0,40}") {
            let process = |name: &str| match name {
                "A" => Some("${A}$B".to_owned()),
                "B" => Some(String::new()),
                _ => None,
            };
            for dialect in DIALECTS {
                if let Ok(entries) = read(dialect, &text, &process) {
                    let lines = text.split(['\n', '\r']).count().max(1);
                    for entry in settle(entries) {
                        prop_assert!(entry.line >= 1 && entry.line <= lines, "{} {entry:?}", dialect.name);
                    }
                }
            }
        }

        #[test]
        fn plain_lines_read_alike_everywhere(values in proptest::collection::vec(("[A-Z_][A-Z0-9_]{1,8}", "[A-Za-z0-9_./@%+,=?-]{1,12}"), 1..6)) {
            let text: String = values.iter().map(|(n, v)| format!("X{n}={v}\n")).collect();
            for dialect in DIALECTS.iter().filter(|d| !d.by_lookup && !d.name.starts_with("phpdotenv")) {
                let entries = settle(read(dialect, &text, &|_| None).map_err(|e| TestCaseError::fail(format!("{}: {e}", dialect.name)))?);
                for (name, _) in &values {
                    let name = format!("X{name}");
                    let last = values.iter().rev().find(|(n, _)| name[1..] == **n).map(|(_, v)| v.as_str());
                    let read = entries.iter().find(|e| e.name == name).and_then(|e| e.value.as_deref());
                    prop_assert_eq!(read, last, "{}", dialect.name);
                }
            }
        }
    }
}
