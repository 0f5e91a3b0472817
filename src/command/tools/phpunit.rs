//! phpunit, pest, paratest: in a Laravel project they rebuild the database that the tests see.

use std::path::{Path, PathBuf};

use crate::command::{Action, Args, Command, Effect, Reading, Step, Stop, Tool, World};

/// How many test files are looked into; with more the tests count as rebuilding.
const MAX_TESTS: usize = 1500;

const VALUES: &[&str] = &[
    "-c",
    "--configuration",
    "--bootstrap",
    "--filter",
    "--testsuite",
    "--group",
    "--exclude-group",
    "-d",
    "--processes",
    "-p",
    "--cache-directory",
    "--log-junit",
    "--coverage-html",
    "--test-suffix",
];

/// Judges a run of the tests.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::parse(&step.argv, VALUES);
    if command.args.has(&[
        "--help",
        "-h",
        "--version",
        "--list-tests",
        "--list-groups",
        "--list-suites",
        "--init",
    ]) {
        command.stops_early = Some(Stop::new("nothing-runs", "no test runs"));
        return Reading::command(command);
    }
    let Some(root) = project(step, world) else {
        // Tests of something else than a Laravel project: no database that could be known.
        return Reading::command(Command::new(None, step.clone()));
    };
    command.hints.push(("root", root.display().to_string()));
    command.hints.push(("tokens", step.argv.len().to_string()));
    command.hints.push(("uses", "main migrations".to_owned()));
    command.hints.push(("testing", "phpunit".to_owned()));
    if let Some(file) = command.args.value(&["-c", "--configuration"]) {
        let file = file.to_owned();
        command
            .hints
            .push(("phpunit-file", step.path(&file).display().to_string()));
    }
    command.actions.push(Action::new(
        "tests",
        Effect::Destroys,
        "tests that rebuild the database run migrate:fresh",
    ));
    judge(&mut command, &root, world);
    Reading::command(command)
}

/// The Laravel project around the working directory.
fn project(step: &Step, world: &World<'_>) -> Option<PathBuf> {
    step.cwd
        .ancestors()
        .take(6)
        .find(|dir| {
            world.files.is_file(&dir.join("bootstrap/app.php"))
                && world.files.is_file(&dir.join("artisan"))
        })
        .map(Path::to_owned)
}

/// Lowers the effect where no test rebuilds the database, and says what parallel runs do.
pub(super) fn judge(command: &mut Command, root: &Path, world: &World<'_>) {
    let paratest = command.step.program() == "paratest";
    if paratest
        || command
            .args
            .has(&["--parallel", "--recreate-databases", "--drop-databases"])
    {
        command.notes.push(
            "parallel tests create and drop databases named <database>_test_<n> beside it"
                .to_owned(),
        );
        return;
    }
    if command
        .hint("testing")
        .is_some_and(|t| t.starts_with("dusk"))
        || rebuilds(root, world)
    {
        return;
    }
    for action in &mut command.actions {
        if action.effect == Effect::Destroys {
            action.effect = Effect::Writes;
            action.why = "no test rebuilds the database; tests write to it".into();
        }
    }
}

/// Whether a file below `tests` names a trait or command that rebuilds the database.
fn rebuilds(root: &Path, world: &World<'_>) -> bool {
    const WORDS: &[&str] = &[
        "RefreshDatabase",
        "DatabaseMigrations",
        "DatabaseTruncation",
        "migrate:",
        "db:wipe",
        "db:seed",
        "truncate",
    ];
    let mut open = vec![root.join("tests")];
    let mut seen = 0;
    let mut any = false;
    while let Some(dir) = open.pop() {
        for name in world.files.list(&dir) {
            seen += 1;
            if seen > MAX_TESTS {
                return true;
            }
            let path = dir.join(&name);
            if name.ends_with(".php") {
                any = true;
                let text = world.files.read_text(&path);
                let rebuilds = |text: &String| WORDS.iter().any(|w| text.contains(w));
                if text.as_ref().map_or(true, rebuilds) {
                    return true;
                }
            } else if world.files.is_dir(&path) {
                open.push(path);
            }
        }
    }
    // No tests that could be read: nothing speaks against the worst.
    !any
}
