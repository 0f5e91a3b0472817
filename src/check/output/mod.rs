//! What is found, in the forms that people and platforms read.

mod ci;
mod sarif;
mod text;

use super::Report;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// `tagout.check/1`.
    Json,
    /// Workflow commands of GitHub Actions.
    GitHub,
    /// SARIF 2.1.0.
    Sarif,
    /// GitLab's code quality report.
    GitLab,
    /// JUnit's XML.
    JUnit,
}

/// All forms with their words.
pub const FORMATS: &[(&str, Format)] = &[
    ("text", Format::Text),
    ("json", Format::Json),
    ("github", Format::GitHub),
    ("sarif", Format::Sarif),
    ("gitlab", Format::GitLab),
    ("junit", Format::JUnit),
];

impl Format {
    /// The report in this form.
    pub fn show(self, report: &Report, quiet: bool, colour: bool) -> String {
        match self {
            Format::Text => text::show(report, quiet, colour),
            Format::Json => text::json(report),
            Format::GitHub => ci::github(report),
            Format::Sarif => sarif::show(report),
            Format::GitLab => ci::gitlab(report),
            Format::JUnit => ci::junit(report),
        }
    }
}
