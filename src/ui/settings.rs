//! The settings in force, each with the place it comes from.

use serde_json::{Value, json};

use super::{Tone, paint};
use crate::profile::{Descriptors, Mark, Profile, Unmarked};
use crate::record::redact::Redactor;
use crate::source::Source;

/// A configuration file that counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileShown {
    /// Its path.
    pub path: String,
    /// `machine`, `user`, `project`.
    pub whose: &'static str,
    /// `read`, `not there`, `read, not trusted: only tightens`.
    pub state: String,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key in a file, e.g. `production`.
    pub key: &'static str,
    /// Its value; of a list, one element.
    pub value: String,
    /// Where it stands.
    pub source: String,
}

/// All settings of a merged profile, lists element by element. Values that are secret by their
/// name are not shown.
pub fn settings(profile: &Profile, redactor: &Redactor) -> Vec<Setting> {
    let mut all = levels(profile);
    let mut say = |key, value: &str, source: &Source| {
        all.push(Setting {
            key,
            value: value.to_owned(),
            source: source.text().to_owned(),
        });
    };
    for pass in &profile.pass {
        say("pass", &pass.name, &pass.source);
    }
    for (name, value, source) in &profile.set {
        let shown = redactor.text(&format!("{name}={value}"));
        say("set", &shown, source);
    }
    for (key, list) in [
        ("never", &profile.never),
        ("require", &profile.require),
        ("allow", &profile.allow),
        ("hide", &profile.hide),
    ] {
        for (value, source) in list {
            say(key, value, source);
        }
    }
    if let Some((by, source)) = &profile.hide_by {
        say("hide_by", by.word(), source);
    }
    for (what, source) in &profile.private {
        say("private", what.word(), source);
    }
    for (limit, most, source) in &profile.limits {
        say("limits", &format!("{} = {most}", limit.word()), source);
    }
    if let Some((survivors, source)) = &profile.survivors {
        say("survivors", survivors.word(), source);
    }
    for mark in &profile.marks {
        let text = format!("{}{}", mark.tier.word(), mark_text(mark));
        say("mark", &text, &mark.source);
    }
    for applied in &profile.migrations {
        let mut text = applied.versions.join(", ");
        for part in [&applied.versions_file, &applied.folder] {
            let part = part.as_deref().map(|p| format!(" {p}"));
            text.push_str(&part.unwrap_or_default());
        }
        text.push_str(&mark_text(&applied.on));
        say("migrations", &text, &applied.on.source);
    }
    all
}

fn levels(profile: &Profile) -> Vec<Setting> {
    let unmarked = Unmarked::WORDS.iter().find(|w| w.1 == profile.unmarked);
    let descriptors = match &profile.descriptors {
        Descriptors::All => "all".to_owned(),
        Descriptors::NoSockets => "no-sockets".to_owned(),
        Descriptors::Only(numbers) => format!("{numbers:?}"),
    };
    let without = match profile.fence_unavailable {
        crate::profile::FenceUnavailable::Warn => "warn",
        crate::profile::FenceUnavailable::Refuse => "refuse",
    };
    let said = &profile.said;
    [
        (
            "production",
            profile.production.word().to_owned(),
            &said.production,
        ),
        (
            "unmarked",
            unmarked.map_or("", |w| w.0).to_owned(),
            &said.unmarked,
        ),
        ("descriptors", descriptors, &said.descriptors),
        ("fence", profile.fence.word().to_owned(), &said.fence),
        (
            "fence_unavailable",
            without.to_owned(),
            &said.fence_unavailable,
        ),
    ]
    .into_iter()
    .map(|(key, value, source)| Setting {
        key,
        value,
        source: source.as_ref().map_or("built-in", Source::text).to_owned(),
    })
    .collect()
}

/// What a mark asks of a target: ` host=db-1 port=5432`.
fn mark_text(mark: &Mark) -> String {
    let port = mark.port.map(|p| p.to_string());
    let parts = [
        ("engine", &mark.engine),
        ("host", &mark.host),
        ("network", &mark.network),
        ("socket", &mark.socket),
        ("file", &mark.file),
        ("port", &port),
        ("database", &mark.database),
        ("environment", &mark.environment),
        ("identifier", &mark.identifier),
    ];
    let said = parts
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|v| format!(" {name}={v}")));
    said.collect()
}

/// For people: files, then settings, then what was ignored.
pub fn text(files: &[FileShown], profile: &Profile, settings: &[Setting], colour: bool) -> String {
    let mut page = String::new();
    let mut line = |label: &str, text: &str| {
        let label = paint(colour, Tone::Label, &format!("{label:<18}"));
        page.push_str(&format!("{label}{text}\n"));
    };
    for file in files {
        line(file.whose, &format!("{} ({})", file.path, file.state));
    }
    line(
        "profile",
        &format!("{} ({})", profile.name, profile.layers.join(", ")),
    );
    for setting in settings {
        line(
            setting.key,
            &format!("{:<24} {}", setting.value, setting.source),
        );
    }
    for (name, why) in &profile.withheld {
        line("withheld", &format!("{name:<24} {why}"));
    }
    for note in &profile.ignored {
        line("ignored", note);
    }
    page
}

/// For programs, schema `tagout.config/1`.
pub fn json(files: &[FileShown], profile: &Profile, settings: &[Setting]) -> Value {
    let files: Vec<Value> = files
        .iter()
        .map(|f| json!({"path": f.path, "whose": f.whose, "state": f.state}))
        .collect();
    let settings: Vec<Value> = settings
        .iter()
        .map(|s| json!({"key": s.key, "value": s.value, "source": s.source}))
        .collect();
    let withheld: Vec<Value> = profile
        .withheld
        .iter()
        .map(|(name, why)| json!({"name": name, "reason": why}))
        .collect();
    json!({
        "schema": "tagout.config/1",
        "files": files,
        "profile": {"name": profile.name, "layers": profile.layers},
        "settings": settings,
        "withheld": withheld,
        "ignored": profile.ignored,
    })
}
