//! SARIF 2.1.0, as code scanning takes it.

use serde_json::{Value, json};

use super::super::baseline::fingerprint;
use super::super::{Finding, RULES, Report, rule};

/// One run with every rule and the findings.
pub(super) fn show(report: &Report) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|r| {
            json!({
                "id": r.id,
                "shortDescription": {"text": r.about},
                "fullDescription": {"text": r.about},
                "help": {"text": r.page, "markdown": r.page},
                "defaultConfiguration": {"level": r.level.word()},
            })
        })
        .collect();
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    let value = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tagout",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!(
        "{}\n",
        serde_json::to_string_pretty(&value).unwrap_or_default()
    )
}

fn result(finding: &Finding) -> Value {
    let index = RULES.iter().position(|r| r.id == finding.rule);
    let level = rule(finding.rule).map_or("error", |r| r.level.word());
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&finding.place.file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
        }}],
        "partialFingerprints": {"tagout/v1": fingerprint(finding)},
    })
}

/// A relative path as a URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
