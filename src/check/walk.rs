//! Goes over the files, on every core, and puts together what they lead to.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::extract::extract;
use super::judge::{Judging, project_of};
use super::kind::{Kind, by_first_line, of};
use super::{Finding, Place, Seen, address, ignores, sites};
use crate::files::{Disk, Files, shown};

/// Folders of other people's code: looked at only where they are named.
const FOREIGN: &[&str] = &[
    ".git",
    "node_modules",
    "vendor",
    ".venv",
    "venv",
    "site-packages",
    "bower_components",
    ".tox",
    "third_party",
    ".hg",
    ".svn",
];

/// Code larger than this is generated.
const MAX_CODE: usize = 1 << 20;

/// What was found in all files.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, by place.
    pub findings: Vec<Finding>,
    /// The commands that the catalogue knows, by place.
    pub commands: Vec<Seen>,
    /// How many files there are.
    pub files: usize,
    /// How many of them were read as something.
    pub read: usize,
    /// How many findings comments silence.
    pub silenced: usize,
    /// Paths that could not be walked, and why.
    pub failed: Vec<String>,
}

/// What one file led to.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    commands: Vec<Seen>,
    read: bool,
    silenced: usize,
    failed: Option<String>,
}

/// Checks everything below the paths.
pub fn scan(paths: &[PathBuf], judging: &Judging<'_>) -> Report {
    let mut report = Report::default();
    let Some((first, rest)) = paths.split_first() else {
        return report;
    };
    let mut builder = WalkBuilder::new(first);
    for path in rest {
        builder.add(path);
    }
    builder
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| !is_foreign(entry));
    let (sender, receiver) = mpsc::channel::<Found>();
    builder.build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                    one_file(entry.path(), judging)
                }
                Ok(_) => return WalkState::Continue,
                Err(e) => Found {
                    failed: Some(e.to_string()),
                    ..Found::default()
                },
            };
            // Nobody listens any more only after a panic on the other side.
            match sender.send(found) {
                Ok(()) => WalkState::Continue,
                Err(_) => WalkState::Quit,
            }
        })
    });
    drop(sender);
    for found in receiver {
        report.files += usize::from(found.failed.is_none());
        report.read += usize::from(found.read);
        report.silenced += found.silenced;
        report.findings.extend(found.findings);
        report.commands.extend(found.commands);
        report.failed.extend(found.failed);
    }
    report
        .findings
        .sort_by(|a, b| (&a.place, a.rule, &a.message).cmp(&(&b.place, b.rule, &b.message)));
    report.findings.dedup();
    report
        .commands
        .sort_by(|a, b| (&a.place, &a.tool).cmp(&(&b.place, &b.tool)));
    report.failed.sort();
    report
}

fn is_foreign(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_str().unwrap_or("");
    entry.depth() > 0 && entry.file_type().is_some_and(|t| t.is_dir()) && FOREIGN.contains(&name)
}

fn one_file(path: &Path, judging: &Judging<'_>) -> Found {
    let mut found = Found::default();
    let real = crate::files::lexical(&judging.base.join(path));
    let name = shown(&real, judging.base);
    let files = Disk::default();
    let Some(kind) = kind_of(&real, &name, &files) else {
        return found;
    };
    let Ok(text) = files.read_text(&real) else {
        return found;
    };
    let code = matches!(
        kind,
        Kind::Php | Kind::Ruby | Kind::Python | Kind::JavaScript | Kind::Go
    );
    if code && text.len() > MAX_CODE {
        return found;
    }
    found.read = true;
    let mut findings = Vec::new();
    if code {
        findings = sites::find(
            kind,
            &name,
            &text,
            &|| project_of(&real, judging.base),
            &files,
        );
    } else {
        scripts(
            kind,
            &real,
            &name,
            &text,
            judging,
            &files,
            &mut findings,
            &mut found.commands,
        );
    }
    (found.findings, found.silenced) = ignores::apply(&name, &text, findings);
    found
}

fn kind_of(real: &Path, name: &str, files: &Disk) -> Option<Kind> {
    match of(name)? {
        Kind::Nameless => {
            let head = files.head(real, 128).ok()?;
            let line = String::from_utf8_lossy(&head);
            by_first_line(line.lines().next()?)
        }
        kind => Some(kind),
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "the parts of one file, taken apart once"
)]
fn scripts(
    kind: Kind,
    real: &Path,
    name: &str,
    text: &str,
    judging: &Judging<'_>,
    files: &Disk,
    findings: &mut Vec<Finding>,
    commands: &mut Vec<Seen>,
) {
    let extracted = extract(kind, name, text);
    if let Some((line, what)) = extracted.broken {
        findings.push(Finding {
            rule: "unreadable-file",
            place: Place {
                file: name.to_owned(),
                line,
                column: 1,
            },
            message: format!("this file was not checked: {what}"),
            hint: "mend it, or exclude it in .ignore".to_owned(),
            subject: "file".to_owned(),
        });
    }
    let folder = folder_of(kind, real, judging.base);
    for script in &extracted.scripts {
        let judgement = judging.script(name, &folder, script, files);
        findings.extend(judgement.findings);
        commands.extend(judgement.seen);
    }
    for (owner, variables) in &extracted.environments {
        for (variable, target, mark) in address::production(variables, &judging.profile.marks, name)
        {
            findings.push(Finding {
                rule: "production-address",
                place: Place {
                    file: name.to_owned(),
                    line: variable.line,
                    column: variable.column,
                },
                message: format!(
                    "{} of {owner} holds the address of {target}, which is production ({mark})",
                    variable.name
                ),
                hint: "give it only to the one job that needs it, by a secret, and start that job's command behind tagout".to_owned(),
                subject: variable.name.clone(),
            });
        }
    }
}

/// Where the commands of a file start.
fn folder_of(kind: Kind, real: &Path, base: &Path) -> PathBuf {
    let own = real.parent().unwrap_or(base);
    match kind {
        Kind::GitHub | Kind::GitLab | Kind::CircleCi => {
            let hidden = own.ancestors().find(|f| {
                f.file_name()
                    .is_some_and(|n| n == ".github" || n == ".gitlab" || n == ".circleci")
            });
            hidden.and_then(Path::parent).unwrap_or(own).to_owned()
        }
        Kind::Shell
        | Kind::Jenkins
        | Kind::Systemd
        | Kind::Crontab
        | Kind::SystemCrontab
        | Kind::Dockerfile => project_of(real, base),
        _ => own.to_owned(),
    }
}
