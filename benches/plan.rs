//! How many command lines a second are judged on one core, where no file is touched: by `plan`, which
//! builds profile and environment for each, by `Prepared::plan`, which has them, and of that the
//! understanding alone. Seconds are those that the process itself computed.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a benchmark measures and says what it measured"
)]

use std::ffi::OsString;
use std::path::Path;

use tagout::command::{Caller, Effect, Stdin, Step, World, understand};
use tagout::config::Config;
use tagout::environment::Vars;
use tagout::files::Memory;
use tagout::plan::{Prepared, Request, Scene, plan};
use tagout::source::Source;

const LINES: usize = 100_000;

/// A caller's environment of ordinary size.
const ENVIRON: &[&str] = &[
    "PATH=/usr/bin",
    "HOME=/home/u",
    "LANG=C.UTF-8",
    "USER=u",
    "LOGNAME=u",
    "SHELL=/bin/bash",
    "TERM=xterm-256color",
    "TZ=UTC",
    "PWD=/srv/app",
    "OLDPWD=/srv",
    "SHLVL=2",
    "EDITOR=vi",
    "SSH_AUTH_SOCK=/run/agent",
    "DATABASE_URL=postgres://app@db/shop",
    "PGHOST=db",
    "AWS_PROFILE=shop",
    "XDG_RUNTIME_DIR=/run/user/1000",
    "LS_COLORS=di=01;34",
    "HISTSIZE=1000",
    "PAGER=less",
];

/// Words of ordinary days, a few of bad ones.
const KINDS: &[&[&str]] = &[
    &["git", "commit", "-m", "DROP TABLE users"],
    &["npm", "run", "build"],
    &["grep", "-rn", "drop_table", "app"],
    &[
        "psql",
        "-X",
        "-h",
        "db",
        "-c",
        "select count(*) from users",
        "shop",
    ],
    &["sudo", "-u", "postgres", "dropdb", "shop"],
    &["sh", "-c", "cd /tmp && ls -la | grep x"],
    &["bash", "-c", "for i in a b; do echo \"$i\"; done"],
    &[
        "docker",
        "compose",
        "exec",
        "-T",
        "db",
        "psql",
        "-c",
        "truncate users",
    ],
    &["kubectl", "get", "pods", "-A"],
    &["terraform", "plan"],
    &["cargo", "test", "users"],
    &["aws", "rds", "describe-db-instances"],
    &["timeout", "60", "diesel", "migration", "run"],
    &["env", "A=b", "C=d", "node", "server.js"],
    &["ssh", "web1", "uptime"],
    &["systemctl", "status", "postgresql"],
];

/// Seconds that this process computed so far, itself only: the kernel's share and the time in which
/// others had the core do not count.
fn computed() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or("");
    let ticks = after.split_whitespace().nth(11);
    ticks.and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0) / 100.0
}

fn main() {
    let files = Memory::new();
    let caller = Caller::default();
    let environ: Vec<OsString> = ENVIRON.iter().map(Into::into).collect();
    let config = Config::default();
    let scene = Scene {
        environ: &environ,
        cwd: Path::new("/srv/app"),
        caller: &caller,
        config: &config,
        files: &files,
        stdin: &Stdin::Inherited,
        probe: None,
    };
    let prepared =
        Prepared::new(&Request::default(), scene).expect("the built-in profiles are right");
    let mut refused = 0usize;
    let before = computed();
    for number in 0..LINES {
        let Some(words) = KINDS.get(number % KINDS.len()) else {
            continue;
        };
        let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        let plan = prepared.plan(&argv, scene);
        refused += usize::from(!plan.verdict.is_allowed());
    }
    said("prepared", before, refused);

    let before = computed();
    let mut refused = 0usize;
    for number in 0..LINES {
        let Some(words) = KINDS.get(number % KINDS.len()) else {
            continue;
        };
        let request = Request {
            argv: words.iter().map(OsString::from).collect(),
            ..Request::default()
        };
        let plan = plan(&request, scene).expect("the built-in profiles are right");
        refused += usize::from(!plan.verdict.is_allowed());
    }
    said("plan", before, refused);

    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let mut vars = Vars::new();
    for entry in ENVIRON {
        let (name, value) = entry.split_once('=').expect("NAME=value");
        vars.set(name, value, Source::argument("bench"));
    }
    let before = computed();
    let mut raised = 0usize;
    for number in 0..LINES {
        let Some(words) = KINDS.get(number % KINDS.len()) else {
            continue;
        };
        let argv = words.iter().map(|w| (*w).to_owned());
        let step = Step::new(argv, vars.clone(), "/srv/app".into());
        let worst = understand(step, &world)
            .iter()
            .map(tagout::command::Command::effect)
            .max();
        raised += usize::from(worst > Some(Effect::ChangesSchema));
    }
    said("understand", before, raised);
}

fn said(what: &str, before: f64, raised: usize) {
    let seconds = computed() - before;
    println!(
        "{what:<12}{LINES} lines in {seconds:.2} s of the core: {:.0} lines/s; {raised} raised",
        LINES as f64 / seconds
    );
}
