//! `spawn PROFILE COMMAND...`: says in a line how it went.

#![allow(clippy::print_stdout, reason = "it prints what came of it")]

use tagout::{Launcher, Outcome};

fn main() -> std::io::Result<()> {
    let mut words = std::env::args_os().skip(1);
    let profile = words.next().unwrap_or_default();
    let program = words.next().unwrap_or_default();
    let outcome = Launcher::new(program)
        .args(words)
        .profile(profile.to_string_lossy())
        .status()?;
    match outcome {
        Outcome::Exited(code) => println!("exited {code}"),
        Outcome::Signalled(15) => println!("signalled SIGTERM"),
        Outcome::Signalled(signal) => println!("signalled {signal}"),
        Outcome::Refused(refusal) => println!("refused {}", refusal.rule),
        Outcome::NotStarted(error) => println!("not started {error}"),
        Outcome::Failed(error) => println!("failed {error}"),
    }
    Ok(())
}
