//! Entries of the journal: identity and verdict first, in case the rest is cut.

use crate::invocation::actor::Actor;
use crate::sys::clock::Moment;

use super::facts::{
    Ending, FenceFact, GateFact, NamesFact, Observed, Outcome, ProcessFact, Run, TargetFact, Usage,
};
use super::json::{Json, LIMITS, Limits};
use super::{RecordId, rfc3339};

/// The most bytes of one line.
pub(super) const MAX_LINE: usize = 16 * 1024;
/// What the chain's own fields take of it at most.
const CHAIN_FIELDS: usize = 256;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A command is about to be started.
    Intent,
    /// It ended.
    Outcome,
    /// It was not started.
    Refused,
    /// The first line of a chain.
    Genesis,
    /// The first line of a later segment.
    Segment,
    /// A head worth keeping elsewhere.
    Checkpoint,
}

impl Phase {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Intent => "intent",
            Phase::Outcome => "outcome",
            Phase::Refused => "refused",
            Phase::Genesis => "genesis",
            Phase::Segment => "segment",
            Phase::Checkpoint => "checkpoint",
        }
    }
}

/// One entry, ready to be sealed into the chain.
#[derive(Debug, Clone)]
pub struct Entry {
    id: RecordId,
    phase: Phase,
    body: Vec<u8>,
}

impl Entry {
    /// A command is about to be started.
    pub fn intent(run: &Run) -> Entry {
        Entry::build(run.id, Phase::Intent, run.time, |json| {
            run_fields(json, run)
        })
    }

    /// A command was not started.
    pub fn refused(run: &Run) -> Entry {
        Entry::build(run.id, Phase::Refused, run.time, |json| {
            run_fields(json, run)
        })
    }

    /// A command ended.
    pub fn outcome(outcome: &Outcome) -> Entry {
        Entry::build(outcome.id, Phase::Outcome, outcome.time, |json| {
            outcome_fields(json, outcome);
        })
    }

    /// Builds the body with the most generous limits under which it fits a line.
    pub(super) fn build(
        id: RecordId,
        phase: Phase,
        time: Moment,
        fields: impl Fn(&mut Json),
    ) -> Entry {
        let with = |limits: Limits| {
            let mut json = Json::new(limits);
            json.text("id", &id.to_string());
            json.text("phase", phase.word());
            json.text("time", &rfc3339(time));
            fields(&mut json);
            json.into_bytes()
        };
        let fits = |body: &Vec<u8>| body.len() + CHAIN_FIELDS <= MAX_LINE;
        let [first, rest @ ..] = LIMITS;
        let mut body = with(first);
        for limits in rest {
            if fits(&body) {
                break;
            }
            body = with(limits);
        }
        Entry { id, phase, body }
    }

