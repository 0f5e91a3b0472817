//! Connection strings: URLs, conninfo, and the clients that take them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::command::Stdin;
use tagout::files::Memory;
use tagout::source::Source;
use tagout::target::libpq::Params;
use tagout::target::readers::php;
use tagout::target::url::{Url, decode, host_and_port};
use tagout_fuzz::{choice, judged};

const CLIENTS: &[&[&str]] = &[
    &["psql", "-X", "-d"],
    &["mongosh"],
    &["redis-cli", "-u"],
    &["dbmate", "up", "--url"],
    &["sqlx", "migrate", "run", "--database-url"],
    &["migrate", "-path", "m", "up", "-database"],
    &["atlas", "schema", "clean", "--url"],
    &["flyway", "clean"],
    &["env", "php", "artisan", "migrate:fresh"],
];

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, CLIENTS.len()) else {
        return;
    };
    let _ = Url::split(text);
    decode(text);
    let _ = host_and_port(text);
    let _ = Params::parse(text, &Source::argument("fuzz"));
    let _ = php::url::parse(text);
    let mut argv = CLIENTS[which].to_vec();
    let option = format!("-url={text}");
    let setting = format!("DATABASE_URL={text}");
    match argv[0] {
        "flyway" => argv.push(&option),
        "env" => argv.insert(1, &setting),
        _ => argv.push(text),
    }
    judged(&argv, &Memory::new(), Stdin::Null);
});
