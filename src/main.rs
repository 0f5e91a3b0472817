//! The `tagout` program.

fn main() -> std::process::ExitCode {
    tagout::cli::main()
}
