use proptest::prelude::*;

use super::*;

fn effect(text: &str, dialect: Dialect) -> Effect {
    judge(text, dialect).effect()
}

#[test]
fn reads_are_reads() {
    use Dialect::{Mysql, Postgres, Sqlite, Sqlserver};
    for (dialect, text) in [
        (Postgres, "select 1"),
        (Postgres, "SELECT 'please do not DROP TABLE'"),
        (Postgres, "select $x$ ; truncate t; $x$"),
        (Postgres, "/* a /* b */ truncate t; */ select 1"),
        (
            Postgres,
            "select count(*), max(a), to_char(now(), 'YYYY') from t where b in (1,2) group by c having count(*) > 1",
        ),
        (
            Postgres,
            "with r(a, b) as (select 1, 2), v(x) as (select 3) select * from r join v on true",
        ),
        (
            Postgres,
            "select t.update, replace(a, 'b', 'c'), x as \"delete\" from t; -- drop table t",
        ),
        (Postgres, "select * from (values (1, 2)) v(a, b) order by 1"),
        (
            Postgres,
            "explain delete from t; show all; begin; select 1; commit",
        ),
        (
            Postgres,
            "select E'\\'; drop table t; --', U&'x''; drop table y'",
        ),
        (
            Postgres,
            "set search_path = x; set statement_timeout to '5s'",
        ),
        (
            Postgres,
            "select pg_catalog.set_config('search_path', '', false)",
        ),
        (Postgres, "(select 1) union (select 2)"),
        (Postgres, "copy (select * from t) to stdout"),
        (Postgres, "table t"),
        (Mysql, "select \"; truncate t;\""),
        (Mysql, "select 'it\\'s; drop table t'"),
        (Mysql, "select 1 # ; drop table t\n"),
        (Mysql, "show tables; describe t; explain delete from t"),
        (Mysql, "select a from t lock in share mode"),
        (
            Mysql,
            "select @x := 1, if(a, b, c), concat(`drop`, 'x') from t",
        ),
        (Sqlite, "select * from [drop table]; pragma table_info(t)"),
        (
            Sqlserver,
            "select top (5) [delete] from dbo.t with (nolock)",
        ),
        (Sqlserver, "exec sp_help 't'"),
    ] {
        assert_eq!(effect(text, dialect), Effect::Reads, "{dialect:?} {text}");
    }
}

