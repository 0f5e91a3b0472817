//! `docker run --env-file`: lines as they stand, nothing unquoted.

use super::text::without_bom;
use super::{DotenvError, Entry, Process};

/// docker's own reader.
pub(super) fn run(text: &str, process: &Process<'_>) -> Result<Vec<Entry>, DotenvError> {
    let mut entries = Vec::new();
    for (index, line) in without_bom(text).split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, None),
        };
        if name.is_empty() {
            return Err(DotenvError::new(index + 1, "no variable name before `=`"));
        }
        if name.contains([' ', '\t']) {
            let what = format!("the variable name `{name}` contains blanks");
            return Err(DotenvError::new(index + 1, what));
        }
        if let Some(value) = value.or_else(|| process(name)) {
            entries.push(Entry::new(name, value, index + 1));
        }
    }
    Ok(entries)
}
