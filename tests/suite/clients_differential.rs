//! The databases' own clients against real servers: which server and database was reached for
//! generated options, variables and files; and whether what was judged a read left the data alone.

use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use tagout::command::sql::{self, Dialect};
use tagout::command::{Caller, Effect, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Disk;
use tagout::source::{Source, SourceKind};
use tagout::target::{Address, Resolution, resolve};

use crate::servers::{MariaDb, Postgres};

const PSQL: &str = "/usr/lib/postgresql/15/bin/psql";

fn values<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    // Others than the usual ones, and more: `TAGOUT_SEED=7`.
    let seed: u8 = match std::env::var("TAGOUT_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => 0,
    };
    let count = if seed == 0 { count } else { count * 4 };
    if seed > 0 {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        runner = TestRunner::new_with_rng(proptest::test_runner::Config::default(), rng);
    }
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn resolved(argv: &[String], env: &[(String, String)], cwd: &Path) -> Resolution {
    let mut vars = Vars::new();
    for (name, value) in env {
        vars.set(
            name.clone(),
            value,
            Source::new(SourceKind::Inherited, "environment"),
        );
    }
    let caller = Caller {
        user: "root".into(),
        home: None,
        host: "here".into(),
    };
    let files = Disk::default();
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let step = Step::new(argv.iter().cloned(), vars, cwd.to_owned());
    let mut found = Resolution::none();
    for command in understand(step, &world) {
        found.merge(resolve(&command, &world));
    }
    found
}

/// Runs a client with only these variables; its standard output where it succeeded.
fn run(argv: &[String], env: &[(String, String)], cwd: &Path) -> Option<String> {
    let out = Command::new(&argv[0])
        .args(&argv[1..])
        .env_clear()
        .envs(env.iter().cloned())
        .current_dir(cwd)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

fn pick(items: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(items)
}

#[test]
fn psql_reaches_what_was_resolved() {
    let Some(server) = Postgres::start_on("127.0.0.1,127.0.0.2") else {
        return;
    };
    for name in ["a", "b", "app"] {
        server.sql("postgres", &format!("create database {name}"));
    }
    server.sql("postgres", "create role app superuser login");
    server.sql("postgres", "create role b superuser login");
    let home = tempfile::tempdir().unwrap();
    let port = server.port;
    std::fs::write(
        home.path().join(".pg_service.conf"),
        format!("# x\n[one]\nhost=127.0.0.2\nport={port}\ndbname=b\n[two]\nuser=app\ndbname=a\n"),
    )
    .unwrap();
    let words = || {
        pick(&[
            "-h 127.0.0.1",
            "-h 127.0.0.2",
            "--host=127.0.0.2",
            "--hos 127.0.0.1",
            "-p PORT",
            "-d a",
            "-U app",
            "--dbname=b",
            "-d host=127.0.0.2",
            "-d postgres://127.0.0.2/b",
            "-d postgres://app@/a?host=127.0.0.1",
            "-d service=one",
            "a",
            "b",
            "app",
            "-h SOCKET",
            "-d postgres://127.0.0.1:PORT,127.0.0.2:PORT/a",
            "-XAt",
            "-d postgresql://?service=two&host=127.0.0.1",
            "-d hostaddr=127.0.0.2",
            "-Uapp",
            "-h127.0.0.1",
        ])
    };
    let env = || {
        pick(&[
            "PGHOST=127.0.0.1",
            "PGHOST=127.0.0.2",
            "PGHOSTADDR=127.0.0.1",
            "PGHOSTADDR=127.0.0.2",
            "PGDATABASE=a",
            "PGDATABASE=b",
            "PGUSER=app",
            "PGUSER=b",
            "PGSERVICE=one",
            "PGSERVICE=two",
            "PGHOST=SOCKET",
            "PGHOST=",
            "PGDATABASE=",
            "POSIXLY_CORRECT=1",
        ])
    };
    let cases = values(
        (
            proptest::collection::vec(words(), 0..4),
            proptest::collection::vec(env(), 0..4),
        ),
        400,
    );
    let socket = server.dir.path().display().to_string();
    let fill = |text: &str| {
        text.replace("PORT", &port.to_string())
            .replace("SOCKET", &socket)
    };
    let query =
        "select coalesce(host(inet_server_addr()), 'socket'), current_database(), current_user";
    let mut reached = 0;
    for (words, env) in &cases {
        let mut argv = vec![PSQL.to_owned(), "-XAt".into(), "-c".into(), query.into()];
        argv.extend(words.iter().flat_map(|w| w.split(' ')).map(fill));
        let mut vars: Vec<(String, String)> = env
            .iter()
            .filter_map(|e| e.split_once('='))
            .map(|(name, value)| (name.to_owned(), fill(value)))
            .collect();
        vars.push(("HOME".into(), home.path().display().to_string()));
        vars.push(("PGPORT".into(), port.to_string()));
        let Some(answer) = run(&argv, &vars, home.path()) else {
            continue;
        };
        reached += 1;
        let found = resolved(&argv, &vars, home.path());
        let ours: Vec<String> = found
            .targets
            .iter()
            .map(|t| {
                let host = match &t.address {
                    Address::Host { host, hostaddr, .. } => {
                        hostaddr.as_ref().unwrap_or(host).value.clone()
                    }
                    _ => "socket".to_owned(),
                };
                let text =
                    |s: &Option<tagout::source::Sourced<String>>| s.as_ref().unwrap().value.clone();
                format!("{host}|{}|{}", text(&t.database), text(&t.user))
            })
            .collect();
        assert!(
            found.errors.is_empty() && found.gaps.is_empty(),
            "{argv:?} {vars:?} {found:?}"
        );
        assert!(
            ours.contains(&answer),
            "{argv:?} {vars:?}\n  ours {ours:?}\n  real {answer}"
        );
        let several = argv.iter().any(|w| w.contains(','));
        assert!(several || ours.len() == 1, "{argv:?} {ours:?}");
    }
    assert!(reached > 100, "only {reached} connected");
}

#[test]
fn mariadb_reaches_what_was_resolved() {
    let Some(server) = MariaDb::start() else {
        return;
    };
    for name in ["a", "b"] {
        server.sql("", &format!("create database {name}"));
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let socket = server.dir.path().join("mysqld.sock").display().to_string();
    let fill = |text: &str| {
        text.replace("PORT", &server.port.to_string())
            .replace("SOCKET", &socket)
    };
    std::fs::write(
        home.join("extra.cnf"),
        fill("[client]\nhost = 127.0.0.1\n[mysql_x]\ndatabase = a # y\n[client_x]\nprotocol=tcp\n"),
    )
    .unwrap();
    let own = [
        "",
        "[client]\nhost=127.0.0.1\n",
        "[mysql]\ndatabase=b\n[client]\nloose_nope=1\nprotocol=tcp\n",
        "[client-server]\nhost=\"localhost\"\n[other]\ndatabase=a\n",
        "[client]\nprotocol=socket\n!include extra.cnf\n",
    ];
    let first = || {
        pick(&[
            "",
            "",
            "--no-defaults",
            "--defaults-extra-file=extra.cnf",
            "--defaults-file=extra.cnf",
            "--defaults-group-suffix=_x",
        ])
    };
    let words = || {
        pick(&[
            "-h 127.0.0.1",
            "-h localhost",
            "-P PORT",
            "-S SOCKET",
            "--protocol=tcp",
            "--protocol=socket",
            "-D a",
            "b",
            "--database=b",
            "--hos=127.0.0.1",
            "--proto TCP",
            "-hlocalhost",
            "-PPORT",
            "--skip-ssl",
            "-A",
        ])
    };
    let env = || {
        pick(&[
            "MYSQL_HOST=127.0.0.1",
            "MYSQL_HOST=localhost",
            "MYSQL_HOST=",
            "MYSQL_GROUP_SUFFIX=_x",
            "MYSQL_TCP_PORT=PORT",
        ])
    };
    let cases = values(
        (
            0..own.len(),
            first(),
            proptest::collection::vec(words(), 0..5),
            proptest::collection::vec(env(), 0..3),
        ),
        300,
    );
    let query = "select host like '%:%', ifnull(database(), '-') from information_schema.processlist where id = connection_id()";
    let mut reached = 0;
    for (own_file, first, words, env) in &cases {
        std::fs::write(home.join(".my.cnf"), own[*own_file]).unwrap();
        let mut argv = vec!["mariadb".to_owned()];
        argv.extend((!first.is_empty()).then(|| (*first).to_owned()));
        argv.extend([
            "-u".into(),
            "root".into(),
            "-BN".into(),
            "-e".into(),
            query.into(),
        ]);
        argv.extend(words.iter().flat_map(|w| w.split(' ')).map(fill));
        let mut vars: Vec<(String, String)> = env
            .iter()
            .filter_map(|e| e.split_once('='))
            .map(|(name, value)| (name.to_owned(), fill(value)))
            .collect();
        vars.push(("HOME".into(), home.display().to_string()));
        vars.push(("PATH".into(), "/usr/bin:/bin".into()));
        if !vars.iter().any(|(n, _)| n == "MYSQL_TCP_PORT") {
            vars.push(("MYSQL_TCP_PORT".into(), server.port.to_string()));
        }
        vars.push(("MYSQL_UNIX_PORT".into(), socket.clone()));
        let Some(answer) = run(&argv, &vars, home) else {
            continue;
        };
        reached += 1;
        let found = resolved(&argv, &vars, home);
        let ours: Vec<String> = found
            .targets
            .iter()
            .map(|t| {
                let network = matches!(t.address, Address::Host { .. });
                let name = t.database.as_ref().map_or("-", |d| d.value.as_str());
                format!("{}\t{name}", i32::from(network))
            })
            .collect();
        assert!(
            found.errors.is_empty() && found.gaps.is_empty(),
            "{argv:?} {vars:?} {found:?}"
        );
        assert_eq!(ours, [answer], "{argv:?} {vars:?} {}", own[*own_file]);
    }
    assert!(reached > 60, "only {reached} connected");
}

/// Pieces that hide or reveal what stands between them.
fn pieces(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Mysql => &[
            "select 1",
            "select '",
            "'",
            "\"",
            "select \"",
            "/* ",
            " */",
            "/*! ",
            "/*M! ",
            "/*!99999 ",
            "# ",
            "-- ",
            "--",
            "\n",
            ";",
            "; ",
            "\\'",
            "`",
            "(",
            ")",
            " , ",
            " union select 2",
            "explain ",
            "analyze ",
            "1",
            " from t",
            "''",
            "with d as (select 1) ",
            " where i = 1",
            " where 1",
            " or 1=1",
            "set @x = 1",
        ],
        _ => &[
            "select 1",
            "select '",
            "'",
            "\"",
            "select \"",
            "/* ",
            " */",
            "$$",
            "$x$",
            "select $$",
            "select E'",
            "E'",
            "-- ",
            "--",
            "\n",
            ";",
            "; ",
            "\\'",
            "\\",
            "(",
            ")",
            " , ",
            " union select 2",
            "explain ",
            "explain analyze ",
            "1",
            " from t",
            "''",
            "with d as (",
            " returning *) select * from d",
            "with d as (select 1) ",
            " where i = 1",
            " where true",
            " or 1=1",
            "select U&'",
            "copy (",
            ") to stdout",
            "begin;",
            "commit;",
            "select count(*)",
        ],
    }
}

fn texts(dialect: Dialect, count: usize) -> Vec<String> {
    let harm = proptest::sample::select(
        &[
            "delete from t",
            "drop table t",
            "truncate t",
            "update t set i = 7",
        ][..],
    );
    let some = || proptest::collection::vec(pick(pieces(dialect)), 0..4);
    let text = (some(), harm, some())
        .prop_map(|(before, harm, after)| format!("{}{harm}{}", before.concat(), after.concat()));
    values(text, count)
}

#[test]
fn what_postgres_ran_was_no_read_where_data_changed() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let make = || {
        server.sql(
            "postgres",
            "drop table if exists t; create table t (i int); insert into t values (1), (2)",
        )
    };
    make();
    let place = [
        ("PGHOST".to_owned(), server.dir.path().display().to_string()),
        ("PGPORT".to_owned(), server.port.to_string()),
        ("PGUSER".to_owned(), "postgres".to_owned()),
    ];
    let (mut changed, mut reads, mut wiped) = (0, 0, 0);
    for text in texts(Dialect::Postgres, 700) {
        let probe = "select 'state', sum(i), count(*) from t";
        let argv: Vec<String> = [PSQL, "-XAt", "-c", &text, "-c", probe]
            .iter()
            .map(|w| (*w).to_owned())
            .collect();
        let same =
            run(&argv, &place, Path::new("/tmp")).is_some_and(|out| out.ends_with("state|3|2"));
        let effect = sql::judge(&text, Dialect::Postgres).effect();
        reads += usize::from(effect <= Effect::Reads);
        if !same {
            changed += 1;
            let argv = [PSQL, "-XAt", "-c", probe].map(str::to_owned);
            let left = run(&argv, &place, Path::new("/tmp"));
            let gone = left.is_none_or(|l| l.ends_with("state||0") || l.ends_with("state|14|2"));
            wiped += usize::from(gone);
            make();
            assert!(effect > Effect::Reads, "{text:?} was judged {effect:?}");
            assert!(
                !gone || effect >= Effect::Opaque,
                "{text:?} was judged {effect:?} and took all"
            );
        }
    }
    assert!(
        changed > 40 && reads > 10 && wiped > 30,
        "changed {changed}, reads {reads}, wiped {wiped}"
    );
}

#[test]
fn what_mariadb_ran_was_no_read_where_data_changed() {
    let Some(server) = MariaDb::start() else {
        return;
    };
    let make = || {
        server.sql("", "create or replace database x; use x; create table t (i int); insert into t values (1), (2)")
    };
    make();
    let socket = server.dir.path().join("mysqld.sock").display().to_string();
    let (mut changed, mut reads) = (0, 0);
    for text in texts(Dialect::Mysql, 700) {
        let argv: Vec<String> = [
            "mariadb",
            "--no-defaults",
            "-u",
            "root",
            "-S",
            &socket,
            "x",
            "-f",
            "-e",
            &text,
        ]
        .iter()
        .map(|w| (*w).to_owned())
        .collect();
        run(
            &argv,
            &[("PATH".into(), "/usr/bin:/bin".into())],
            Path::new("/tmp"),
        );
        let state = Command::new("mariadb")
            .args([
                "--no-defaults",
                "-u",
                "root",
                "-BN",
                "-S",
                &socket,
                "x",
                "-e",
                "select sum(i), count(*) from t",
            ])
            .output()
            .unwrap();
        let left = String::from_utf8_lossy(&state.stdout).trim().to_owned();
        let same = left == "3\t2";
        let effect = sql::mysql_script(&text).effect();
        reads += usize::from(effect <= Effect::Reads);
        if !same {
            changed += 1;
            make();
            assert!(effect > Effect::Reads, "{text:?} was judged {effect:?}");
            let gone = ["", "NULL\t0", "14\t2"].contains(&left.as_str());
            assert!(
                !gone || effect >= Effect::Opaque,
                "{text:?} was judged {effect:?} and took all"
            );
        }
    }
    assert!(
        changed > 40 && reads > 10,
        "changed {changed}, reads {reads}"
    );
}

/// Pieces of scripts: what only clients know, and what their own cutting of a text turns on.
fn script_pieces(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Mysql => &[
            "select 1;\n",
            "delimiter //\n",
            "//\n",
            "delimiter ;\n",
            "\\d //\n",
            "\\g ",
            "\\c ",
            "\\p ",
            "print ",
            "print '\n",
            "go ",
            "status\n",
            "tee /dev/null\n",
            "notee ",
            "use x\n",
            "use x;",
            "--",
            "-- '\n",
            "--\u{7f}'\n",
            "# \"\n",
            "set sql_mode='NO_BACKSLASH_ESCAPES';",
            "set sql_mode='ANSI_QUOTES';",
            "set @@sql_mode=1048576;",
            "set names gbk;",
            "set character set gbk;",
            "select '\u{3042}\\'",
            "select '\\'",
            "\\'",
            "'",
            "\"",
            "`",
            ";",
            "\n",
            "/*!50000 ",
            "/*!99999 ",
            "/*M! ",
            " */",
            "/*+ ",
            "/* ",
            "prepare s from '",
            "execute s;",
            "select ",
        ],
        Dialect::Sqlite => &[
            "select 1;\n",
            "select 1\n",
            "go\n",
            "/\n",
            " GO \n",
            ".echo off\n",
            ".print '\n",
            ".print \"\n",
            " .print x\n",
            ".mode list\n",
            "# x '\n",
            " # '\n",
            "-- '\n",
            "/* ",
            " */",
            "'",
            "\"",
            "`",
            "[",
            "]",
            ";",
            "\n",
            "select $a('); ",
            "select 1 where 1=:in(');",
            ") ",
            "select ",
            "explain ",
            "with d as (select 1) ",
            "begin;",
            "commit;",
            "create temp trigger r after insert on t begin ",
            "end;",
            ".parameter set :x ",
            ".param init\n",
        ],
        _ => &[
            "select 1;\n",
            "select 1 \\;",
            "\\g\n",
            "\\gx ",
            "\\gset\n",
            "\\gexec\n",
            "\\r\n",
            "\\p\n",
            "\\set x '; '\n",
            "\\set x 1\n",
            ":x",
            ":'x'",
            ":\"x\"",
            "\\if false\n",
            "\\else\n",
            "\\endif\n",
            "\\echo '\n",
            "\\echo \"\n",
            "\\pset bogus x \\\\ select '\n",
            "\\x \\\\ ",
            "\\nosuch ",
            "copy t from stdin;\n",
            "copy (select 1 from t as stdin) to stdout;\n",
            "\\copy t from stdin\n",
            "\\copy t from pstdin\n",
            "\\copy (select 1 from t as stdin) to stdout\n",
            "\\.\n",
            "\\.\r\n",
            "\\.\r\r\n",
            "3\n",
            "set standard_conforming_strings = off;",
            "set \"standard_conforming_strings\" to off;",
            "set backslash_quote = on;",
            "select E'a'\n'\\'",
            "select E'\\'",
            "select '\\'",
            "select U&'\\",
            "1$$",
            "$1$$",
            "a$$",
            "$$",
            "$a$",
            "-- \r",
            "-- '\n",
            "/* /* ",
            " */",
            "'",
            "\"",
            ";",
            "\n",
            "select ",
            "begin;",
            "commit;",
        ],
    }
}