#[test]
fn nothing_hides_from_the_reader() {
    use Dialect::{Clickhouse, Mysql, Postgres, Sqlite, Sqlserver};
    use Effect::{ChangesSchema, Destroys, Opaque, Stops, Writes};
    for (dialect, text, expected) in [
        (Postgres, "drop schema public cascade", Destroys),
        (Postgres, "delete from t", Destroys),
        (Postgres, "delete from t where true", Destroys),
        (Postgres, "delete from t where 1=1 or id = 3", Destroys),
        (Postgres, "delete from t where (id = 3 or (1=1))", Destroys),
        (Postgres, "delete from t where id = id", Destroys),
        (Postgres, "delete from t where i=1", Writes),
        (
            Postgres,
            "delete from t where (a = 1 or b = 2) and c between 1 and 5 returning *",
            Writes,
        ),
        (Postgres, "update t set i=9 where i=1", Writes),
        (Postgres, "update t set i=9", Destroys),
        (Postgres, "update t set i=(select 1 where x=1)", Destroys),
        (
            Postgres,
            "with d as (delete from t returning *) select * from d",
            Destroys,
        ),
        (
            Postgres,
            "with d as (delete from t where id=1 returning *) select * from d",
            Writes,
        ),
        (Postgres, "with x as (select 1) delete from t", Destroys),
        (
            Postgres,
            "with x as (select 1) insert into t select * from x",
            Writes,
        ),
        (
            Postgres,
            "with d as (delete from t) insert into u select * from d",
            Destroys,
        ),
        (
            Postgres,
            "insert into u with d as (delete from t returning *) select * from d",
            Destroys,
        ),
        (Postgres, "explain analyze delete from t", Destroys),
        (
            Postgres,
            "explain (analyze, costs off) delete from t",
            Destroys,
        ),
        (Postgres, "explain (costs off) delete from t", Effect::Reads),
        (Postgres, "select '\\'; truncate t; --'", Destroys),
        (Postgres, "do $$ begin null; end $$", Opaque),
        (Postgres, "call p()", Opaque),
        (Postgres, "execute s", Opaque),
        (Postgres, "select my_cleanup()", Opaque),
        (Postgres, "select public.count(1)", Opaque),
        (
            Postgres,
            "select dblink_exec('host=x', 'drop table t')",
            Opaque,
        ),
        (Postgres, "select pg_terminate_backend(1)", Stops),
        (Postgres, "select nextval('s')", Writes),
        (Postgres, "select * into x from t", ChangesSchema),
        (Postgres, "select * from t for update", Writes),
        (Postgres, "copy t from program 'rm -rf /'", Opaque),
        (Postgres, "copy t from stdin", Writes),
        (
            Postgres,
            "copy (delete from t returning *) to stdout",
            Destroys,
        ),
        (Postgres, "alter table t drop column i", Destroys),
        (Postgres, "alter table t drop constraint c", ChangesSchema),
        (Postgres, "alter table t add column j int", ChangesSchema),
        (Postgres, "alter table t alter column j type int", Destroys),
        (Postgres, "create table x (i int)", ChangesSchema),
        (
            Postgres,
            "create index on t(i); drop index i",
            ChangesSchema,
        ),
        (Postgres, "drop view v", ChangesSchema),
        (Postgres, "drop materialized view v", Destroys),
        (Postgres, "set standard_conforming_strings = off", Opaque),
        (Postgres, "select 'unterminated", Opaque),
        (Postgres, "select 1 /* unterminated", Opaque),
        (Postgres, "selec 1", Opaque),
        (Postgres, "select \0", Opaque),
        (Mysql, "/*!50000 truncate t */", Destroys),
        (Mysql, "/*M! truncate t */", Destroys),
        (Mysql, "/*M!100100 truncate t */", Destroys),
        (Mysql, "/*!99999999 truncate t */", Destroys),
        (Mysql, "delete from t /*!99999 where id=1 */", Destroys),
        (Mysql, "/*! select ' */ ; drop table t; -- '", Opaque),
        (Mysql, "select 5--1; truncate t", Destroys),
        (Mysql, "create or replace table t(i int)", Destroys),
        (Mysql, "delete from t where id=1 || 1", Destroys),
        (
            Mysql,
            "delete a from a join b on a.i=b.i where b.x=1",
            Destroys,
        ),
        (Mysql, "analyze delete from t", Destroys),
        (Mysql, "set @a='x'; prepare s from @a; execute s", Opaque),
        (
            Mysql,
            "set statement max_statement_time=1 for truncate t",
            Destroys,
        ),
        (Mysql, "set sql_mode='ANSI_QUOTES'", Opaque),
        (Mysql, "set sql_mode='NO_AUTO_VALUE_ON_ZERO'", Effect::Reads),
        (Mysql, "rename table a to b", Destroys),
        (Mysql, "replace into t values (1)", Destroys),
        (Mysql, "flush tables with read lock", Stops),
        (Mysql, "begin not atomic drop table t; end", Opaque),
        (Sqlite, "select writefile('prod.db','x')", Destroys),
        (Sqlite, "pragma user_version = 3", Writes),
        (Sqlserver, "select 1 drop table t", Destroys),
        (Sqlserver, "if exists (select 1) drop database x", Destroys),
        (Sqlserver, "exec('drop table t')", Opaque),
        (Sqlserver, "drop database app", Destroys),
        (Clickhouse, "alter table t delete where id = 1", Destroys),
        (Clickhouse, "system shutdown", Stops),
    ] {
        assert_eq!(effect(text, dialect), expected, "{dialect:?} {text}");
    }
}

