//! Readers of `.env` files, one dialect a reader: the same file means different things to
//! phpdotenv, ruby dotenv, python-dotenv, node's own reader and a shell.

pub mod php;

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
}

/// Why a reader rejects a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DotenvError {
    /// The line (from 1) at which the reader stops.
    pub line: usize,
    /// What is wrong, in our words.
    pub what: String,
}

impl std::fmt::Display for DotenvError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}
