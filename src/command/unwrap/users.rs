//! Wrappers that change the user: `sudo`, `doas`, `su`, `runuser`.

use super::environment::{options_end, set};
use super::{nothing, script_step};
use crate::command::{Args, Reading, Step, Tool, Word};
use crate::environment::Vars;
use crate::source::Source;

/// Variables that sudo lets through by itself (`env_keep` as shipped), apart from `LC_*`.
const KEPT: &[&str] = &[
    "TERM",
    "DISPLAY",
    "XAUTHORITY",
    "LANG",
    "LANGUAGE",
    "TZ",
    "COLORTERM",
    "LS_COLORS",
    "PS1",
    "PS2",
    "KRB5CCNAME",
    "XDG_CURRENT_DESKTOP",
    "PATH",
];

/// `sudo` and `doas`.
pub(super) fn sudo(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let options = step.argv.get(..end).unwrap_or(&step.argv);
    let args = Args::parse(options, tool.value_options);
    if args.has(tool.data("no-command")) {
        return nothing(tool, step, args);
    }
    let mut inner = step.clone();
    let user = args.value(&["-u", "--user"]).unwrap_or("root").to_owned();
    if !args.has(&["-E"]) && !keeps_all(&args) {
        let listed: Vec<&str> = args
            .options
            .iter()
            .filter(|o| o.name == "--preserve-env")
            .filter_map(|o| o.value.as_deref())
            .flat_map(|v| v.split(','))
            .collect();
        inner.vars = filtered(&step.vars, |name| {
            KEPT.contains(&name) || name.starts_with("LC_") || listed.contains(&name)
        });
    }
    become_user(&mut inner, &user, tool.name);
    if let Some(dir) = args.value(&["-D", "--chdir"]) {
        inner.cwd = step.path(dir);
    }
    let mut at = end;
    while let Some(word) = step.argv.get(at) {
        if !set(&mut inner, word) {
            break;
        }
        at += 1;
    }
    let rest = step.argv.get(at..).unwrap_or(&[]);
    let login = args.has(&["-i", "--login"]);
    let shell = login || args.has(&["-s", "--shell"]);
    if login {
        inner.vars_open = Some(format!("`{} -i` starts a login shell", tool.name));
        home_as_directory(&mut inner);
    }
    match (rest.is_empty(), shell) {
        (true, false) => nothing(tool, step, args),
        (true, true) => Reading::steps(vec![
            inner
                .with_argv(vec![Word::literal("sh")])
                .through(tool.name),
        ]),
        // Each word is escaped for the shell, so that it stays one word.
        (false, _) => Reading::steps(vec![inner.with_argv(rest.to_vec()).through(tool.name)]),
    }
}

/// `--preserve-env` without a list.
fn keeps_all(args: &Args) -> bool {
    args.options
        .iter()
        .any(|o| o.name == "--preserve-env" && o.value.is_none())
}

fn filtered(vars: &Vars, keep: impl Fn(&str) -> bool) -> Vars {
    let mut out = vars.clone();
    let dropped: Vec<String> = vars
        .iter()
        .map(|(name, _)| name.to_owned())
        .filter(|name| !keep(name))
        .collect();
    for name in dropped {
        out.unset(&name);
    }
    out
}

fn become_user(step: &mut Step, user: &str, by: &str) {
    let source = || Source::argument(by);
    for name in ["USER", "LOGNAME"] {
        step.vars.set(name, user, source());
    }
    match home_of(user) {
        Some(home) => step.vars.set("HOME", home, source()),
        None => step.vars.unset("HOME"),
    }
    step.user = Some(user.to_owned());
}

/// Homes that are the same on all usual systems.
fn home_of(user: &str) -> Option<&'static str> {
    match user {
        "root" => Some("/root"),
        "postgres" => Some("/var/lib/postgresql"),
        _ => None,
    }
}

fn home_as_directory(step: &mut Step) {
    match step.vars.text("HOME").map(|h| h.into_owned()) {
        Some(home) => {
            step.cwd = home.into();
            step.cwd_unknown = None;
        }
        None => step.cwd_unknown = Some("the other user's home directory".to_owned()),
    }
}

/// `su` and `runuser`.
pub(super) fn su(tool: &'static Tool, step: &Step) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    if args.has(&["--help", "--version", "-h", "-V"]) {
        return nothing(tool, step, args);
    }
    let mut operands: Vec<Word> = args.operands.iter().map(|(_, w)| w.clone()).collect();
    let login = args.has(&["-l", "--login"]) || operands.first().is_some_and(|w| w.text == "-");
    operands.retain(|w| w.text != "-");
    let direct = args.value(&["-u", "--user"]).map(str::to_owned);
    let by_option = direct.is_some();
    let user = match direct {
        Some(user) => user,
        None if operands.is_empty() => "root".to_owned(),
        None => operands.remove(0).text,
    };
    let mut inner = step.clone().through(tool.name);
    if login {
        let kept: Vec<&str> = args
            .value(&["-w", "--whitelist-environment"])
            .map(|v| v.split(',').collect())
            .unwrap_or_default();
        inner.vars = filtered(&step.vars, |n| n == "TERM" || kept.contains(&n));
        inner.vars_open = Some(format!("`{} -` starts a login shell", tool.name));
    }
    if login || !args.has(&["-m", "-p", "--preserve-environment"]) {
        become_user(&mut inner, &user, tool.name);
    }
    inner.user = Some(user);
    if login {
        home_as_directory(&mut inner);
    }
    if by_option {
        return match operands.is_empty() {
            true => nothing(tool, step, args),
            false => Reading::steps(vec![inner.with_argv(operands)]),
        };
    }
    let shell = args.value(&["-s", "--shell"]).unwrap_or("sh").to_owned();
    let text = args.last(&["-c", "--command", "--session-command"]);
    match text {
        Some(text) => {
            let word = Word {
                text: text.value.clone().unwrap_or_default(),
                unknown: text.unknown.clone(),
            };
            let mut next = script_step(&inner, &shell, word);
            next.argv.extend(operands);
            Reading::steps(vec![next])
        }
        None => {
            let mut argv = vec![Word::literal(shell)];
            argv.extend(operands);
            Reading::steps(vec![inner.with_argv(argv)])
        }
    }
}
