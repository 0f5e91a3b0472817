//! Generated settings of Django and generated `env.py` of Alembic: what the real ones would hand
//! to their drivers against the static reading. Equal or unresolved, never another database.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tagout::command::{Caller, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Disk;
use tagout::source::{Source, SourceKind};
use tagout::target::{Resolution, Target, resolve};

use crate::generated::{Case, Dice, alembic, django};
use crate::python_tools::python;

/// A Python in which the frameworks are loaded.
struct Real {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Real {
    fn start(python: &Path) -> Real {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(python)
            .arg(here.join("tests/suite/python_server.py"))
            .arg(here.join("src/target/probe/probe.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let ask = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Real {
            child,
            ask,
            answers,
        }
    }

    fn answer(&mut self, root: &Path, case: &Case) -> Value {
        let script = case.words[0]
            .ends_with(".py")
            .then(|| root.join(case.words[0]));
        let ask = json!({"kind": case.kind, "argv": case.words, "module": false, "script": script});
        let env: serde_json::Map<_, _> = case
            .env
            .iter()
            .map(|(n, v)| (n.clone(), json!(v)))
            .collect();
        let line = json!({"cwd": root, "env": env, "ask": ask});
        writeln!(self.ask, "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resolved(root: &Path, case: &Case, heard: Option<&Value>) -> Resolution {
    let mut vars = Vars::new();
    for (name, value) in &case.env {
        let source = Source::new(SourceKind::Inherited, "process environment");
        vars.set(name.as_str(), value, source);
    }
    let (files, caller) = (Disk::default(), Caller::default());
    let world = World {
        files: &files,
        caller: &caller,
        heard,
    };
    let step = Step::new(
        case.words.iter().map(|w| (*w).to_owned()),
        vars,
        root.to_owned(),
    );
    let mut all = Resolution::none();
    for command in understand(step, &world) {
        all.merge(resolve(&command, &world));
    }
    all
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Equal,
    Unresolved,
    Wrong(String),
}

fn compare(ours: &Resolution, real: Option<&Resolution>) -> Outcome {
    let places = |r: &Resolution| -> BTreeSet<String> {
        // Who logs in decides nothing.
        let nobody = |t: &Target| {
            Target {
                user: None,
                ..t.clone()
            }
            .to_string()
        };
        r.targets.iter().filter(|t| !t.later).map(nobody).collect()
    };
    let have = places(ours);
    let fails = |r: &Resolution| {
        r.gaps
            .iter()
            .any(|g| g.reason.contains("its backend fails"))
    };
    let Some(real) = real.filter(|r| r.errors.is_empty() && !fails(r)) else {
        // The real one stops before it connects.
        return match (
            have.is_empty(),
            ours.errors.is_empty(),
            ours.gaps.is_empty(),
        ) {
            (_, false, _) => Outcome::Equal,
            (_, _, false) => Outcome::Unresolved,
            _ => Outcome::Wrong(format!("the real one stops, have {have:?}")),
        };
    };
    let want = places(real);
    let open = !ours.gaps.is_empty();
    if open && have.is_subset(&want) {
        return Outcome::Unresolved;
    }
    if have == want && ours.errors.is_empty() && !open {
        return Outcome::Equal;
    }
    Outcome::Wrong(format!(
        "want {want:?} {:?}, have {have:?} {:?}",
        real.gaps, ours.errors
    ))
}

/// Runs so many generated projects; the least share that must be resolved, in percent.
fn hold(name: &str, count: u64, least: usize, make: fn(&mut Dice) -> Case) {
    let Some(python) = python() else {
        return;
    };
    let mut real = Real::start(&python);
    let (mut equal, mut open, mut wrong) = (0, Vec::new(), Vec::new());
    for seed in 0..count {
        let mut dice = Dice::new(seed);
        let case = make(&mut dice);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        case.lay(&root);
        let answer = real.answer(&root, &case);
        let theirs = answer
            .get("error")
            .is_none()
            .then(|| resolved(&root, &case, Some(&answer)));
        let ours = resolved(&root, &case, None);
        match compare(&ours, theirs.as_ref()) {
            Outcome::Equal => equal += 1,
            Outcome::Unresolved => open.push(format!("{seed}: {:?}", ours.gaps)),
            Outcome::Wrong(why) => wrong.push(format!("{seed}: {why}\n{answer}\n{case}")),
        }
    }
    let total = equal + open.len() + wrong.len();
    println!(
        "{name}: {equal} of {total} equal, {} unresolved",
        open.len()
    );
    if std::env::var_os("TAGOUT_SHOW_UNRESOLVED").is_some() {
        println!("{}", open.join("\n"));
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        equal * 100 >= total * least,
        "{equal} of {total}:\n{}",
        open.join("\n")
    );
}

fn count() -> u64 {
    let asked = std::env::var("TAGOUT_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(80)
}

#[test]
fn generated_django_settings() {
    hold("Django", count(), 80, django);
}

#[test]
fn generated_alembic_environments() {
    hold("Alembic", count(), 80, alembic);
}
