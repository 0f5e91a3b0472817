//! Pipelines and services in YAML: GitHub Actions, GitLab CI, CircleCI, Compose.

use super::super::script::{Script, Text, Variable};
use super::Extract;
use super::yaml::{entries, items, push, variables};
use crate::command::shell::{Dialect, quoted};
use crate::target::readers::yaml::{self, Node};

fn parsed(file: &Text<'_>, then: impl FnOnce(&Node) -> Extract) -> Extract {
    match yaml::parse(file.text) {
        Ok(node) => then(&node),
        Err(e) => Extract::broken(e.line, format!("it is no YAML: {}", e.what)),
    }
}

fn dialect(shell: Option<&str>) -> Option<Dialect> {
    let program = shell.unwrap_or("bash").split_whitespace().next()?;
    match program.rsplit('/').next()? {
        "bash" => Some(Dialect::Bash),
        "sh" | "dash" | "ash" => Some(Dialect::Posix),
        "zsh" => Some(Dialect::Zsh),
        _ => None,
    }
}

fn joined(outer: &[Variable], inner: Vec<Variable>) -> Vec<Variable> {
    outer.iter().cloned().chain(inner).collect()
}

/// Workflows and composite actions.
pub(super) fn github(file: &Text<'_>) -> Extract {
    const OPEN: &str = "${{";
    parsed(file, |root| {
        let mut found = Extract::default();
        let top = variables(root.get("env"), file, OPEN);
        found
            .environments
            .push(("workflow".to_owned(), top.clone()));
        let mut steps_of = |owner: &str,
                            steps: Option<&Node>,
                            around: &[Variable],
                            defaults: [Option<&str>; 2]| {
            for (n, step) in items(steps).iter().enumerate() {
                let name = step.get("name").or(step.get("id")).and_then(Node::text);
                let label = name.map_or(format!("{}", n + 1), str::to_owned);
                let owner = format!("{owner}, step {label}");
                let own = variables(step.get("env"), file, OPEN);
                found.environments.push((owner.clone(), own.clone()));
                let shell = step.get("shell").and_then(Node::text).or(defaults[0]);
                let (Some(run), Some(dialect)) = (step.get("run"), dialect(shell)) else {
                    continue;
                };
                let mut script = Script::new(owner);
                script.dialect = dialect;
                script.variables = joined(around, own);
                let folder = step
                    .get("working-directory")
                    .and_then(Node::text)
                    .or(defaults[1]);
                script.folder = folder.unwrap_or_default().to_owned();
                push(&mut script, run, file);
                found.scripts.push(script.without_templates(OPEN, "}}"));
            }
        };
        fn default<'n>(of: &'n Node, key: &str) -> Option<&'n str> {
            of.get("defaults")?.get("run")?.get(key)?.text()
        }
        let outer = [default(root, "shell"), default(root, "working-directory")];
        let mut jobs = Vec::new();
        for (key, job) in entries(root.get("jobs")) {
            let owner = format!("job {}", key.text().unwrap_or_default());
            let own = variables(job.get("env"), file, OPEN);
            let around = joined(&top, own.clone());
            let defaults = [
                default(job, "shell").or(outer[0]),
                default(job, "working-directory").or(outer[1]),
            ];
            steps_of(&owner, job.get("steps"), &around, defaults);
            jobs.push((owner, own));
        }
        let composite = root.get("runs").and_then(|runs| runs.get("steps"));
        steps_of("action", composite, &top, [None, None]);
        found.environments.extend(jobs);
        found
    })
}

/// Keys of a GitLab file that are no jobs.
const NO_JOBS: &[&str] = &[
    "stages",
    "include",
    "variables",
    "workflow",
    "cache",
    "image",
    "services",
    "spec",
    "pages:deploy",
];

/// `.gitlab-ci.yml`. What `include` and `extends` bring from elsewhere is not seen.
pub(super) fn gitlab(file: &Text<'_>) -> Extract {
    parsed(file, |root| {
        let mut found = Extract::default();
        let top = variables(root.get("variables"), file, "");
        found
            .environments
            .push(("pipeline".to_owned(), top.clone()));
        let default = root.get("default");
        for (key, job) in entries(Some(root)) {
            let name = key.text().unwrap_or_default();
            let jobless = entries(Some(job)).is_empty();
            if NO_JOBS.contains(&name) || jobless || name == "default" {
                continue;
            }
            let own = variables(job.get("variables"), file, "");
            let owner = format!("job {name}");
            found.environments.push((owner.clone(), own.clone()));
            let inherited = |part: &'static str| {
                job.get(part)
                    .or_else(|| default.and_then(|d| d.get(part)))
                    .or_else(|| root.get(part))
            };
            // One shell runs what comes before and the script itself.
            for parts in [["before_script", "script"].as_slice(), &["after_script"]] {
                let mut script = Script::new(owner.clone());
                script.variables = joined(&top, own.clone());
                for part in parts {
                    match *part {
                        "script" => lines(&mut script, job.get(part), file),
                        _ => lines(&mut script, inherited(part), file),
                    }
                }
                if !script.text.trim().is_empty() && job.get("script").is_some() {
                    found.scripts.push(script);
                }
            }
        }
        found
    })
}

