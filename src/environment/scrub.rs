//! Builds the child's environment from nothing, with one decision a name. The rules are sudo's:
//! exact names, value checks for what can carry a path or a format, exported functions never.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::rc::Rc;

use super::{Vars, hide};
use crate::profile::{Private, Profile};
use crate::source::{Source, SourceKind};

/// The PATH of a child whose caller had none.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Variables through which a loader or interpreter runs other code. A profile may list them one
/// by one; that they pass is always said.
const INJECTING: &[&str] = &[
    "LD_",
    "DYLD_",
    "RUBYOPT",
    "RUBYLIB",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PERL5OPT",
    "PERL5LIB",
    "PERL5DB",
    "PERLLIB",
    "BASH_ENV",
    "ENV",
    "PS4",
    "SHELLOPTS",
    "BASHOPTS",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "GCONV_PATH",
    "GIT_SSH_COMMAND",
    "GIT_CONFIG_",
    "ZDOTDIR",
    "IFS",
    "CDPATH",
    "GLOBIGNORE",
    "OPENSSL_CONF",
    "LOCALDOMAIN",
    "HOSTALIASES",
];

/// Variables that lead into a home directory beside `HOME`.
const HOMES: &[&str] = &[
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
];

/// What became of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The name; bytes that are not UTF-8 become U+FFFD.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
}

/// Kept, set or dropped, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Passed from the caller, by this rule.
    Kept(Rc<str>),
    /// Set by the profile, from there.
    Set(Rc<str>),
    /// Not passed, for this reason.
    Dropped(Rc<str>),
}

/// The child's environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Every variable with its source.
    pub vars: Vars,
    /// One decision a name, by name.
    pub decisions: Vec<Decision>,
    /// Required names that are not there: name and who requires it.
    pub missing: Vec<(String, String)>,
    /// Injecting variables that pass: said in `explain`.
    pub injecting: Vec<String>,
}

impl Environment {
    /// The entries for exec, `NAME=value`, by name.
    pub fn entries(&self) -> Vec<OsString> {
        self.vars
            .iter()
            .map(|(name, var)| {
                let mut entry = Vec::with_capacity(name.len() + 1 + var.value.len());
                entry.extend_from_slice(name.as_bytes());
                entry.push(b'=');
                entry.extend_from_slice(var.value.as_bytes());
                OsString::from_vec(entry)
            })
            .collect()
    }
}

/// Builds the environment that `profile` gives a child of a caller with these raw `environ`
/// entries. `keep` are exact names that the caller asks for besides (`--keep`).
pub fn scrub(profile: &Profile, keep: &[String], environ: &[OsString]) -> Environment {
    let mut environment = Environment::default();
    let rules = Rules::of(profile, keep);
    let entries = entries(environ);
    environment.decisions.reserve(entries.len());
    for same in entries.chunk_by(|a, b| a.0 == b.0) {
        let Some((name, _)) = same.first() else {
            continue;
        };
        let fate = match one_value(same).and_then(|value| Ok((value, rules.judge(name, value)?))) {
            Ok((value, rule)) => {
                environment.vars.set(&**name, value, rule.source.clone());
                if is_injecting(name) {
                    environment.injecting.push(name.to_string());
                }
                Fate::Kept(rule.text.clone())
            }
            Err(reason) => Fate::Dropped(reason),
        };
        environment.decisions.push(Decision {
            name: name.to_string(),
            fate,
        });
    }
    for (path, source) in &profile.hide {
        for (name, value) in hide::variables(path) {
            let source = source.with_note(&format!("hides {path}"));
            set(&mut environment, name, value, source);
        }
    }
    for (name, value, source) in &profile.set {
        set(&mut environment, name, value, source.clone());
    }
    for (what, source) in &profile.private {
        let source = source.with_note("a new directory for each run, removed afterwards");
        set(
            &mut environment,
            what.variable(),
            what.placeholder(),
            source,
        );
    }
    if profile
        .private
        .iter()
        .any(|(what, _)| *what == Private::Home)
    {
        for name in HOMES {
            if environment.vars.has(name) {
                environment.vars.unset(name);
                let why = "leads into the home that `private` replaces".to_owned();
                environment.decisions.retain(|d| d.name != *name);
                environment.decisions.push(Decision {
                    name: (*name).to_owned(),
                    fate: Fate::Dropped(why.into()),
                });
            }
        }
    }
    if !environment.vars.has("PATH") {
        set(
            &mut environment,
            "PATH",
            DEFAULT_PATH,
            Source::new(SourceKind::Default, "tagout default"),
        );
    }
    environment.decisions.sort_by(|a, b| a.name.cmp(&b.name));
    environment.missing = profile
        .require
        .iter()
        .filter(|(name, _)| !environment.vars.has(name))
        .map(|(name, source)| (name.clone(), source.text().to_owned()))
        .collect();
    environment
}