#[test]
fn psql_commands_are_found_anywhere() {
    use Effect::{Destroys, Opaque, Reads, Writes};
    for (text, expected) in [
        ("select 1 \\g\ndrop table t\\g", Destroys),
        ("select 'truncate t'\\gexec", Opaque),
        ("\\! rm -rf /", Opaque),
        ("\\set x `id`\nselect 1;", Opaque),
        ("select 1 \\; truncate t;", Destroys),
        ("truncate :\"tbl\";", Destroys),
        ("select :x;", Opaque),
        ("select :'x', a::text from t;", Reads),
        ("\\copy t from program 'echo 7'", Opaque),
        ("\\copy t from 'f.csv'", Writes),
        ("\\copy (select 1) to 'f.csv'", Reads),
        ("copy t from stdin;\ndrop table x;\n\\.\nselect 1;", Writes),
        ("\\d+ t\n\\timing on\nselect 1;", Reads),
        // What `\if` leaves out takes no data.
        (
            "\\if false\ncopy t from stdin;\n\\endif\ndrop table t;\n\\.\n",
            Destroys,
        ),
        (
            "copy (select 1 from t as stdin) to stdout;\ndrop table t;\n",
            Destroys,
        ),
        (
            "\\copy (select 1 from stdin) to stdout\ndrop table t;\n",
            Destroys,
        ),
        ("\\copy t from pstdin\ndrop table t;\n", Destroys),
        (
            "copy t from stdin;\n1\n\\.\r\r\n'\n\\.\ndrop table t; --'\n",
            Destroys,
        ),
        // An error takes the rest of its line with it, an open quote included.
        ("\\pset bogus x \\\\ select '\ndrop table t; --'\n", Opaque),
        ("select 1 \\g | sh", Opaque),
        ("\\nosuch", Opaque),
        ("selec;\ntruncate t;\n", Destroys),
        ("delete from t \\p\n where id=1;", Writes),
    ] {
        assert_eq!(psql_script(text, &[]).effect(), expected, "{text}");
    }
    let switches = psql_script("\\c - - 127.0.0.2\n\\ir sub/b.sql\n\\c :db\n", &[]);
    assert_eq!(
        switches.events,
        [
            Event::Reach(Reach::Connection("\\connect\n-\n-\n127.0.0.2".into())),
            Event::Include {
                path: "sub/b.sql".into(),
                beside: true
            },
            Event::Reach(Reach::Unknown(
                "\\connect with a value that is not known here".into()
            )),
        ]
    );
}

#[test]
fn mysql_commands_are_found_where_the_client_looks() {
    use Effect::{Destroys, Opaque, Reads};
    for (text, expected) in [
        ("select 1\\g truncate t\\g", Destroys),
        ("delimiter //\ntruncate t//\n", Destroys),
        ("delimiter $$\nselect 1$$ drop table t$$", Destroys),
        ("use shop; select 1", Reads),
        ("\\! id", Opaque),
        ("system id", Opaque),
        ("select 1; pager less", Opaque),
        ("/*M!999999\\- enable the sandbox mode */\nselect 1;", Reads),
    ] {
        assert_eq!(mysql_script(text).effect(), expected, "{text}");
    }
    let reading = mysql_script("connect shop 127.0.0.2;\nuse x; truncate vic.t; source f.sql");
    assert_eq!(
        reading.events,
        [
            Event::Reach(Reach::Connection("connect\nshop\n127.0.0.2".into())),
            Event::Reach(Reach::Database("x".into())),
            Event::Reach(Reach::Database("vic".into())),
            Event::Include {
                path: "f.sql".into(),
                beside: false
            },
        ]
    );
}

#[test]
fn sqlite_and_sqlcmd_lines_are_commands() {
    for (text, expected) in [
        (".tables\nselect 1;", Effect::Reads),
        (".restore dev.db", Effect::Destroys),
        (".sh id", Effect::Opaque),
        (".nosuch", Effect::Opaque),
        (".read |sh", Effect::Opaque),
    ] {
        assert_eq!(sqlite_script(text).effect(), expected, "{text}");
    }
    let attached = sqlite_script("attach 'prod.db' as p; delete from p.t");
    assert_eq!(attached.effect(), Effect::Destroys);
    assert_eq!(
        attached.events,
        [Event::Reach(Reach::Connection("prod.db".into()))]
    );
    assert_eq!(
        sqlcmd_script("select 1\nGO\ndrop table t\nGO").effect(),
        Effect::Destroys
    );
    assert_eq!(sqlcmd_script("!! dir").effect(), Effect::Opaque);
    assert_eq!(sqlcmd_script("select '$(x)'").effect(), Effect::Reads);
}

