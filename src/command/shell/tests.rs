use proptest::prelude::*;

use super::*;
use crate::command::{Caller, Stdin};
use crate::environment::Vars;
use crate::files::Memory;
use crate::source::Source;

fn read_in(text: &str, dialect: Dialect, env: &[(&str, &str)], files: Memory) -> Reading {
    let mut vars = Vars::new();
    for (name, value) in env {
        vars.set(*name, value, Source::argument("test"));
    }
    let caller = Caller::default();
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let argv = ["bash".to_owned()];
    let step = Step::new(argv, vars, "/p".into());
    steps(text, dialect, &step, &world)
}

fn read(text: &str) -> Reading {
    let files = Memory::new()
        .with("/p/app/x", "")
        .with("/p/x.sql", "truncate t;")
        .with("/p/.env", "DB=prod # main\nexport HOST='h 1'\n");
    read_in(text, Dialect::Bash, &[("HOME", "/h"), ("DB", "dev")], files)
}

/// The starts of a script, a line each: `VAR=x program words <stdin @cwd`.
fn told(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for step in reading.steps.iter().filter(|s| s.program() != ">") {
        let words = step.argv.iter().map(|w| match &w.unknown {
            None => w.text.clone(),
            Some(_) => format!("?{}", w.text),
        });
        let mut line = words.collect::<Vec<_>>().join("|");
        match &step.stdin {
            Stdin::Text(text, _) => line.push_str(&format!(" <{text:?}")),
            Stdin::File(path) => line.push_str(&format!(" <{}", path.display())),
            Stdin::Unknown(_) => line.push_str(" <?"),
            Stdin::Null => line.push_str(" <null"),
            Stdin::Inherited | Stdin::Stream(_) | Stdin::Terminal => {}
        }
        lines.push(line);
    }
    if reading.command.is_some() {
        lines.push("opaque".to_owned());
    }
    lines
}

