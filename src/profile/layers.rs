//! Merges the layers into the one profile that applies: machine policy > user > project >
//! built-in. A lower layer only tightens what a higher one sets, and a project file that nobody
//! trusted only tightens anything.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use super::builtin::{builtin, names};
use super::parse::{ConfigError, Document, closest};
use super::{
    Descriptors, FenceMode, FenceUnavailable, LevelSources, Pass, Production, Profile, ProfileText,
    Unmarked,
};
use crate::policy::Tier;
use crate::source::{Source, SourceKind};

/// Whose file a layer is, strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// `tagout.toml` of the project.
    Project,
    /// The user's own configuration.
    User,
    /// The machine's policy.
    Machine,
}

/// Whether a file may loosen anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It may.
    Trusted,
    /// It only tightens: a cloned repository brings it along.
    TightenOnly,
}

/// One configuration file.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Whose it is.
    pub kind: LayerKind,
    /// How it is shown.
    pub name: String,
    /// Whether it may loosen.
    pub trust: Trust,
    /// What it says.
    pub document: Document,
}

/// What tagout does where no layer says anything: the strictest of each.
fn strictest(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        layers: Vec::new(),
        pass: Vec::new(),
        withheld: Vec::new(),
        never: Vec::new(),
        set: Vec::new(),
        require: Vec::new(),
        production: Production::Write,
        unmarked: Unmarked::Refuse,
        descriptors: Descriptors::NoSockets,
        fence: FenceMode::Observe,
        fence_unavailable: FenceUnavailable::Warn,
        allow: Vec::new(),
        hide: Vec::new(),
        hide_by: None,
        private: Vec::new(),
        limits: Vec::new(),
        survivors: None,
        marks: Vec::new(),
        migrations: Vec::new(),
        ignored: Vec::new(),
        said: LevelSources::default(),
    }
}

/// The profile where nobody names one.
const DEFAULT: &str = "default";

/// Builds the profile named on the command line, or the one that the layers name, or `default`.
///
/// # Errors
/// A name that no layer knows, a loop of `extends`.
pub fn choose(asked: Option<&str>, layers: &[Layer]) -> Result<Profile, ConfigError> {
    if let Some(name) = asked {
        return build(name, None, layers);
    }
    let wished = wish(layers, Trust::Trusted);
    let (name, said) = wished.clone().unwrap_or((DEFAULT.to_owned(), None));
    let trusted = build(&name, said.as_ref(), layers)?;
    let Some((name, said)) = wish(layers, Trust::TightenOnly) else {
        return Ok(trusted);
    };
    let own = build(&name, said.as_ref(), layers)?;
    if wished.is_none() && no_looser(&own, &trusted) {
        return Ok(own);
    }
    let place = said.map(|s| format!(" at {s}")).unwrap_or_default();
    let why = "an untrusted file may not choose a looser profile, nor over the user's or the machine's choice";
    let mut kept = trusted;
    kept.ignored
        .push(format!("`profile = \"{name}\"`{place} ignored: {why}"));
    Ok(kept)
}

/// As [`choose`]; a profile that no file has a say in is built once.
///
/// # Errors
/// As there.
pub fn choose_shared(asked: Option<&str>, layers: &[Layer]) -> Result<Rc<Profile>, ConfigError> {
    thread_local! {
        // Never dropped: telling the C library so costs more than the profile.
        static BUILT: RefCell<ManuallyDrop<Vec<Rc<Profile>>>> =
            const { RefCell::new(ManuallyDrop::new(Vec::new())) };
    }
    if !layers.is_empty() {
        return choose(asked, layers).map(Rc::new);
    }
    let name = asked.unwrap_or(DEFAULT);
    BUILT.with_borrow_mut(|built| {
        if let Some(profile) = built.iter().find(|profile| profile.name == name) {
            return Ok(Rc::clone(profile));
        }
        let profile = Rc::new(choose(Some(name), layers)?);
        built.push(Rc::clone(&profile));
        Ok(profile)
    })
}

