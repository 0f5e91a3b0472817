//! What was there before: findings that are known and do not fail a check.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Finding;

/// Findings by fingerprint, with how often each may occur.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<String, usize>,
}

/// What stays the same when lines move: rule, file and subject.
pub(super) fn fingerprint(finding: &Finding) -> String {
    let mut hash = Sha256::new();
    for part in [finding.rule, &finding.place.file, &finding.subject] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Baseline {
    /// Of these findings.
    pub fn of(findings: &[Finding]) -> Baseline {
        let mut baseline = Baseline::default();
        for finding in findings {
            *baseline.known.entry(fingerprint(finding)).or_default() += 1;
        }
        baseline
    }

    /// From a file's text.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Baseline, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if value["schema"] != "tagout.baseline/1" {
            return Err("it has no schema tagout.baseline/1".to_owned());
        }
        let entries = value["findings"].as_object().ok_or("it has no findings")?;
        let known = entries
            .iter()
            .map(|(print, count)| (print.clone(), count["count"].as_u64().unwrap_or(1)))
            .map(|(print, count)| (print, usize::try_from(count).unwrap_or(1)));
        Ok(Baseline {
            known: known.collect(),
        })
    }

    /// As a file's text; the findings stand beside their fingerprints for people.
    pub fn text(findings: &[Finding]) -> String {
        let baseline = Baseline::of(findings);
        let mut entries = serde_json::Map::new();
        for finding in findings {
            let print = fingerprint(finding);
            let count = baseline.known.get(&print).copied().unwrap_or(1);
            entries.insert(
                print,
                json!({"count": count, "rule": finding.rule, "file": finding.place.file, "subject": finding.subject}),
            );
        }
        let value = json!({"schema": "tagout.baseline/1", "findings": entries});
        format!(
            "{}\n",
            serde_json::to_string_pretty(&value).unwrap_or_default()
        )
    }

    /// The findings that are new.
    pub fn fresh(mut self, findings: Vec<Finding>) -> Vec<Finding> {
        findings
            .into_iter()
            .filter(|finding| match self.known.get_mut(&fingerprint(finding)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    false
                }
                _ => true,
            })
            .collect()
    }
}
