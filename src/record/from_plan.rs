//! From a plan to what is recorded of it: names without values, words without secrets.

use sha2::{Digest, Sha256};

use crate::environment::Fate;
use crate::invocation::actor::Actor;
use crate::invocation::git::Git;
use crate::invocation::host::Host;
use crate::plan::{JudgedTarget, Plan};
use crate::profile::{Descriptors, FenceUnavailable, Mark, Profile, Unmarked};
use crate::sys::clock::Moment;
use crate::target::{Gap, Target};

use super::redact::{MASK, Redactor, is_secret};
use super::{
    ActionFact, FieldFact, GapFact, NamesFact, ProcessFact, ProfileFact, RecordId, Run, TargetFact,
    gates, hex,
};

/// What is recorded besides the plan.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Who called.
    pub actor: Actor,
    /// Where.
    pub host: Host,
    /// At which commit.
    pub git: Option<Git>,
    /// tagout's own process id.
    pub pid: u32,
    /// The fence: (`mode`, `hold`), (`status`, `full`), ...
    pub enforcement: Vec<(String, String)>,
    /// What the fence lacks here.
    pub enforcement_missing: Vec<String>,
    /// Descriptors that are closed.
    pub closed: Vec<String>,
}

/// What is recorded of a plan: the facts of [`super::Entry::intent`] and
/// [`super::Entry::refused`].
pub fn from_plan(
    plan: &Plan,
    id: RecordId,
    time: Moment,
    around: Surroundings,
    redactor: &Redactor,
) -> Run {
    let own = |text: &str| redactor.own_text(text);
    let verdict = match plan.verdict.is_allowed() {
        true => "allowed",
        false => "refused",
    };
    let Surroundings {
        mut actor,
        host,
        git,
        pid,
        enforcement,
        enforcement_missing,
        closed,
    } = around;
    for (_, claim) in &mut actor.claims {
        *claim = redactor.text(claim);
    }
    Run {
        id,
        time,
        verdict: verdict.to_owned(),
        rule: plan.verdict.rule.clone(),
        reasons: plan.verdict.reasons.iter().map(|r| own(r)).collect(),
        effect: plan.effect().word().to_owned(),
        tool: own(plan.tool()),
        actions: actions(plan, redactor),
        targets: plan
            .reached()
            .into_iter()
            .map(|t| target(t, redactor))
            .collect(),
        gaps: gaps(plan, redactor),
        errors: errors(plan, redactor),
        gates: gates::of_plan(plan, redactor),
        actor,
        process: process(plan, pid, redactor),
        profile: ProfileFact {
            name: plan.profile.name.clone(),
            digest: Some(digest(&plan.profile)),
            layers: plan.profile.layers.clone(),
        },
        environment: names(plan),
        enforcement,
        enforcement_missing,
        closed,
        git,
        host,
    }
}

/// SHA-256 of every rule of the profile in force, wherever it stands: two runs with the same
/// digest were judged by the same profile. Values that may be secret are left out: a digest of
/// little else would give them away to guessing.
fn digest(profile: &Profile) -> String {
    let mut said = Vec::with_capacity(1024);
    // Lengths first, so that no two lists of texts read alike. Of a short one a byte: the profile
    // is hashed anew by each launch.
    let mut say = |text: &str| {
        match u8::try_from(text.len()) {
            Ok(short) if short < u8::MAX => said.push(short),
            _ => {
                said.push(u8::MAX);
                said.extend_from_slice(&(text.len() as u64).to_le_bytes());
            }
        }
        said.extend_from_slice(text.as_bytes());
    };
    say(&profile.pass.len().to_string());
    for pass in &profile.pass {
        say(&pass.name);
    }
    for (name, value, _) in &profile.set {
        say("set");
        say(name);
        say(if is_secret(name) { "" } else { value });
    }
    let lists = [
        ("never", &profile.never),
        ("require", &profile.require),
        ("allow", &profile.allow),
        ("hide", &profile.hide),
    ];
    for (what, list) in lists {
        for (text, _) in list {
            say(what);
            say(text);
        }
    }
    say(profile.production.word());
    say(profile.fence.word());
    let unmarked = profile.unmarked == Unmarked::Allow;
    let unfenced = profile.fence_unavailable == FenceUnavailable::Warn;
    say(if unmarked { "unmarked allowed" } else { "" });
    say(if unfenced { "unfenced allowed" } else { "" });
    match &profile.descriptors {
        Descriptors::All => say("close all"),
        Descriptors::NoSockets => say("close sockets"),
        Descriptors::Only(kept) => kept.iter().for_each(|fd| say(&fd.to_string())),
    }
    let mut say_mark = |mark: &Mark| {
        let port = mark.port.map(|port| port.to_string());
        let parts = [
            &mark.engine,
            &mark.host,
            &mark.network,
            &mark.socket,
            &mark.file,
            &port,
            &mark.database,
            &mark.environment,
            &mark.identifier,
        ];
        say(mark.tier.word());
        for part in parts {
            say(part.as_deref().unwrap_or_default());
        }
    };
    profile.marks.iter().for_each(&mut say_mark);
    for applied in &profile.migrations {
        say_mark(&applied.on);
    }
    for applied in &profile.migrations {
        let given = [&applied.folder, &applied.versions_file];
        let given = given.map(|part| part.as_deref().unwrap_or_default());
        let versions = applied.versions.iter().map(String::as_str);
        given.into_iter().chain(versions).for_each(&mut say);
    }
    format!("sha256:{}", hex(&Sha256::digest(&said)))
}