/// Scripts with one destroying statement in them, on standard input of the client.
fn scripts(dialect: Dialect, count: usize) -> Vec<String> {
    let some = || proptest::collection::vec(pick(script_pieces(dialect)), 0..5);
    let harm = pick(&["delete from t", "drop table t", "update t set i = 7"]);
    let end = pick(&[
        ";\n",
        "; -- '\n",
        "; --\n",
        "\n",
        ";",
        "; -- \"\n",
        "; -- $$\n",
    ]);
    let text = (some(), harm, end, some()).prop_map(|(before, harm, end, after)| {
        [&before.concat(), harm, end, &after.concat()].concat()
    });
    values(text, count)
}

/// Gives `client` each text on its standard input and asks `state` afterwards; `make` puts the table
/// back. How many texts changed it, and how many were judged to read at most.
fn judged(
    texts: Vec<String>,
    judge: impl Fn(&str) -> Effect,
    mut client: impl FnMut(&str),
    intact: impl Fn() -> bool,
    make: impl Fn(),
) -> (usize, usize) {
    make();
    let (mut changed, mut reads) = (0, 0);
    let mut missed = Vec::new();
    for text in texts {
        let effect = judge(&text);
        reads += usize::from(effect <= Effect::Reads);
        client(&text);
        if intact() {
            continue;
        }
        changed += 1;
        make();
        // All of these take every row: less than opaque would be too little.
        if effect < Effect::Opaque {
            missed.push(format!("{effect:?} {text:?}"));
        }
    }
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
    (changed, reads)
}

