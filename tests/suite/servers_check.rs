//! The helpers themselves: a server answers, and is gone afterwards.

use crate::servers::{MariaDb, Postgres};

#[test]
fn servers_start_answer_and_stop() {
    if let Some(postgres) = Postgres::start() {
        assert_eq!(postgres.sql("postgres", "select 1"), "1");
    }
    if let Some(mariadb) = MariaDb::start() {
        assert_eq!(mariadb.sql("", "select 1"), "1");
    }
}
