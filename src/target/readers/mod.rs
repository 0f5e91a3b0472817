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
