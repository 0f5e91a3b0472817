//! What pipelines read: GitHub's workflow commands, GitLab's code quality, JUnit.

use serde_json::{Value, json};

use super::super::baseline::fingerprint;
use super::super::{Finding, Level, Report, rule};

fn level(finding: &Finding) -> Level {
    rule(finding.rule).map_or(Level::Error, |r| r.level)
}

/// A message of a workflow command: `%`, carriage return and line feed are escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command: `:` and `,` end one, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// `::error file=...,line=...,col=...,title=...::message`.
pub(super) fn github(report: &Report) -> String {
    let lines = report.findings.iter().map(|f| {
        let hint = if f.hint.is_empty() {
            String::new()
        } else {
            format!("\nhint: {}", f.hint)
        };
        format!(
            "::{} file={},line={},col={},title={}::{}\n",
            level(f).word(),
            property(&f.place.file),
            f.place.line,
            f.place.column,
            property(&format!("tagout: {}", f.rule)),
            data(&format!("{}{hint}", f.message)),
        )
    });
    lines.collect()
}

/// The array of issues that GitLab shows in a merge request.
pub(super) fn gitlab(report: &Report) -> String {
    let mut seen: Vec<String> = Vec::new();
    let issues: Vec<Value> = report
        .findings
        .iter()
        .map(|f| {
            // GitLab keeps one issue of each fingerprint.
            let print = fingerprint(f);
            let again = seen.iter().filter(|s| **s == print).count();
            seen.push(print.clone());
            let severity = match level(f) {
                Level::Error => "critical",
                Level::Warning => "minor",
            };
            json!({
                "description": f.message,
                "check_name": f.rule,
                "fingerprint": if again == 0 { print } else { format!("{print}-{again}") },
                "severity": severity,
                "location": {"path": f.place.file, "lines": {"begin": f.place.line}},
            })
        })
        .collect();
    format!(
        "{}\n",
        serde_json::to_string_pretty(&issues).unwrap_or_default()
    )
}

/// Text of an XML attribute or element; what XML 1.0 has no place for is left out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// One case for each finding; one that passes where there is none.
pub(super) fn junit(report: &Report) -> String {
    let failures = report.findings.len();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.push_str(&format!(
        "<testsuites tests=\"{0}\" failures=\"{failures}\">\n  <testsuite name=\"tagout check\" tests=\"{0}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n",
        failures.max(1),
    ));
    if failures == 0 {
        text.push_str("    <testcase name=\"no findings\" classname=\"tagout\"/>\n");
    }
    for f in &report.findings {
        let place = format!("{}:{}:{}", f.place.file, f.place.line, f.place.column);
        text.push_str(&format!(
            "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            xml(&format!("{} at {place}", f.rule)),
            xml(f.rule),
            xml(&f.place.file),
            level(f).word(),
            xml(&f.message),
            xml(&format!("{place}: {}", f.message)),
        ));
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}
