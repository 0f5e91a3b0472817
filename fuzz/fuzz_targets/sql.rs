//! The lexer of SQL in every dialect, and the clients' own readers of scripts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::command::Effect;
use tagout::command::sql::{
    self, Dialect, Lexer, mysql_script, psql_script, sqlcmd_script, sqlite_script,
};
use tagout_fuzz::choice;

const DIALECTS: [Dialect; 6] = [
    Dialect::Postgres,
    Dialect::Mysql,
    Dialect::Sqlite,
    Dialect::Sqlserver,
    Dialect::Clickhouse,
    Dialect::Generic,
];

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, 10) else {
        return;
    };
    let read = |text: &str| match which {
        6 => psql_script(text, &[("n".to_owned(), "1".to_owned())]),
        7 => mysql_script(text),
        8 => sqlite_script(text),
        9 => sqlcmd_script(text),
        _ => sql::judge(text, DIALECTS[which]),
    };
    if let Some(dialect) = DIALECTS.get(which) {
        let mut end = 0;
        for token in Lexer::new(text, *dialect, true) {
            assert!(token.at >= end && !token.text.is_empty());
            end = token.at + token.text.len();
        }
        assert!(end <= text.len());
    }
    read(text);
    // What comes first is judged whatever comes after it.
    let before = read(&format!("drop table t;\n{text}"));
    assert!(before.effect() >= Effect::Opaque);
});
