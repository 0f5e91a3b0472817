//! For people and for programs of their own.

use serde_json::{Value, json};

use super::super::baseline::fingerprint;
use super::super::{Finding, Level, Place, Report, Seen, rule};
use crate::ui::sanitize::line;
use crate::ui::{Tone, paint};

/// Commands and findings by file and line; `quiet` leaves the commands out.
pub(super) fn show(report: &Report, quiet: bool, colour: bool) -> String {
    let mut text = String::new();
    if !quiet {
        for seen in &report.commands {
            text.push_str(&command(seen, colour));
        }
        if !report.commands.is_empty() && !report.findings.is_empty() {
            text.push('\n');
        }
    }
    for finding in &report.findings {
        text.push_str(&found(finding, colour));
    }
    let (errors, warnings) = counts(report);
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    text.push_str(&format!(
        "{} and {} in {} ({} read): {}\n",
        plural(errors, "error"),
        plural(warnings, "warning"),
        plural(report.files, "file"),
        report.read,
        plural(report.commands.len(), "database command"),
    ));
    if report.silenced > 0 {
        text.push_str(&format!(
            "{} silenced by comments\n",
            plural(report.silenced, "finding")
        ));
    }
    text
}

/// How many findings are errors, and how many warnings.
fn counts(report: &Report) -> (usize, usize) {
    let is_error = |f: &&Finding| level(f) == Level::Error;
    let errors = report.findings.iter().filter(is_error).count();
    (errors, report.findings.len() - errors)
}

fn level(finding: &Finding) -> Level {
    rule(finding.rule).map_or(Level::Error, |r| r.level)
}

fn at(place: &Place) -> String {
    format!("{}:{}:{}", line(&place.file), place.line, place.column)
}

fn command(seen: &Seen, colour: bool) -> String {
    let mut targets: Vec<String> = seen
        .targets
        .iter()
        .map(|(t, tier)| format!("{} ({tier})", line(t)))
        .collect();
    if !seen.unresolved.is_empty() || targets.is_empty() {
        targets.push("unresolved".to_owned());
    }
    let wrapped = match &seen.profile {
        Some(profile) => format!(", behind tagout ({profile})"),
        None => String::new(),
    };
    format!(
        "{}  {} {}: {} {}{wrapped}\n",
        paint(colour, Tone::Label, &at(&seen.place)),
        line(&seen.tool),
        line(&seen.actions.join(", ")),
        seen.effect,
        targets.join(", "),
    )
}

fn found(finding: &Finding, colour: bool) -> String {
    let level = level(finding);
    let tone = match level {
        Level::Error => Tone::Bad,
        Level::Warning => Tone::Note,
    };
    let hint = match finding.hint.is_empty() {
        true => String::new(),
        false => format!("    hint: {}\n", line(&finding.hint)),
    };
    format!(
        "{}  {} [{}] {}\n{hint}",
        paint(colour, Tone::Label, &at(&finding.place)),
        paint(colour, tone, level.word()),
        finding.rule,
        line(&finding.message),
    )
}

/// Everything, by the schema `tagout.check/1`.
pub(super) fn json(report: &Report) -> String {
    let place = |p: &Place| json!({"file": p.file, "line": p.line, "column": p.column});
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|f| {
            json!({"rule": f.rule, "level": level(f).word(), "place": place(&f.place), "message": f.message,
                "hint": f.hint, "subject": f.subject, "fingerprint": fingerprint(f)})
        })
        .collect();
    let commands: Vec<Value> = report
        .commands
        .iter()
        .map(|c| {
            let targets: Vec<Value> = c.targets.iter().map(|(t, tier)| json!({"target": t, "tier": tier})).collect();
            json!({"place": place(&c.place), "owner": c.owner, "tool": c.tool, "actions": c.actions, "effect": c.effect,
                "targets": targets, "unresolved": c.unresolved, "profile": c.profile})
        })
        .collect();
    let (errors, warnings) = counts(report);
    let value = json!({"schema": "tagout.check/1", "findings": findings, "commands": commands,
        "summary": {"files": report.files, "read": report.read, "errors": errors, "warnings": warnings,
            "silenced": report.silenced}});
    format!(
        "{}\n",
        serde_json::to_string_pretty(&value).unwrap_or_default()
    )
}