/// Whether nothing of a profile is looser than in the other one, but for what built-in profiles
/// let through: those lists are ours.
fn no_looser(new: &Profile, old: &Profile) -> bool {
    let ours = |source: &Source| source.kind() == SourceKind::Profile;
    let passes = |p: &Pass| ours(&p.source) || old.pass.iter().any(|o| o.name == p.name);
    new.production <= old.production
        && new.unmarked <= old.unmarked
        && new.fence >= old.fence
        && new.fence_unavailable >= old.fence_unavailable
        && tighter_descriptors(&new.descriptors, &old.descriptors)
        && new.pass.iter().all(passes)
        && new.set.iter().all(|s| ours(&s.2) || old.set.contains(s))
        && new.allow.iter().all(|a| old.allow.contains(a))
        && old.never.iter().all(|n| new.never.contains(n))
        && old.require.iter().all(|r| new.require.contains(r))
        && old.hide.iter().all(|h| new.hide.contains(h))
        && word(&new.hide_by) >= word(&old.hide_by)
        && word(&new.survivors) >= word(&old.survivors)
        && old
            .private
            .iter()
            .all(|p| new.private.iter().any(|n| n.0 == p.0))
        && old
            .limits
            .iter()
            .all(|l| new.limits.iter().any(|n| n.0 == l.0 && n.1 <= l.1))
}

/// A level without where it stands.
fn word<T: Copy>(said: &Option<(T, Source)>) -> Option<T> {
    said.as_ref().map(|(word, _)| *word)
}

/// Builds the profile of that name; `said` is where the name stands.
fn build(name: &str, said: Option<&Source>, layers: &[Layer]) -> Result<Profile, ConfigError> {
    let mut chain = chain(name, said, layers)?;
    chain.reverse();
    let mut merge = Merge {
        profile: strictest(name),
        set_by: [0; 5],
    };
    for link in &chain {
        merge.apply(link.text, &link.voice);
        merge.heard(&link.voice.shown);
    }
    for layer in sorted(layers) {
        let mut voice = voice_of(layer);
        voice.limits_only = true;
        merge.apply(&layer.document.every, &voice);
        take_marks(&mut merge.profile, layer);
        take_migrations(&mut merge.profile, layer);
        merge.heard(&layer.name);
    }
    let mut profile = merge.profile;
    profile.pass.retain(|p| {
        !profile
            .never
            .iter()
            .any(|(pattern, _)| matches_name(pattern, &p.name))
    });
    Ok(profile)
}

/// The layers, weakest first.
fn sorted(layers: &[Layer]) -> Vec<&Layer> {
    let mut layers: Vec<&Layer> = layers.iter().collect();
    layers.sort_by_key(|l| l.kind);
    layers
}

/// The profile that the files name where the command line names none: the nearest file's wish,
/// weakest layer first, since it knows the project best. An untrusted file may only name what is
/// built in or its own.
fn wish(layers: &[Layer], trust: Trust) -> Option<(String, Option<Source>)> {
    sorted(layers).into_iter().find_map(|layer| {
        let (name, source) = layer.document.profile.as_ref()?;
        let elsewhere = layers
            .iter()
            .any(|l| l.kind != layer.kind && l.document.profiles.iter().any(|(n, _, _)| n == name));
        let may = layer.trust == Trust::Trusted || !elsewhere;
        (layer.trust == trust && may).then(|| (name.clone(), Some(source.clone())))
    })
}

/// Who speaks, and what it may do.
struct Voice {
    shown: String,
    /// Its file is trusted.
    trusted: bool,
    /// 0 built-in, 1 project, 2 user, 3 machine.
    rank: u8,
    /// It only sets limits (`every`): a level that is tighter already stays.
    limits_only: bool,
}

fn voice_of(layer: &Layer) -> Voice {
    let rank = match layer.kind {
        LayerKind::Project => 1,
        LayerKind::User => 2,
        LayerKind::Machine => 3,
    };
    Voice {
        shown: layer.name.clone(),
        trusted: layer.trust == Trust::Trusted,
        rank,
        limits_only: false,
    }
}

struct Link<'a> {
    text: &'a ProfileText,
    voice: Voice,
}