    /// The run's id.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// What it says.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The members of the record's object between `prev` and `hash`.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

fn run_fields(json: &mut Json, run: &Run) {
    let items = json.limits.items;
    json.text("verdict", &run.verdict);
    json.text("rule", &run.rule);
    json.texts("reasons", &run.reasons, items);
    json.text("effect", &run.effect);
    json.text("tool", &run.tool);
    json.list("actions", &run.actions, items, |json, action| {
        json.braces(|json| {
            json.text("name", &action.name);
            json.text("effect", &action.effect);
        });
    });
    json.list("targets", &run.targets, items, target);
    json.list("unresolved", &run.gaps, items, |json, gap| {
        json.braces(|json| {
            json.text("field", &gap.field);
            json.text("reason", &gap.reason);
        });
    });
    json.list("errors", &run.errors, items, |json, (what, detail)| {
        json.braces(|json| {
            json.text("what", what);
            json.text("detail", detail);
        });
    });
    json.list("gates", &run.gates, items, gate);
    json.object("actor", |json| actor(json, &run.actor));
    json.object("process", |json| process(json, &run.process));
    surroundings(json, run);
}

fn gate(json: &mut Json, gate: &GateFact) {
    json.braces(|json| {
        json.text("name", &gate.name);
        json.flag("passed", gate.passed);
        json.text("how", &gate.how);
        json.number("took_ms", gate.took_ms);
    });
}

fn surroundings(json: &mut Json, run: &Run) {
    let items = json.limits.items;
    json.object("profile", |json| {
        json.text("name", &run.profile.name);
        json.optional("digest", run.profile.digest.as_deref());
        json.texts("layers", &run.profile.layers, items);
    });
    json.object("env", |json| names(json, &run.environment));
    if !run.enforcement.is_empty() {
        json.object("enforcement", |json| {
            for (name, value) in run.enforcement.iter().take(items) {
                json.text(name, value);
            }
            json.texts("missing", &run.enforcement_missing, items);
        });
    }
    json.texts("closed", &run.closed, items);
    if let Some(git) = &run.git {
        json.object("git", |json| {
            json.optional("commit", git.commit.as_deref());
            json.optional("branch", git.branch.as_deref());
        });
    }
    json.object("host", |json| {
        json.text("name", &run.host.name);
        json.optional("boot", run.host.boot.as_deref());
        json.optional("machine", run.host.machine.as_deref());
        json.optional("unit", run.host.unit.as_deref());
    });
    json.text("tagout", env!("CARGO_PKG_VERSION"));
}

fn target(json: &mut Json, target: &TargetFact) {
    let items = json.limits.items;
    json.braces(|json| {
        json.text("uri", &target.uri);
        json.text("engine", &target.engine);
        json.text("tier", &target.tier);
        json.optional("mark", target.mark.as_deref());
        json.list("facts", &target.fields, items * 4, |json, field| {
            json.braces(|json| {
                json.text("what", &field.what);
                json.text("shown", &field.shown);
                json.text("from", &field.from);
                json.texts("beat", &field.beat, items);
            });
        });
    });
}

fn actor(json: &mut Json, actor: &Actor) {
    json.number("uid", actor.uid);
    json.number("euid", actor.euid);
    json.optional_number("login_uid", actor.login_uid);
    json.optional("user", actor.user.as_deref());
    json.optional("tty", actor.tty.as_deref());
    json.optional_number("audit_session", actor.audit_session);
    json.list("ancestors", &actor.ancestors, 16, |json, parent| {
        json.braces(|json| {
            json.number("pid", parent.pid);
            json.number("start", parent.start);
            json.text("comm", &parent.comm);
        });
    });
    if !actor.claims.is_empty() {
        json.object("claims", |json| {
            for (name, value) in &actor.claims {
                json.text(name, value);
            }
        });
    }
}

fn process(json: &mut Json, process: &ProcessFact) {
    let words = json.limits.words;
    json.number("pid", process.pid);
    json.optional("exe", process.exe.as_deref());
    json.texts("argv", &process.argv, words);
    json.list("redacted", &process.redacted, words, |json, (at, rule)| {
        json.pair(*at, rule);
    });
    json.text("cwd", &process.cwd);
    json.text("mode", &process.mode);
}

fn names(json: &mut Json, names: &NamesFact) {
    let limit = json.limits.names;
    json.texts("kept", &names.kept, limit);
    json.texts("set", &names.set, limit.saturating_sub(names.kept.len()));
    let left = limit.saturating_sub(names.kept.len() + names.set.len());
    json.texts("dropped", &names.dropped, left);
}

fn outcome_fields(json: &mut Json, outcome: &Outcome) {
    json.object("exit", |json| match &outcome.ending {
        Ending::Exited(code) => json.number("code", *code),
        Ending::Signalled(signal, core) => {
            json.text("signal", signal);
            json.flag("core", *core);
        }
        Ending::NotStarted(error) => json.text("not_started", error),
        Ending::TimedOut => json.flag("timed_out", true),
    });
    json.number("took_ms", outcome.took_ms);
    if let Some(usage) = &outcome.usage {
        json.object("rusage", |json| rusage(json, usage));
    }
    let items = json.limits.items;
    json.list("gates", &outcome.gates, items, gate);
    json.list("observed", &outcome.observed, items, observed);
    if let Some(held) = &outcome.fence {
        json.object("fence", |json| fence(json, held));
    }
}

fn rusage(json: &mut Json, usage: &Usage) {
    json.number("user_ms", usage.user_ms);
    json.number("sys_ms", usage.sys_ms);
    json.number("max_rss_kb", usage.max_rss_kb);
    json.number("in_blocks", usage.in_blocks);
    json.number("out_blocks", usage.out_blocks);
    json.number("vcsw", usage.voluntary);
    json.number("ivcsw", usage.involuntary);
}

fn observed(json: &mut Json, seen: &Observed) {
    json.braces(|json| {
        json.text("proto", &seen.protocol);
        json.text("peer", &seen.peer);
        json.number("first_ms", seen.first_ms);
        if let Some(index) = seen.target {
            json.number("matches", index as i128);
        }
        if seen.mismatch {
            json.flag("mismatch", true);
        }
        if seen.denied {
            json.flag("denied", true);
        }
        json.number("last_ms", seen.last_ms);
        json.number("count", seen.count);
        json.text("rule", &seen.rule);
        json.text("outcome", &seen.outcome);
        let items = json.limits.items.min(8);
        json.texts("programs", &seen.programs, items);
    });
}

fn fence(json: &mut Json, held: &FenceFact) {
    json.text("mode", &held.mode);
    json.text("tier", &held.tier);
    json.text("status", &held.status);
    let items = json.limits.items;
    json.texts("missing", &held.missing, items);
    json.texts("limits", &held.limits, items);
    json.number("asked", held.asked);
    json.number("unjudged", held.unjudged);
    json.number("unlisted", held.unlisted);
    json.flag("outlived", held.outlived);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::actor::Ancestor;
    use crate::invocation::host::Host;
    use crate::record::{FieldFact, ProfileFact};
    use crate::sys::clock;

    fn run(text: &str, count: usize) -> Run {
        let words = vec![text.to_owned(); count];
        let field = FieldFact {
            what: text.to_owned(),
            shown: text.to_owned(),
            from: text.to_owned(),
            beat: vec![text.to_owned(); count.min(40)],
        };
        let target = TargetFact {
            uri: text.to_owned(),
            engine: text.to_owned(),
            tier: text.to_owned(),
            mark: Some(text.to_owned()),
            fields: vec![field; count.min(20)],
        };
        Run {
            id: RecordId::new(Moment::default()).unwrap(),
            time: clock::now(),
            verdict: "refused".to_owned(),
            rule: "destroys-production".to_owned(),
            reasons: words.clone(),
            effect: "destroys".to_owned(),
            tool: text.to_owned(),
            actions: Vec::new(),
            targets: vec![target; count.min(20)],
            gaps: Vec::new(),
            errors: vec![(text.to_owned(), text.to_owned()); count],
            gates: Vec::new(),
            actor: Actor {
                ancestors: vec![
                    Ancestor {
                        pid: 1,
                        start: u64::MAX,
                        comm: text.to_owned()
                    };
                    16
                ],
                claims: vec![("SUDO_USER".to_owned(), text.to_owned()); 12],
                ..Actor::default()
            },
            process: ProcessFact {
                argv: words.clone(),
                redacted: (0..count).map(|n| (n, text.to_owned())).collect(),
                cwd: text.to_owned(),
                ..ProcessFact::default()
            },
            profile: ProfileFact {
                layers: words.clone(),
                ..ProfileFact::default()
            },
            environment: NamesFact {
                kept: words.clone(),
                set: words.clone(),
                dropped: words.clone(),
            },
            enforcement: vec![("mode".to_owned(), text.to_owned())],
            enforcement_missing: words.clone(),
            closed: words,
            git: None,
            host: Host::default(),
        }
    }

    fn value(entry: &Entry) -> serde_json::Value {
        let object = [b"{", entry.body(), b"}"].concat();
        serde_json::from_slice(&object).unwrap()
    }

    #[test]
    fn an_entry_never_outgrows_a_line_and_stays_json() {
        for text in [
            "x",
            "\u{1}",
            "\"\\",
            "€",
            &"\u{1}".repeat(5000),
            &"ß".repeat(5000),
        ] {
            for count in [0, 1, 30, 2000] {
                let entry = Entry::refused(&run(text, count));
                assert!(
                    entry.body().len() + CHAIN_FIELDS <= MAX_LINE,
                    "{} bytes for {count} times {text:.10}",
                    entry.body().len()
                );
                assert_eq!(value(&entry)["verdict"], "refused");
            }
        }
    }

    #[test]
    fn what_is_cut_says_how_much_there_was() {
        let value = value(&Entry::intent(&run(&"y".repeat(3000), 300)));
        assert_eq!(value["process"]["argv_count"], 300);
        let word = value["process"]["argv"][0].as_str().unwrap();
        assert!(word.ends_with("…[3000 bytes]"), "{word}");
    }

    #[test]
    fn keys_come_in_the_documented_order() {
        let entry = Entry::intent(&run("x", 1));
        let text = String::from_utf8_lossy(entry.body()).into_owned();
        let keys = [
            "\"id\":",
            "\"phase\":",
            "\"time\":",
            "\"verdict\":",
            "\"rule\":",
            "\"effect\":",
            "\"targets\":",
            "\"actor\":",
            "\"process\":",
            "\"profile\":",
            "\"env\":",
            "\"host\":",
        ];
        let places: Vec<_> = keys.iter().map(|k| text.find(k).unwrap()).collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}
