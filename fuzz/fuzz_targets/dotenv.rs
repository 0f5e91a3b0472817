//! Every reader of `.env` files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::environment::dotenv::{DIALECTS, read, settle};
use tagout_fuzz::choice;

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, DIALECTS.len()) else {
        return;
    };
    let process = |name: &str| (name == "HOME").then(|| "/home/u".to_owned());
    if let Ok(entries) = read(&DIALECTS[which], text, &process) {
        settle(entries);
    }
});
