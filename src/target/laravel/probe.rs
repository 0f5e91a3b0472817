//! The answer of the project's own kernel, held against the static one.

use crate::target::{Address, Engine, Gap, Resolution, Target};

/// What the probe runs: `php -r CODE ROOT WORD...` prints one line behind [`MARK`].
pub const CODE: &str = include_str!("probe.php");

/// Stands before the probe's line.
pub const MARK: &str = "tagout-probe:";

/// Runs the probe through `run` (which gets the words behind `php`, starts it in the scrubbed
/// environment and returns what it printed) and adds a gap for every disagreement.
pub fn cross_check(
    root: &str,
    tokens: &[String],
    resolution: &mut Resolution,
    run: &dyn Fn(&[String]) -> Result<String, String>,
) {
    let code = CODE.trim_start_matches("<?php");
    let mut words = vec!["-r".to_owned(), code.to_owned(), root.to_owned()];
    words.extend(tokens.iter().cloned());
    match run(&words) {
        Ok(printed) => resolution.gaps.extend(disagreements(&printed, resolution)),
        Err(why) => resolution
            .gaps
            .push(Gap::new("target", format!("the probe failed: {why}"))),
    }
}

/// Where the kernel's configuration is another one than the static reading, both named.
pub fn disagreements(printed: &str, resolution: &Resolution) -> Vec<Gap> {
    let Some(json) = printed
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(MARK))
        .and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok())
    else {
        return vec![Gap::new("target", "the probe printed no answer")];
    };
    let mut gaps = Vec::new();
    for target in &resolution.targets {
        let Some(name) = target.connection.as_deref() else {
            continue;
        };
        let name = name.split("::").next().unwrap_or(name);
        let config = &json["connections"][name];
        if name.starts_with("redis ") || !target.notes.is_empty() && config.is_null() {
            continue;
        }
        if config.is_null() {
            gaps.push(Gap::new(
                "target",
                format!("the kernel has no connection `{name}`"),
            ));
            continue;
        }
        for (field, ours, theirs) in fields(target, config) {
            if ours != theirs {
                let why = format!(
                    "two answers for `{name}`: {ours} by reading, {theirs} by the project's kernel"
                );
                gaps.push(Gap::new(field, why));
            }
        }
    }
    gaps
}

/// Fields that both answers name; lists and sides of a split are left to the static reading.
fn fields(target: &Target, config: &serde_json::Value) -> Vec<(&'static str, String, String)> {
    let text = |key: &str| match &config[key] {
        serde_json::Value::String(s) => Some(s.clone()),
        serde_json::Value::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let mut out = Vec::new();
    if let Some(driver) = text("driver") {
        let engine = Engine::from_driver(&driver);
        out.push((
            "target",
            target.engine.word().to_owned(),
            engine.word().to_owned(),
        ));
    }
    if let (Some(ours), Some(theirs)) = (&target.database, text("database")) {
        out.push(("database", ours.value.clone(), theirs));
    }
    if let Address::Host { host, port, .. } = &target.address {
        if let Some(theirs) = text("host").filter(|h| !h.contains(',')) {
            out.push(("host", host.value.clone(), theirs));
        }
        if let (Some(ours), Some(theirs)) = (port, text("port").filter(|p| !p.is_empty())) {
            out.push(("port", ours.value.to_string(), theirs));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Sourced};

    #[test]
    fn a_disagreement_names_both_answers() {
        let from = |v: &str| Sourced::new(v.to_owned(), Source::default_of("test"));
        let host = Address::Host {
            host: from("h"),
            port: None,
            hostaddr: None,
        };
        let mut target = Target::new(Engine::Mysql, host).database(Some(from("worker")));
        target.connection = Some("mysql".into());
        let resolution = Resolution::target(target);
        let line = |db: &str| {
            format!(
                "noise\n{MARK}{{\"connections\":{{\"mysql\":{{\"driver\":\"mysql\",\"host\":\"h\",\"database\":\"{db}\"}}}}}}\n"
            )
        };
        assert!(disagreements(&line("worker"), &resolution).is_empty());
        let gaps = disagreements(&line("prod"), &resolution);
        assert!(gaps[0].reason.contains("worker") && gaps[0].reason.contains("prod"));
        assert_eq!(disagreements("", &resolution).len(), 1);
    }
}