#[test]
fn starts_are_found_with_their_words() {
    let cases: &[(&str, &[&str])] = &[
        ("psql -c 'drop table t'", &["psql|-c|drop table t"]),
        (
            "psql -c \"drop \\\"t\\\"\" # psql x",
            &["psql|-c|drop \"t\""],
        ),
        ("p\\sql 'a'\"b\"$'\\x63\\n'", &["psql|abc\n"]),
        ("a && b || c; d & e | f", &["a", "b", "c", "d", "e", "f <?"]),
        ("if a; then b; else c; fi", &["a", "b", "c"]),
        (
            "while a; do b; done; until c\ndo d\ndone",
            &["a", "b", "c", "d"],
        ),
        ("for i in 1 2; do x $i; done", &["x|1", "x|2"]),
        ("case $DB in dev) a;; *) b;; esac", &["a"]),
        ("case $(q) in dev) a;; *) b;; esac", &["q", "a", "b"]),
        ("f() { x \"$1\"; }; f 'a b'", &["x|a b"]),
        ("function f { x \"$@\"; }; f a 'b c'", &["x|a|b c"]),
        ("(a; b) ; { c; }", &["a", "b", "c"]),
        ("x $(y `z`)", &["z", "y|?`z`", "x|?$(y `z`)"]),
        ("! time -p a", &["a"]),
        ("[[ $X == y && -f z ]] && a; (( i++ )) ; b", &["a", "b"]),
        (
            "exec a b; command c; builtin echo; command -v d",
            &["a|b", "c"],
        ),
        ("eval 'a \"b c\"'; trap 'd' EXIT", &["a|b c", "d"]),
        ("alias p='psql -h prod'; p x", &["psql|-h|prod|x", "p|x"]),
        ("coproc a; select x in 1; do b $x; done", &["a", "b|1"]),
        ("diff <(a) >(b)", &["a", "b <?", "diff|?<(a)|?>(b)"]),
        (
            "x 2>/dev/null >&2 {a,b} {} HEAD@{1}",
            &["x|a|b|{}|HEAD@{1}"],
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(told(&read(text)), *wanted, "{text}");
    }
}

#[test]
fn variables_are_known_where_they_are_literal() {
    let cases: &[(&str, &[&str])] = &[
        ("H=a; x $H \"$H\" ${H}b '$H'", &["x|a|a|ab|$H"]),
        ("x $DB ${DB:-q} ${Q:-q} $Q", &["x|dev|dev|q|?$Q"]),
        ("O='-h a -p 1'; x $O \"$O\"", &["x|-h|a|-p|1|-h a -p 1"]),
        (
            "A=(1 '2 3'); A+=(4); x \"${A[@]}\" ${A[0]}",
            &["x|1|2 3|4|1"],
        ),
        (
            "H=$(echo a); x $H; H=$(cat x.sql); x \"$H\"",
            &["x|a", "cat|x.sql", "x|truncate t;"],
        ),
        ("if q; then H=a; else H=b; fi; x $H", &["q", "x|?$H"]),
        ("if q; then H=a; else exit; fi; x $H", &["q", "x|a"]),
        ("[ -f .env ] && . ./.env; x $DB \"$HOST\"", &["x|prod|h 1"]),
        ("[ -f nope ] && . ./nope; x $DB", &["x|dev"]),
        (
            "read H; x $H; set -- 1 2; y $1 $#; shift; z $1",
            &["x|?$H", "y|1|2", "z|2"],
        ),
        ("while q; do H=$H.; x $H; done", &["q", "x|?$H"]),
        ("q && H=a; x ${H}", &["q", "x|?${H}"]),
        ("true && H=a; x ${H}", &["x|a"]),
        (
            "unset DB; x $DB; IFS=,; Y='a b'; z $Y",
            &["x|?$DB", "z|?$Y"],
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(told(&read(text)), *wanted, "{text}");
    }
}

#[test]
fn standard_input_is_followed() {
    let cases: &[(&str, &[&str])] = &[
        ("echo 'drop table t' | psql", &["psql <\"drop table t\\n\""]),
        ("printf '%s;' a b | psql", &["psql <\"a;b;\""]),
        ("cat x.sql | psql", &["cat|x.sql", "psql <\"truncate t;\""]),
        ("psql < x.sql", &["psql </p/x.sql"]),
        ("psql <<E\na $DB\nE\nb", &["psql <\"a dev\\n\"", "b"]),
        ("psql <<'E'\na $DB\nE", &["psql <\"a $DB\\n\""]),
        ("psql <<-E\n\ta\n\tE", &["psql <\"a\\n\""]),
        ("psql <<< \"a $DB\"", &["psql <\"a dev\\n\""]),
        ("(echo a; echo b) | psql", &["psql <\"a\\nb\\n\""]),
        ("curl x | sh", &["curl|x", "sh <?"]),
        (
            "mysqldump -h a x | mysql y",
            &[
                "mysqldump|-h|a|x",
                "mysql|y <\"DROP TABLE IF EXISTS `dumped_tables`;\\n\"",
            ],
        ),
        (
            "echo a > y.sql; psql -f y.sql < y.sql",
            &["psql|-f|?y.sql <?"],
        ),
        ("exec < x.sql; psql", &["psql </p/x.sql"]),
        ("{ psql; } < x.sql; psql", &["psql </p/x.sql", "psql"]),
    ];
    for (text, wanted) in cases {
        assert_eq!(told(&read(text)), *wanted, "{text}");
    }
}

#[test]
fn the_environment_of_a_program_follows_the_script() {
    let cases: &[(&str, Option<&str>, bool)] = &[
        ("DB=a x", Some("a"), false),
        ("DB=a; x", Some("a"), false),
        ("unset DB; x", None, false),
        ("(DB=a); x", Some("dev"), false),
        ("DB=a y; x", Some("dev"), false),
        ("set -a; . ./.env; x", Some("prod"), false),
        ("export DB=$(q); x", None, true),
        ("export PGPASSWORD=$(q); x", Some("dev"), false),
        ("q || export DB=a; x", None, true),
        ("a | DB=b; x", Some("dev"), false),
        ("declare -x DB=a; x", Some("a"), false),
        ("export -n DB; x", None, false),
        ("f() { export DB=a; }; f; x", Some("a"), false),
    ];
    for (text, wanted, open) in cases {
        let reading = read(text);
        let step = reading.steps.last().unwrap();
        assert_eq!(step.program(), "x", "{text}");
        assert_eq!(step.vars.text("DB").as_deref(), *wanted, "{text}");
        assert_eq!(step.vars_open.is_some(), *open, "{text}");
    }
}

#[test]
fn directories_are_followed() {
    for (text, cwd, known) in [
        ("cd app; x", "/p/app", true),
        ("(cd app); x", "/p", true),
        ("cd app && cd .. && x", "/p", true),
        ("cd $(q); x", "/p", false),
        ("cd nowhere; x", "/p/nowhere", false),
        ("cd nowhere || exit 1; x", "/p/nowhere", false),
        ("q && cd app; x", "/p/app", false),
    ] {
        let reading = read(text);
        let step = reading.steps.last().unwrap();
        assert_eq!(step.cwd.to_str(), Some(cwd), "{text}");
        assert_eq!(step.cwd_unknown.is_none(), known, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_opaque() {
    for text in [
        "psql 'x",
        "a &&",
        "if x; then",
        "a ) b",
        "eval $X",
        "eval \"$(q)\"",
        ". $X",
        "$(",
        "case x in",
        "f() {",
        "a | | b",
        "; a",
        "done",
        "x <<",
        "f() { f; }; f",
    ] {
        assert!(read(text).command.is_some(), "{text}");
    }
    let deep = format!("{}a{}", "( ".repeat(500), " )".repeat(500));
    assert!(read(&deep).command.is_some());
}

#[test]
fn functions_of_the_environment_stand_before_programs() {
    let env = [("BASH_FUNC_psql%%", "() { other \"$@\"; }")];
    let reading = read_in("psql x", Dialect::Bash, &env, Memory::new());
    assert_eq!(told(&reading), ["other|x"]);
    let reading = read_in("psql x", Dialect::Posix, &env, Memory::new());
    assert_eq!(told(&reading), ["psql|x"]);
}

#[test]
fn large_input_takes_time_in_proportion() {
    for part in [
        "$((",
        "$(",
        "`",
        "((",
        "\"$(",
        "${x:-",
        "a <<E\n",
        "x=(",
        "[[ ",
        "case x in a) ",
    ] {
        let text = part.repeat(1024 * 1024 / part.len() / 8);
        read(&text);
    }
    read(&"a b c;".repeat(100_000));
    read(&"A=b x\n".repeat(100_000));
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,200}") {
        for dialect in [Dialect::Posix, Dialect::Bash, Dialect::Zsh] {
            read_in(&text, dialect, &[], Memory::new());
        }
    }

    #[test]
    fn reading_shell_like_text_never_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", " ", "\n", ";", "&", "|", "(", ")", "{", "}", "$", "`", "'", "\"", "\\", "<",
                ">", "<<E", "E", "if ", "then ", "fi ", "for ", "in ", "do ", "done ", "case ",
                "esac ", "[[ ", "]] ", "((", "))", "${", "$(", "=", "é", "#", "!", "*", "x=",
            ]),
            0..60,
        )
    ) {
        let text = parts.concat();
        for dialect in [Dialect::Posix, Dialect::Bash] {
            read_in(&text, dialect, &[("a", "b")], Memory::new());
        }
    }
}
