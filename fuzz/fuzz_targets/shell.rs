//! Lines of shells: parsed, run in mind, and what they start judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tagout::command::Stdin;
use tagout::command::shell::{self, Dialect};
use tagout::files::Memory;
use tagout_fuzz::{choice, judged};

fuzz_target!(|data: &[u8]| {
    let Some((which, text)) = choice(data, 3) else {
        return;
    };
    let (name, dialect) = [
        ("sh", Dialect::Posix),
        ("bash", Dialect::Bash),
        ("zsh", Dialect::Zsh),
    ][which];
    let _ = shell::parse(text, dialect);
    judged(&[name, "-c", text], &Memory::new(), Stdin::Null);
});