/// The definitions that make up a profile, the named one first, its roots last.
fn chain<'a>(
    name: &str,
    said: Option<&Source>,
    layers: &'a [Layer],
) -> Result<Vec<Link<'a>>, ConfigError> {
    let mut links = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut next = Some((name.to_owned(), said.cloned()));
    while let Some((name, said)) = next.take() {
        if seen.contains(&name) {
            seen.push(name);
            return Err(config_error(
                said.as_ref(),
                format!(
                    "profiles extend each other in a loop: {}",
                    seen.join(" -> ")
                ),
                None,
            ));
        }
        let mut definitions = definitions(&name, layers);
        if definitions.is_empty() {
            return Err(unknown_profile(&name, said.as_ref(), layers));
        }
        // What an untrusted file says of somebody else's profile does not change its base.
        let own = definitions.iter().all(|d| !d.voice.trusted);
        let extends = definitions
            .iter()
            .filter(|d| own || d.voice.trusted)
            .find_map(|d| d.text.extends.clone());
        next = extends.map(|(base, source)| (base, Some(source)));
        links.append(&mut definitions);
        seen.push(name);
    }
    Ok(links)
}

/// All definitions of one name, strongest layer first, the built-in one last.
fn definitions<'a>(name: &str, layers: &'a [Layer]) -> Vec<Link<'a>> {
    let mut out = Vec::new();
    for layer in sorted(layers).into_iter().rev() {
        for (_, text, _) in layer.document.profiles.iter().filter(|(n, _, _)| n == name) {
            out.push(Link {
                text,
                voice: voice_of(layer),
            });
        }
    }
    if let Some(text) = builtin(name) {
        out.push(Link {
            text,
            voice: Voice {
                shown: format!("built-in:{name}"),
                trusted: true,
                rank: 0,
                limits_only: false,
            },
        });
    }
    out
}

fn unknown_profile(name: &str, said: Option<&Source>, layers: &[Layer]) -> ConfigError {
    let mut known: Vec<&str> = names().collect();
    known.extend(
        layers
            .iter()
            .flat_map(|l| l.document.profiles.iter().map(|(n, _, _)| n.as_str())),
    );
    known.sort_unstable();
    known.dedup();
    let hint = match closest(name, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known profiles: {}", known.join(", ")),
    };
    config_error(said, format!("there is no profile `{name}`"), Some(hint))
}

fn config_error(said: Option<&Source>, message: String, hint: Option<String>) -> ConfigError {
    let (file, line) = match said.map(|s| s.text().rsplit_once(':')) {
        Some(Some((file, line))) => (file.to_owned(), line.parse().unwrap_or(1)),
        _ => ("command line".to_owned(), 0),
    };
    ConfigError {
        file,
        line,
        column: 1,
        message,
        hint,
    }
}

/// The profile under construction, with the rank of whoever set each level last.
struct Merge {
    profile: Profile,
    set_by: [u8; 5],
}

impl Merge {
    fn heard(&mut self, shown: &str) {
        if !self.profile.layers.iter().any(|l| l == shown) {
            self.profile.layers.push(shown.to_owned());
        }
    }

    /// Lays one definition over the profile. What would loosen it is ignored, and said, unless
    /// the voice may loosen.
    fn apply(&mut self, text: &ProfileText, voice: &Voice) {
        self.lists(text, voice);
        let [production, unmarked, fence, fence_unavailable, descriptors] = &mut self.set_by;
        let profile = &mut self.profile;
        let said = &mut profile.said;
        let ignored = [
            Level(
                "production",
                &mut profile.production,
                &mut said.production,
                production,
            )
            .take(text.production.as_ref(), voice, |new, old| new <= old),
            Level(
                "unmarked",
                &mut profile.unmarked,
                &mut said.unmarked,
                unmarked,
            )
            .take(text.unmarked.as_ref(), voice, |new, old| new <= old),
            Level("fence", &mut profile.fence, &mut said.fence, fence).take(
                text.fence.as_ref(),
                voice,
                |new, old| new >= old,
            ),
            Level(
                "fence_unavailable",
                &mut profile.fence_unavailable,
                &mut said.fence_unavailable,
                fence_unavailable,
            )
            .take(text.fence_unavailable.as_ref(), voice, |new, old| {
                new >= old
            }),
            Level(
                "descriptors",
                &mut profile.descriptors,
                &mut said.descriptors,
                descriptors,
            )
            .take(text.descriptors.as_ref(), voice, tighter_descriptors),
        ];
        for what in ignored.into_iter().flatten() {
            self.ignore(&what, voice);
        }
    }