fn set(environment: &mut Environment, name: &str, value: &str, source: Source) {
    environment.decisions.retain(|d| d.name != name);
    let fate = Fate::Set(source.text().into());
    environment.decisions.push(Decision {
        name: name.to_owned(),
        fate,
    });
    environment.vars.set(name, value, source);
}

type Entry<'a> = (Cow<'a, str>, Option<&'a OsStr>);

/// Entries by name, those of one name in their order. An entry without a name or without `=` stands
/// under its own text with no value.
fn entries(environ: &[OsString]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = environ.iter().map(|entry| entry_of(entry)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

fn entry_of(entry: &OsStr) -> Entry<'_> {
    let bytes = entry.as_bytes();
    let (name, value) = match bytes.iter().position(|b| *b == b'=') {
        Some(at) if at > 0 => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
        _ => (bytes, None),
    };
    (String::from_utf8_lossy(name), value)
}

/// The one value of a name. Programs differ in which of two they take, so two that differ are
/// none.
fn one_value<'a>(entries: &[Entry<'a>]) -> Result<&'a OsStr, Rc<str>> {
    let [(name, Some(first)), rest @ ..] = entries else {
        return Err("malformed entry: no name or no `=`".into());
    };
    if name.contains('\u{fffd}') {
        return Err("its name is not UTF-8".into());
    }
    if rest.iter().any(|(_, v)| *v != Some(*first)) {
        return Err("it stands more than once with different values".into());
    }
    Ok(first)
}

/// A rule that lets a variable pass, and what it makes the variable's source.
struct Rule {
    text: Rc<str>,
    source: Source,
}

impl Rule {
    fn new(text: String) -> Self {
        let source = Source::new(
            SourceKind::Inherited,
            format!("process environment ({text})"),
        );
        let text = text.into();
        Rule { text, source }
    }
}

/// What decides about a name; the words are the same for every one, and written once.
struct Rules<'a> {
    profile: &'a Profile,
    /// The families among the names that pass.
    families: Vec<&'a str>,
    keep: &'a [String],
    kept: Option<Rule>,
    listed: Rule,
    unlisted: Rc<str>,
}

impl<'a> Rules<'a> {
    fn of(profile: &'a Profile, keep: &'a [String]) -> Self {
        let names = profile.pass.iter().map(|p| p.name.as_str());
        let kept = (!keep.is_empty()).then(|| Rule::new("kept by --keep".to_owned()));
        Rules {
            profile,
            families: names.filter(|name| name.ends_with('*')).collect(),
            keep,
            kept,
            listed: Rule::new(format!("kept by profile {}", profile.name)),
            unlisted: format!("not listed in profile {}", profile.name).into(),
        }
    }

    /// The rule that lets a variable pass, or the reason why it does not.
    fn judge(&self, name: &str, value: &OsStr) -> Result<&Rule, Rc<str>> {
        let rule = self.rule_for(name)?;
        if value.as_bytes().starts_with(b"() {") || name.starts_with("BASH_FUNC_") {
            return Err("an exported shell function".into());
        }
        check_value(name, value)?;
        Ok(rule)
    }

    fn rule_for(&self, name: &str) -> Result<&Rule, Rc<str>> {
        let profile = self.profile;
        if let Some((pattern, source)) = profile
            .never
            .iter()
            .find(|(p, _)| crate::profile::matches_name(p, name))
        {
            return Err(format!("`never` {pattern} at {source}").into());
        }
        if let Some(kept) = self
            .kept
            .as_ref()
            .filter(|_| self.keep.iter().any(|k| k == name))
        {
            return Ok(kept);
        }
        let family = |pattern: &&str| crate::profile::matches_name(pattern, name);
        if profile.pass.iter().any(|p| p.name == name)
            || (self.families.iter().any(family) && !is_injecting(name))
        {
            return Ok(&self.listed);
        }
        match profile.withheld.iter().find(|(n, _)| n == name) {
            Some((_, why)) => Err(why.as_str().into()),
            None => Err(Rc::clone(&self.unlisted)),
        }
    }
}

