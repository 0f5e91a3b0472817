//! Readers of configuration formats: they know syntax and positions, nothing of policy.

pub mod erb;
pub mod ini;
pub mod js;
pub mod php;
pub mod python;
pub mod ruby;
pub mod toml;
pub mod yaml;

/// Stands in a rendered template for text that cannot be known. A private-use character, so that
/// the text around it still parses; the place's reason is kept beside the text.
pub(crate) const UNKNOWN_MARK: char = '\u{F5A1}';

/// A text that an evaluated call makes, bytes: what grows past it is not followed.
const MAX_MADE: usize = 1 << 20;

/// `text` with `to` for each `from`; `None` where that is longer than anybody's configuration.
fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    let grows = to.len() > from.len();
    let made = |count: usize| count.saturating_mul(to.len()).saturating_add(text.len());
    let long = grows && made(text.matches(from).count()) > MAX_MADE;
    (!long).then(|| text.replace(from, to))
}

/// The parts with `glue` between them; `None` as of [`replaced`].
fn joined(parts: &[String], glue: &str) -> Option<String> {
    let glued = parts.len().saturating_mul(glue.len());
    let bytes: usize = parts.iter().map(String::len).sum();
    (bytes.saturating_add(glued) <= MAX_MADE).then(|| parts.join(glue))
}