    fn lists(&mut self, text: &ProfileText, voice: &Voice) {
        for (name, source) in &text.pass {
            if self.profile.pass.iter().any(|p| p.name == *name) {
                continue;
            }
            if voice.trusted {
                self.profile.withheld.retain(|(n, _)| n != name);
                self.profile.pass.push(Pass {
                    name: name.clone(),
                    source: source.clone(),
                });
            } else {
                let why = format!(
                    "{source} passes it but is not trusted: look at it, then run `tagout trust`"
                );
                self.profile.withheld.push((name.clone(), why));
                self.ignore(&format!("`pass` of {name} at {source}"), voice);
            }
        }
        for (name, value, source) in &text.set {
            if voice.trusted {
                self.profile.set.retain(|(n, _, _)| n != name);
                self.profile
                    .set
                    .push((name.clone(), value.clone(), source.clone()));
            } else {
                self.ignore(&format!("`set` of {name} at {source}"), voice);
            }
        }
        for (name, source) in &text.drop {
            self.profile.pass.retain(|p| p.name != *name);
            self.profile
                .withheld
                .push((name.clone(), format!("dropped by {source}")));
        }
        if voice.trusted {
            self.profile.allow.extend(text.allow.iter().cloned());
        } else if let Some((what, source)) = text.allow.first() {
            self.ignore(&format!("`allow` of {what} at {source}"), voice);
        }
        self.profile.never.extend(text.never.iter().cloned());
        self.profile.require.extend(text.require.iter().cloned());
        self.profile.hide.extend(text.hide.iter().cloned());
        self.protections(text);
    }

    /// Of these nothing can be taken back: each layer adds to the protection of the others.
    fn protections(&mut self, text: &ProfileText) {
        let profile = &mut self.profile;
        raise(&mut profile.hide_by, text.hide_by.as_ref());
        raise(&mut profile.survivors, text.survivors.as_ref());
        for (what, source) in &text.private {
            if profile.private.iter().all(|(own, _)| own != what) {
                profile.private.push((*what, source.clone()));
            }
        }
        for (limit, most, source) in &text.limits {
            match profile.limits.iter_mut().find(|(own, _, _)| own == limit) {
                Some((_, own, _)) if *own <= *most => {}
                Some(own) => *own = (*limit, *most, source.clone()),
                None => profile.limits.push((*limit, *most, source.clone())),
            }
        }
    }

    fn ignore(&mut self, what: &str, voice: &Voice) {
        let why = if voice.trusted {
            "a stronger layer is stricter".to_owned()
        } else {
            format!(
                "{} is not trusted: look at it, then run `tagout trust`",
                voice.shown
            )
        };
        self.profile.ignored.push(format!("{what} ignored: {why}"));
    }
}

/// One level of the profile: its key, its place, who said it last, and the rank of that voice.
struct Level<'a, T>(&'static str, &'a mut T, &'a mut Option<Source>, &'a mut u8);

impl<T: Clone> Level<'_, T> {
    /// Takes what is said where it is at least as tight as the old, or the voice may loosen what
    /// weaker voices set. What was ignored, where that is worth saying.
    fn take(
        self,
        new: Option<&(T, Source)>,
        voice: &Voice,
        at_least_as_tight: impl Fn(&T, &T) -> bool,
    ) -> Option<String> {
        let Level(key, slot, said, set_by) = self;
        let (new, source) = new?;
        let tighter = at_least_as_tight(new, slot);
        if !tighter && (voice.limits_only || !voice.trusted || voice.rank < *set_by) {
            return (!voice.limits_only).then(|| format!("looser `{key}` at {source}"));
        }
        *slot = new.clone();
        *said = Some(source.clone());
        *set_by = voice.rank.max(*set_by);
        None
    }
}

/// The higher of two levels.
fn raise<T: Copy + Ord>(own: &mut Option<(T, Source)>, new: Option<&(T, Source)>) {
    if new.map(|(level, _)| *level) > own.as_ref().map(|(level, _)| *level) {
        *own = new.cloned();
    }
}