fn fed(command: &mut Command, text: &str) -> String {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A client may be gone before it has read all.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn scripts_that_psql_ran_were_not_taken_for_less() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let psql = || {
        let mut psql = Command::new(PSQL);
        psql.args(["-XAtq"]).env_clear().current_dir("/tmp");
        psql.env("PGHOST", server.dir.path())
            .env("PGUSER", "postgres");
        psql.env("PGPORT", server.port.to_string());
        psql
    };
    let (changed, reads) = judged(
        scripts(Dialect::Postgres, 300),
        |text| sql::psql_script(text, &[]).effect(),
        |text| drop(fed(&mut psql(), text)),
        || {
            fed(
                &mut psql(),
                "select sum(i) filter (where i < 3), min(i) from t",
            ) == "3|1\n"
        },
        || {
            drop(fed(
                &mut psql(),
                "drop table if exists t; create table t (i int); insert into t values (1), (2);",
            ))
        },
    );
    assert!(
        changed > 60 && reads > 3,
        "changed {changed}, reads {reads}"
    );
}

#[test]
fn scripts_that_mariadb_ran_were_not_taken_for_less() {
    let Some(server) = MariaDb::start() else {
        return;
    };
    let mariadb = || {
        let mut mariadb = Command::new("mariadb");
        mariadb.args(["--no-defaults", "-u", "root", "-BNf", "-S"]);
        mariadb.arg(server.dir.path().join("mysqld.sock")).arg("x");
        mariadb.env("PATH", "/usr/bin:/bin").current_dir("/tmp");
        mariadb
    };
    server.sql("", "create database x");
    let (changed, reads) = judged(
        scripts(Dialect::Mysql, 500),
        |text| sql::mysql_script(text).effect(),
        |text| drop(fed(&mut mariadb(), text)),
        || fed(&mut mariadb(), "select sum(i), count(*) from t") == "3\t2\n",
        || {
            drop(fed(
                &mut mariadb(),
                "create or replace table t (i int); insert into t values (1), (2);",
            ))
        },
    );
    assert!(
        changed > 60 && reads > 3,
        "changed {changed}, reads {reads}"
    );
}

