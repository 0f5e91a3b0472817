//! TOML with the line of every value.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::source::Source;
use crate::target::{Traced, Value};

/// The lines of values are counted from the beginning of the file, each for itself.
const MAX_FILE: usize = 256 << 10;

/// Reads a TOML file shown as `shown`.
///
/// # Errors
/// Where the text is no TOML: what is wrong, without the text itself.
pub fn read(text: &str, shown: &str) -> Result<Traced, String> {
    if text.len() > MAX_FILE {
        return Err(format!("{shown}: larger than 256 KiB"));
    }
    let root = DeTable::parse(text).map_err(|e| {
        let line = e.span().map_or(1, |span| line_of(text, span.start));
        format!("{shown}:{line}: {}", e.message())
    })?;
    Ok(table(root.get_ref(), text, shown, root.span().start))
}

fn table(table: &DeTable<'_>, text: &str, shown: &str, at: usize) -> Traced {
    let entries = table
        .iter()
        .map(|(key, item)| (key.get_ref().to_string(), value(item, text, shown)))
        .collect();
    Traced::new(Value::Map(entries), source(text, shown, at))
}

fn value(item: &Spanned<DeValue<'_>>, text: &str, shown: &str) -> Traced {
    let at = item.span().start;
    let value = match item.get_ref() {
        DeValue::String(s) => Value::Str(s.to_string()),
        DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix())
            .map_or_else(|_| Value::Str(i.as_str().to_owned()), Value::Int),
        DeValue::Float(f) => f
            .as_str()
            .parse()
            .map_or_else(|_| Value::Str(f.as_str().to_owned()), Value::Float),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(d) => Value::Str(d.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| self::value(item, text, shown))
                .collect(),
        ),
        DeValue::Table(inner) => return table(inner, text, shown, at),
    };
    Traced::new(value, source(text, shown, at))
}

fn source(text: &str, shown: &str, at: usize) -> Source {
    Source::project_file(shown, line_of(text, at))
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|b| **b == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let root = read("[a.b]\nx = 'y'\nn = 5\n", "f.toml").unwrap();
        let x = root.get("a").and_then(|a| a.get("b")?.get("x")).unwrap();
        assert_eq!((x.as_str(), x.source.text()), (Some("y"), "f.toml:2"));
        assert!(read("a = \"s3cret\nb", "f.toml").is_err_and(|e| !e.contains("s3cret")));
    }
}