fn lines(script: &mut Script, node: Option<&Node>, file: &Text<'_>) {
    if let Some(node) = node.filter(|n| n.text().is_some()) {
        push(script, node, file);
    }
    for item in items(node) {
        lines(script, Some(item), file);
    }
}

/// `.circleci/config.yml`: jobs and reusable commands.
pub(super) fn circleci(file: &Text<'_>) -> Extract {
    const OPEN: &str = "<<";
    parsed(file, |root| {
        let mut found = Extract::default();
        for part in ["jobs", "commands"] {
            for (key, job) in entries(root.get(part)) {
                let owner = format!(
                    "{} {}",
                    part.trim_end_matches('s'),
                    key.text().unwrap_or_default()
                );
                let around = variables(job.get("environment"), file, OPEN);
                found.environments.push((owner.clone(), around.clone()));
                for image in items(job.get("docker")) {
                    let own = variables(image.get("environment"), file, OPEN);
                    found.environments.push((owner.clone(), own));
                }
                let folder = job.get("working_directory").and_then(Node::text);
                steps(job.get("steps"), &owner, &around, folder, file, &mut found);
            }
        }
        found
    })
}

fn steps(
    node: Option<&Node>,
    owner: &str,
    around: &[Variable],
    folder: Option<&str>,
    file: &Text<'_>,
    found: &mut Extract,
) {
    for step in items(node) {
        for condition in ["when", "unless"] {
            let inner = step.get(condition).and_then(|c| c.get("steps"));
            steps(inner, owner, around, folder, file, found);
        }
        let Some(run) = step.get("run") else { continue };
        let command = run.get("command").unwrap_or(run);
        let name = run.get("name").and_then(Node::text);
        let own = variables(run.get("environment"), file, "<<");
        let Some(dialect) = dialect(run.get("shell").and_then(Node::text)) else {
            continue;
        };
        let mut script = Script::new(match name {
            Some(name) => format!("{owner}, step {name}"),
            None => owner.to_owned(),
        });
        found.environments.push((script.owner.clone(), own.clone()));
        script.dialect = dialect;
        script.variables = joined(around, own);
        let here = run.get("working_directory").and_then(Node::text).or(folder);
        // CircleCI's own folder is the checkout.
        let here = here.filter(|f| !f.starts_with('~') && !f.starts_with('/'));
        script.folder = here.unwrap_or_default().to_owned();
        push(&mut script, command, file);
        found.scripts.push(script.without_templates("<<", ">>"));
    }
}

/// Compose files: what services run, and their variables.
pub(super) fn compose(file: &Text<'_>) -> Extract {
    parsed(file, |root| {
        let mut found = Extract::default();
        for (key, service) in entries(root.get("services")) {
            let owner = format!("service {}", key.text().unwrap_or_default());
            let own = variables(service.get("environment"), file, "${");
            found.environments.push((owner.clone(), own.clone()));
            let check = service.get("healthcheck").and_then(|h| h.get("test"));
            let words = [service.get("entrypoint"), service.get("command")];
            let mut script = Script::new(owner.clone());
            for node in words.into_iter().flatten() {
                words_of(&mut script, node, file);
            }
            let mut probe = Script::new(owner);
            if let Some(check) = check {
                words_of(&mut probe, check, file);
            }
            for mut script in [script, probe] {
                if !script.text.trim().is_empty() {
                    script.variables.clone_from(&own);
                    found.scripts.push(script);
                }
            }
        }
        found
    })
}

fn words_of(script: &mut Script, node: &Node, file: &Text<'_>) {
    if let Some(text) = node.text() {
        script.push_found(&format!("{text} "), file, node.span.start, node.span.end);
        return;
    }
    for (n, item) in items(Some(node)).iter().enumerate() {
        let Some(text) = item.text() else { continue };
        let (line, column) = file.place(item.span.start);
        match (n, text) {
            (0, "CMD" | "NONE") => {}
            (0, "CMD-SHELL") => {
                for item in items(Some(node)).iter().skip(1) {
                    push(script, item, file);
                }
                return;
            }
            _ => {
                script.push(&quoted(&text.replace("$$", "$")), line, column);
                script.text.push(' ');
            }
        }
    }
}