#[test]
fn scripts_that_sqlite_ran_were_not_taken_for_less() {
    if crate::support::needs("sqlite3").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let sqlite = || {
        let mut sqlite = Command::new("sqlite3");
        sqlite.args(["-batch", "t.db"]).current_dir(dir.path());
        sqlite.env("HOME", dir.path());
        sqlite
    };
    let (changed, reads) = judged(
        scripts(Dialect::Sqlite, 400),
        |text| sql::sqlite_script(text).effect(),
        |text| drop(fed(&mut sqlite(), text)),
        || fed(&mut sqlite(), "select sum(i), count(*) from t;") == "3|2\n",
        || {
            drop(fed(
                &mut sqlite(),
                "drop table if exists t; create table t(i); insert into t values(1),(2);",
            ))
        },
    );
    assert!(
        changed > 60 && reads > 3,
        "changed {changed}, reads {reads}"
    );
}

#[test]
fn archives_say_which_database_they_create() {
    let Some(server) = Postgres::start() else {
        return;
    };
    server.sql("postgres", "create database vic");
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let place = [
        ("PGHOST".to_owned(), server.dir.path().display().to_string()),
        ("PGPORT".to_owned(), server.port.to_string()),
        ("PGUSER".to_owned(), "postgres".to_owned()),
    ];
    let words = |words: &[&str]| -> Vec<String> { words.iter().map(|w| (*w).to_owned()).collect() };
    for format in ["-Fc", "-Ft", "-Fd"] {
        let file = at(&format[2..]);
        let dump = PSQL.replace("psql", "pg_dump");
        run(
            &words(&[&dump, format, "-f", &file, "vic"]),
            &place,
            dir.path(),
        )
        .unwrap();
        let restore = words(&["pg_restore", "-C", "-c", "-d", "postgres", &file]);
        let found = resolved(&restore, &place, dir.path());
        let names = found.targets.iter().filter_map(|t| t.database.as_ref());
        let names: Vec<&str> = names.map(|d| d.value.as_str()).collect();
        assert_eq!(names, ["postgres", "vic"], "{format} {found:?}");
        assert!(found.gaps.is_empty(), "{format} {found:?}");
    }
}