fn actions(plan: &Plan, redactor: &Redactor) -> Vec<ActionFact> {
    let actions = plan.commands.iter().flat_map(|j| &j.command.actions);
    actions
        .map(|a| ActionFact {
            name: redactor.own_text(&a.name),
            effect: a.effect.word().to_owned(),
        })
        .collect()
}

fn gaps(plan: &Plan, redactor: &Redactor) -> Vec<GapFact> {
    let mut seen: Vec<&Gap> = Vec::new();
    for gap in plan.commands.iter().flat_map(|j| &j.resolution.gaps) {
        if !seen.contains(&gap) {
            seen.push(gap);
        }
    }
    seen.into_iter()
        .map(|gap| GapFact {
            field: gap.field.to_owned(),
            reason: redactor.own_text(&gap.reason),
        })
        .collect()
}

fn errors(plan: &Plan, redactor: &Redactor) -> Vec<(String, String)> {
    let errors = plan.commands.iter().flat_map(|j| &j.resolution.errors);
    errors
        .map(|e| (e.what.to_owned(), redactor.own_text(&e.detail)))
        .collect()
}

fn process(plan: &Plan, pid: u32, redactor: &Redactor) -> ProcessFact {
    let words: Vec<_> = plan.argv.iter().map(|w| w.to_string_lossy()).collect();
    let redacted = redactor.words(&words);
    let exe = plan.program.as_ref().ok();
    ProcessFact {
        pid,
        exe: exe.map(|path| path.to_string_lossy().into_owned()),
        argv: redacted.words,
        redacted: redacted
            .hits
            .into_iter()
            .map(|(word, rule)| (word, rule.word().to_owned()))
            .collect(),
        cwd: plan.cwd.to_string_lossy().into_owned(),
        mode: "supervise".to_owned(),
    }
}

fn names(plan: &Plan) -> NamesFact {
    let mut names = NamesFact::default();
    for decision in &plan.environment.decisions {
        let list = match &decision.fate {
            Fate::Kept(_) => &mut names.kept,
            Fate::Set(_) => &mut names.set,
            Fate::Dropped(_) => &mut names.dropped,
        };
        list.push(decision.name.clone());
    }
    names
}

fn target(judged: &JudgedTarget, redactor: &Redactor) -> TargetFact {
    let target: &Target = &judged.target;
    let fields = target.fields().into_iter().map(|f| FieldFact {
        what: f.what.to_owned(),
        shown: match f.value.rsplit_once('@').filter(|_| f.what == "host") {
            // A password with an unescaped `@`: what stands before the last one is no host.
            Some((_, host)) => format!("{MASK}@{}", redactor.own_text(host)),
            None => redactor.own_text(&f.value),
        },
        from: redactor.own_text(&f.from),
        beat: f.beat.iter().map(|b| redactor.own_text(b)).collect(),
    });
    TargetFact {
        uri: redactor.own_text(&target.to_string()),
        engine: target.engine.word().to_owned(),
        tier: judged.tier.word().to_owned(),
        mark: judged.mark.clone(),
        fields: fields.collect(),
    }
}