#[test]
fn a_statement_is_said_with_its_line() {
    let reading = judge("select 1;\n\n  drop table t;", Dialect::Postgres);
    assert_eq!(reading.statements[1].line, 3);
    assert_eq!(reading.statements[1].name, "DROP TABLE");
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in "(\\PC|[\\\\'\"$();:.\\n/*!-])*") {
        for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite, Dialect::Sqlserver, Dialect::Clickhouse, Dialect::Generic] {
            let _ = judge(&text, dialect);
        }
        let _ = psql_script(&text, &[]);
        let _ = mysql_script(&text);
        let _ = sqlite_script(&text);
        let _ = sqlcmd_script(&text);
    }

    #[test]
    fn words_of_sql_in_any_order_are_judged(words in proptest::collection::vec(
        prop_oneof![Just("select"), Just("delete"), Just("from"), Just("t"), Just("where"), Just("("), Just(")"),
            Just("or"), Just("and"), Just("="), Just("1"), Just("with"), Just("as"), Just(";"), Just("explain"),
            Just("analyze"), Just("drop"), Just("'x'"), Just(","), Just("."), Just("set"), Just("copy")], 0..40)) {
        let text = words.join(" ");
        for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlserver] {
            let _ = judge(&text, dialect);
        }
    }
}

/// Texts whose quotes and comments end elsewhere than a reader of another dialect, version or
/// setting would think: what is behind them runs.
#[test]
fn what_only_seems_to_stand_in_quotes_is_found() {
    use Dialect::{Mysql, Postgres, Sqlite};
    use Effect::{Destroys, Opaque, Reads};
    for (dialect, text, expected) in [
        (Postgres, "select 1 -- \r; drop table t", Destroys),
        (Postgres, "select E'a'\n'\\''; drop table t; --'", Destroys),
        (
            Postgres,
            "select E'a' -- b\n -- '\n'\\''; drop table t; --'",
            Destroys,
        ),
        (Postgres, "select E'a'\n'\\'; drop table t; --'", Reads),
        (Postgres, "select 1$$'$$; drop table t; --'", Destroys),
        (Postgres, "select 1E'\\''; drop table t; --'", Opaque),
        (
            Postgres,
            "set \"standard_conforming_strings\" = off; select '\\''; drop table t; --'",
            Opaque,
        ),
        (Postgres, "set client_encoding to sjis", Opaque),
        (Postgres, "set client_encoding = 'UTF8'", Reads),
        (
            Postgres,
            "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
            Opaque,
        ),
        (Mysql, "set `sql_mode` = 'NO_BACKSLASH_ESCAPES'", Opaque),
        (Mysql, "set sql_mode = 1048576", Opaque),
        (Mysql, "set @@sql_mode = concat('ANSI', '_QUOTES')", Opaque),
        (
            Mysql,
            "set @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO'",
            Reads,
        ),
        (Mysql, "set character set gbk", Opaque),
        (Mysql, "set names utf8mb4 collate utf8mb4_bin", Reads),
        (Mysql, "/*!99999 -- */; drop table t", Opaque),
        (Mysql, "select 1 --\x7f'\n; drop table t; -- '", Destroys),
        (
            Sqlite,
            "select 1 where 1=:in('); drop table t; --')",
            Opaque,
        ),
    ] {
        assert_eq!(effect(text, dialect), expected, "{dialect:?} {text}");
    }
    type Reader = fn(&str) -> SqlReading;
    let scripts: [(Reader, &str, Effect); 9] = [
        (
            mysql_script,
            "print select '\n; drop table t; -- '\n",
            Opaque,
        ),
        (
            mysql_script,
            "select 1; print '\nselect '; drop table t; -- '\n",
            Destroys,
        ),
        (mysql_script, "use `x`; status\nselect 1;", Reads),
        (sqlite_script, "select 1\n / \ndrop table t;\n", Destroys),
        (sqlite_script, "select 1\nGO\n.shell id\n", Opaque),
        (sqlite_script, ".import \"\\174id\" t\n", Opaque),
        (sqlite_script, ".log prod.db\n", Destroys),
        (
            sqlite_script,
            ".parameter set :x \"writefile('x','')\"\n",
            Opaque,
        ),
        (sqlite_script, ".once -e\nselect 1;\n", Opaque),
    ];
    for (read, text, expected) in scripts {
        assert_eq!(read(text).effect(), expected, "{text}");
    }
}