/// Values that programs take as paths or formats: as `env_check` of sudo.
fn check_value(name: &str, value: &OsStr) -> Result<(), Rc<str>> {
    let bytes = value.as_bytes();
    let plain = ["COLORTERM", "LANG", "LANGUAGE", "LINGUAS", "TERM"].contains(&name)
        || name.starts_with("LC_");
    if plain && bytes.iter().any(|b| matches!(b, b'/' | b'%')) {
        return Err("its value holds `/` or `%`: it could name a file or a format".into());
    }
    if name == "TZ" && !is_safe_zone(bytes) {
        return Err("its value could name a file outside the zone database".into());
    }
    Ok(())
}

/// sudo's rule for TZ: no absolute path outside the zone directory, no `..`, printable, short.
fn is_safe_zone(value: &[u8]) -> bool {
    let value = value.strip_prefix(b":").unwrap_or(value);
    if value.starts_with(b"/") && !value.starts_with(b"/usr/share/zoneinfo/") {
        return false;
    }
    value.len() < 4096
        && !value.windows(2).any(|w| w == b"..")
        && value.iter().all(u8::is_ascii_graphic)
}

/// Whether a loader or interpreter runs other code because of a variable of that name.
pub fn is_injecting(name: &str) -> bool {
    let name = name.as_bytes();
    INJECTING.iter().any(|listed| {
        let listed = listed.as_bytes();
        if listed.first() != name.first() {
            return false;
        }
        match listed.last() {
            Some(b'_') => name.starts_with(listed),
            _ => name == listed,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::choose;
    use proptest::prelude::*;

    fn entries(list: &[&[u8]]) -> Vec<OsString> {
        list.iter()
            .map(|e| OsString::from_vec(e.to_vec()))
            .collect()
    }

    fn fate(environment: &Environment, name: &str) -> Fate {
        environment
            .decisions
            .iter()
            .find(|d| d.name == name)
            .unwrap()
            .fate
            .clone()
    }

    #[test]
    fn only_what_is_listed_passes() {
        let profile = choose(Some("default"), &[]).unwrap();
        let raw: &[&[u8]] = &[
            b"PATH=/bin",
            b"DB_HOST=prod",
            b"LD_PRELOAD=/x",
            b"LC_ALL=C",
            b"LC_X=../../x",
            b"TERM=a%b",
            b"TZ=/etc/passwd",
            b"PAGER=() { :; }",
            b"=x",
            b"novalue",
            b"BASH_FUNC_ls%%=() { :; }",
        ];
        let environment = scrub(&profile, &[], &entries(raw));
        let names: Vec<&str> = environment.vars.iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
        assert_eq!(
            fate(&environment, "DB_HOST"),
            Fate::Dropped("not listed in profile default".into())
        );
        assert_eq!(
            fate(&environment, "novalue"),
            Fate::Dropped("malformed entry: no name or no `=`".into())
        );
    }

    #[test]
    fn two_values_are_none_and_two_equal_ones_are_one() {
        let profile = choose(Some("default"), &[]).unwrap();
        let environment = scrub(
            &profile,
            &[],
            &entries(&[b"PATH=/a", b"PATH=/b", b"HOME=/r", b"HOME=/r"]),
        );
        assert_eq!(environment.vars.text("PATH").unwrap(), DEFAULT_PATH);
        assert_eq!(environment.vars.text("HOME").unwrap(), "/r");
    }

    #[test]
    fn bytes_that_are_not_utf8_pass_unchanged() {
        let profile = choose(Some("default"), &[]).unwrap();
        let environment = scrub(&profile, &["X".into()], &entries(&[b"X=a\xff\xfeb"]));
        assert!(
            environment
                .entries()
                .iter()
                .any(|e| e.as_bytes() == b"X=a\xff\xfeb")
        );
    }

    proptest! {
        #[test]
        fn nothing_unlisted_ever_passes(raw in proptest::collection::vec(proptest::collection::vec(1u8.., 0..20), 0..20)) {
            let profile = choose(Some("worker"), &[]).unwrap();
            let raw: Vec<OsString> = raw.into_iter().map(OsString::from_vec).collect();
            let environment = scrub(&profile, &[], &raw);
            for (name, _) in environment.vars.iter() {
                let listed = profile.pass.iter().any(|p| crate::profile::matches_name(&p.name, name));
                prop_assert!(listed, "{} passed", name);
            }
        }
    }
}