fn tighter_descriptors(new: &Descriptors, old: &Descriptors) -> bool {
    match (new, old) {
        (Descriptors::All, _) | (_, Descriptors::NoSockets) => true,
        (Descriptors::Only(new), Descriptors::Only(old)) => new.iter().all(|n| old.contains(n)),
        (Descriptors::NoSockets | Descriptors::Only(_), _) => false,
    }
}

/// Production marks count from any layer; disposable ones only from a layer that may loosen.
fn take_marks(profile: &mut Profile, layer: &Layer) {
    for mark in &layer.document.marks {
        if mark.tier == Tier::Production || layer.trust == Trust::Trusted {
            profile.marks.push(mark.clone());
        } else {
            profile.ignored.push(format!(
                "the disposable mark at {} ignored: {} is not trusted; look at it, then run `tagout trust`",
                mark.source, layer.name
            ));
        }
    }
}

/// What has run only counts from a layer that may loosen; where the machine's policy says something
/// of it, from there alone.
fn take_migrations(profile: &mut Profile, layer: &Layer) {
    let Some(first) = layer.document.migrations.first() else {
        return;
    };
    if layer.trust == Trust::TightenOnly {
        profile.ignored.push(format!(
            "`migrations` at {} ignored: {} is not trusted; look at it, then run `tagout trust`",
            first.on.source, layer.name
        ));
        return;
    }
    if layer.kind == LayerKind::Machine {
        for weaker in profile.migrations.drain(..) {
            profile.ignored.push(format!(
                "`migrations` at {} ignored: {} has its own",
                weaker.on.source, layer.name
            ));
        }
    }
    profile
        .migrations
        .extend(layer.document.migrations.iter().cloned());
}

