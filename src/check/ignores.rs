//! Comments that silence a rule, with a reason: `tagout: ignore[RULE] reason`.

use super::{Finding, Place, rule};

/// What begins such a comment.
const SIGN: &str = "tagout: ignore[";

/// One comment.
struct Ignore {
    line: usize,
    column: usize,
    rules: Vec<String>,
    reason: bool,
    used: bool,
}

/// Takes away what comments of the file silence, and says what is wrong with the comments. A
/// comment holds for its own line and the next one.
pub(super) fn apply(file: &str, text: &str, findings: Vec<Finding>) -> (Vec<Finding>, usize) {
    if memchr::memmem::find(text.as_bytes(), SIGN.as_bytes()).is_none() {
        return (findings, 0);
    }
    let mut ignores = read(text);
    let before = findings.len();
    let mut left: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| {
            let hit = ignores.iter_mut().find(|ignore| {
                let near =
                    finding.place.line == ignore.line || finding.place.line == ignore.line + 1;
                near && ignore.reason && ignore.rules.iter().any(|r| r == finding.rule)
            });
            hit.map(|ignore| ignore.used = true).is_none()
        })
        .collect();
    let silenced = before - left.len();
    for ignore in &ignores {
        let mut say = |rule, message: String, hint: &str| {
            left.push(Finding {
                rule,
                place: Place {
                    file: file.to_owned(),
                    line: ignore.line,
                    column: ignore.column,
                },
                message,
                hint: hint.to_owned(),
                subject: ignore.rules.join(","),
            });
        };
        let unknown = ignore.rules.iter().find(|r| rule(r).is_none());
        if let Some(unknown) = unknown {
            say(
                "unknown-rule",
                format!("there is no rule `{unknown}`"),
                "see `tagout help rules`",
            );
        } else if !ignore.reason {
            let message = "this ignores a rule without saying why".to_owned();
            say(
                "ignore-without-reason",
                message,
                "write the reason after the bracket",
            );
        } else if !ignore.used {
            let message = "there is nothing here that it silences".to_owned();
            say("unused-ignore", message, "remove the comment");
        }
    }
    (left, silenced)
}

fn read(text: &str) -> Vec<Ignore> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let Some(at) = line.find(SIGN) else { continue };
        let rest = line.get(at + SIGN.len()..).unwrap_or("");
        let Some((rules, reason)) = rest.split_once(']') else {
            continue;
        };
        let reason = reason.trim_matches(|c: char| c.is_whitespace() || "*/->#".contains(c));
        found.push(Ignore {
            line: n + 1,
            column: line.get(..at).map_or(0, |b| b.chars().count()) + 1,
            rules: rules.split(',').map(|r| r.trim().to_owned()).collect(),
            reason: reason.chars().filter(|c| c.is_alphanumeric()).count() >= 3,
            used: false,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, line: usize) -> Finding {
        Finding {
            rule,
            place: Place {
                file: "f".into(),
                line,
                column: 1,
            },
            message: String::new(),
            hint: String::new(),
            subject: String::new(),
        }
    }

    #[test]
    fn only_a_reason_silences() {
        let cases: &[(&str, &[&str])] = &[
            (
                "# tagout: ignore[unwrapped-command] a throw-away database\nx\n",
                &[],
            ),
            (
                "x # tagout: ignore[unwrapped-command, unwrapped-spawn] by hand\ny",
                &[],
            ),
            (
                "# tagout: ignore[unwrapped-command]\nx\n",
                &["unwrapped-command", "ignore-without-reason"],
            ),
            (
                "# tagout: ignore[no-such] because of it\nx\n",
                &["unwrapped-command", "unknown-rule"],
            ),
            (
                "# tagout: ignore[unwrapped-spawn] because of it\nx\n",
                &["unwrapped-command", "unused-ignore"],
            ),
        ];
        for (text, expected) in cases {
            let line = if text.starts_with('x') { 1 } else { 2 };
            let (left, _) = apply("f", text, vec![finding("unwrapped-command", line)]);
            let rules: Vec<&str> = left.iter().map(|f| f.rule).collect();
            assert_eq!(&rules, expected, "{text}");
        }
    }
}
