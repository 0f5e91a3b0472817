//! What every end-to-end test needs.

use std::io::Write;

/// The component, or `None` after saying `skipped: needs X` (and counting it in the file that
/// `TAGOUT_SKIPPED` names). Under `CI` a missing component fails the test instead.
pub(crate) fn needs(program: &str) -> Option<std::path::PathBuf> {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into()])
            .map(|dir| dir.join(program))
            .find(|p| p.is_file())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "needs {program}: in CI nothing may be skipped"
        );
        let line = format!("skipped: needs {program}");
        eprintln!("{line}");
        if let Some(file) = std::env::var_os("TAGOUT_SKIPPED") {
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(file);
            file.and_then(|mut f| writeln!(f, "{line}"))
                .expect("the list of skipped tests is writable");
        }
    }
    found
}

/// The program under test.
pub(crate) fn tagout() -> &'static str {
    env!("CARGO_BIN_EXE_tagout")
}