/// Whether a name is the pattern's, where a `*` at its end stands for anything.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => name.starts_with(stem),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse_document;
    use super::*;
    use proptest::prelude::*;

    fn layer(kind: LayerKind, trust: Trust, text: &str) -> Layer {
        let name = format!("{kind:?}");
        let document = parse_document(text, &name, SourceKind::ProjectFile).unwrap();
        Layer {
            kind,
            name,
            trust,
            document,
        }
    }

    #[test]
    fn every_built_in_profile_reads_and_merges() {
        for name in names() {
            let profile = choose(Some(name), &[]).unwrap();
            assert!(
                profile.pass.iter().any(|p| p.name == "PATH"),
                "{name} passes PATH"
            );
        }
    }

    #[test]
    fn what_has_run_is_said_by_who_may_and_the_machine_has_the_last_word() {
        let said = |kind, trust, version: &str| {
            let text = format!("[[migrations]]\napplied = [\"{version}\"]\ndatabase = \"shop\"\n");
            layer(kind, trust, &text)
        };
        let project = said(LayerKind::Project, Trust::TightenOnly, "3");
        let user = said(LayerKind::User, Trust::Trusted, "2");
        let machine = said(LayerKind::Machine, Trust::Trusted, "1");
        let cases: [(&[Layer], &[&str], usize); 3] = [
            (std::slice::from_ref(&project), &[], 1),
            (&[project.clone(), user.clone()], &["2"], 1),
            (&[machine, user, project.clone()], &["1"], 2),
        ];
        for (layers, wanted, ignored) in cases {
            let profile = choose(None, layers).unwrap();
            let versions = profile.migrations.iter().flat_map(|m| &m.versions);
            assert!(versions.eq(wanted.iter()), "{:?}", profile.migrations);
            assert_eq!(profile.ignored.len(), ignored, "{:?}", profile.ignored);
        }
    }

    #[test]
    fn a_loop_of_extends_is_an_error_that_names_it() {
        let text = "[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\n";
        let error = choose(
            Some("a"),
            &[layer(LayerKind::Project, Trust::Trusted, text)],
        )
        .unwrap_err();
        assert_eq!(
            error.message,
            "profiles extend each other in a loop: a -> b -> a"
        );
        assert_eq!(error.line, 4);
    }

    #[test]
    fn an_unknown_profile_suggests_the_near_one() {
        let error = choose(Some("wroker"), &[]).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `worker`?"));
    }

    #[test]
    fn the_machine_policy_wins_over_a_derived_profile_of_the_user() {
        let machine = layer(
            LayerKind::Machine,
            Trust::Trusted,
            "[profiles.worker]\nproduction = \"never\"\n",
        );
        let user = layer(
            LayerKind::User,
            Trust::Trusted,
            "[profiles.mine]\nextends = \"worker\"\nproduction = \"console\"\n",
        );
        let profile = choose(Some("mine"), &[user, machine]).unwrap();
        assert_eq!(profile.production, Production::Never);
    }

    #[test]
    fn a_trusted_project_may_pass_what_an_untrusted_one_may_not() {
        let text = "[profiles.worker]\npass = [\"APP_LOCALE\"]\n[[marks]]\ntier = \"disposable\"\ndatabase = \"x\"\n";
        let names = |p: &Profile| p.pass.iter().any(|p| p.name == "APP_LOCALE");
        let trusted = choose(
            Some("worker"),
            &[layer(LayerKind::Project, Trust::Trusted, text)],
        )
        .unwrap();
        let untrusted = choose(
            Some("worker"),
            &[layer(LayerKind::Project, Trust::TightenOnly, text)],
        )
        .unwrap();
        assert!(names(&trusted) && trusted.marks.len() == 1);
        assert!(!names(&untrusted) && untrusted.marks.is_empty() && untrusted.ignored.len() == 2);
    }

    fn body() -> impl Strategy<Value = String> {
        let production =
            proptest::sample::select(vec!["never", "read", "write", "migrate", "console"]);
        let unmarked = proptest::sample::select(vec!["refuse", "allow"]);
        let fence = proptest::sample::select(vec!["off", "observe", "hold"]);
        let descriptors = proptest::sample::select(vec!["\"all\"", "\"no-sockets\"", "[3, 4]"]);
        (production, unmarked, fence, descriptors).prop_map(|(p, u, f, d)| {
            format!("production = \"{p}\"\nunmarked = \"{u}\"\nfence = \"{f}\"\ndescriptors = {d}\npass = [\"EXTRA\"]\nset = {{ X = \"y\" }}\nallow = [\":9\"]\n")
        })
    }

    fn a_name() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec!["default", "worker", "ci", "rails", "mine", "loose"])
    }

    proptest! {
        #[test]
        fn an_untrusted_choice_of_profile_only_tightens(
            stronger in proptest::option::of(a_name()),
            wished in a_name(),
            base in a_name(),
            theirs in body(),
            own in body(),
        ) {
            let named = stronger.map(|n| format!("profile = \"{n}\"\n")).unwrap_or_default();
            let user = format!("{named}[profiles.loose]\n{theirs}[profiles.mine]\nextends = \"loose\"\nproduction = \"never\"\nnever = [\"SECRET\"]\n");
            let project = format!("profile = \"{wished}\"\n[profiles.{wished}]\nextends = \"{base}\"\n{own}");
            let user = layer(LayerKind::User, Trust::Trusted, &user);
            let project = layer(LayerKind::Project, Trust::TightenOnly, &project);
            let without = choose(None, std::slice::from_ref(&user)).unwrap();
            match choose(None, &[user, project]) {
                Ok(with) => prop_assert!(no_looser(&with, &without), "{:?} {:?}", with, without),
                Err(e) => prop_assert!(e.message.contains("loop"), "{}", e),
            }
        }

        #[test]
        fn an_untrusted_project_only_tightens(name in proptest::sample::select(vec!["default", "worker", "ci"]), base in a_name(), body in body()) {
            prop_assume!(!matches!(base, "mine" | "loose"));
            let without = choose(Some(name), &[]).unwrap();
            let text = format!("[profiles.{name}]\nextends = \"{base}\"\n{body}\n[every]\n{body}");
            let with = choose(Some(name), &[layer(LayerKind::Project, Trust::TightenOnly, &text)]).unwrap();
            prop_assert!(no_looser(&with, &without));
            prop_assert!(with.pass.len() <= without.pass.len());
            prop_assert_eq!(with.set, without.set);
            prop_assert_eq!(with.allow, without.allow);
        }
    }
}
