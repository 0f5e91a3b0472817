//! What the fence saw and did, for the record and for people.

use std::collections::{BTreeMap, BTreeSet};

use super::endpoint::Endpoint;
use super::policy::{Judgement, Kind, Place, RESOLVED_TARGET};
use super::task::Program;
use super::{Mode, Tier};
use crate::plan::{JudgedTarget, Plan};
use crate::record::{FenceFact, Observed};
use crate::sys::clock::{self, Moment};

/// Distinct endpoints that are kept; more are only counted.
const ENDPOINTS: usize = 1000;
/// Threads whose programs are remembered as noted.
const KNOWN: usize = 4096;
/// Distinct programs that are kept for one endpoint.
const PROGRAMS: usize = 16;

/// How an attempt went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The connection came about.
    Connected,
    /// The system refused: errno.
    Failed(i32),
    /// It had not ended when it was looked at last.
    InProgress,
    /// The kernel did it without telling how it went.
    Unseen,
    /// The fence refused it.
    Refused,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Connected => "connected",
            Outcome::Failed(_) => "failed",
            Outcome::InProgress => "in-progress",
            Outcome::Unseen => "unseen",
            Outcome::Refused => "refused",
        }
    }
}

/// An endpoint that programs of the tree tried to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Where.
    pub endpoint: Endpoint,
    /// With what kind of socket.
    pub kind: Kind,
    /// It is a resolved target.
    pub target: bool,
    /// The rules let it through; where they were only observed, they would have.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: String,
    /// How the last attempt went on.
    pub outcome: Outcome,
    /// How many attempts there were.
    pub count: u64,
    /// How many of them connected.
    pub connected: u64,
    /// The first attempt.
    pub first: Moment,
    /// The last attempt.
    pub last: Moment,
    /// Who tried, at most 16.
    pub programs: BTreeSet<Program>,
}

/// How much of what the fence promises was in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All of it.
    Full,
    /// Some; the report says what is missing.
    Partial,
    /// None of it.
    None,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Full => "full",
            Status::Partial => "partial",
            Status::None => "none",
        }
    }
}

/// What the fence saw and did during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Report {
    /// What was asked for.
    pub mode: Mode,
    /// What the kernel gave.
    pub tier: Tier,
    /// How much was in force.
    pub status: Status,
    /// What was not, and why.
    pub missing: Vec<String>,
    /// What no fence by address can tell apart here.
    pub limits: Vec<String>,
    /// Whom the tree tried to reach.
    pub contacts: Vec<Contact>,
    /// Attempts on endpoints that found no room in the list.
    pub unlisted: u64,
    /// How many calls of the tree waited for an answer.
    pub asked: u64,
    /// Attempts that could not be judged (refused where the fence holds).
    pub unjudged: u64,
    /// Processes of the tree were left when the report was made.
    pub outlived: bool,
}

impl Report {
    /// A run without fence.
    pub(crate) fn without(mode: Mode, missing: Vec<String>) -> Report {
        Report {
            mode,
            tier: Tier::None,
            status: Status::None,
            missing,
            limits: Vec::new(),
            contacts: Vec::new(),
            unlisted: 0,
            asked: 0,
            unjudged: 0,
            outlived: false,
        }
    }

    /// One line for each endpoint that was refused: `refused connect by PROG (pid N) to ADDRESS:
    /// RULE`.
    pub fn refusals(&self) -> Vec<String> {
        let refused =
            |contact: &&Contact| contact.outcome == Outcome::Refused && contact.kind != Kind::Probe;
        self.contacts
            .iter()
            .filter(refused)
            .map(|contact| {
                let what = match contact.kind {
                    Kind::Message => "message",
                    _ => "connect",
                };
                let who = contact.programs.iter().next();
                let who = who.map_or("?".to_owned(), ToString::to_string);
                let times = match contact.count {
                    1 => String::new(),
                    count => format!(" ({count} times)"),
                };
                format!(
                    "refused {what} by {who} to {}: {}{times}",
                    contact.endpoint, contact.rule
                )
            })
            .collect()
    }
}

/// What the record keeps of a report.
impl Report {
    /// How the fence held.
    pub fn fact(&self) -> FenceFact {
        FenceFact {
            mode: self.mode.word().to_owned(),
            tier: self.tier.word().to_owned(),
            status: self.status.word().to_owned(),
            missing: self.missing.clone(),
            limits: self.limits.clone(),
            asked: self.asked,
            unjudged: self.unjudged,
            unlisted: self.unlisted,
            outlived: self.outlived,
        }
    }

    /// Whom the run tried to reach: what should not have been first, then the plan's targets, then
    /// the rest.
    pub fn observed(&self, exec: Moment, plan: &Plan) -> Vec<Observed> {
        let after = |moment: Moment| moment.millis().saturating_sub(exec.millis());
        let mut contacts: Vec<&Contact> = self.contacts.iter().collect();
        contacts.sort_by_key(|contact| (contact.allowed, !contact.target));
        contacts
            .into_iter()
            .map(|contact| Observed {
                protocol: contact.protocol().to_owned(),
                peer: contact.peer(),
                first_ms: after(contact.first),
                last_ms: after(contact.last),
                count: contact.count,
                target: contact.index_in(plan),
                mismatch: !contact.allowed,
                denied: contact.outcome == Outcome::Refused,
                rule: contact.rule.clone(),
                outcome: contact.outcome.word().to_owned(),
                programs: contact.programs.iter().map(ToString::to_string).collect(),
            })
            .collect()
    }
}

impl Contact {
    /// Which of the plan's targets it is.
    fn index_in(&self, plan: &Plan) -> Option<usize> {
        let label = self.rule.strip_prefix(RESOLVED_TARGET)?;
        let is_it = |judged: &&JudgedTarget| {
            let places = Place::of_target(&judged.target);
            places.iter().any(|place| place.label == label)
        };
        plan.reached().iter().position(is_it)
    }

    fn protocol(&self) -> &'static str {
        match self.kind {
            Kind::Stream => "tcp",
            Kind::Probe | Kind::Message => "udp",
            Kind::Unix => "unix",
        }
    }

    fn peer(&self) -> String {
        let text = self.endpoint.to_string();
        text.strip_prefix("unix:")
            .map(str::to_owned)
            .unwrap_or(text)
    }
}

type Key = (Endpoint, Kind, bool);

/// The list of contacts while the run lasts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    contacts: BTreeMap<Key, Contact>,
    /// Which threads are known at which endpoint: their names are looked up once.
    known: BTreeSet<(u32, Key)>,
    unlisted: u64,
    pub(crate) asked: u64,
    pub(crate) unjudged: u64,
}

impl Ledger {
    /// Notes an attempt and how it went on; the key is for [`Ledger::settle`].
    pub(crate) fn note(
        &mut self,
        thread: u32,
        endpoint: &Endpoint,
        kind: Kind,
        judgement: &Judgement,
        outcome: Outcome,
    ) -> Key {
        let key = (endpoint.clone(), kind, outcome == Outcome::Refused);
        let now = clock::now();
        if !self.contacts.contains_key(&key) && self.contacts.len() >= ENDPOINTS {
            self.unlisted += 1;
            return key;
        }
        let contact = self.contacts.entry(key.clone()).or_insert_with(|| Contact {
            endpoint: endpoint.clone(),
            kind,
            target: judgement.target,
            allowed: judgement.allowed,
            rule: judgement.rule.clone(),
            outcome,
            count: 0,
            connected: 0,
            first: now,
            last: now,
            programs: BTreeSet::new(),
        });
        contact.count += 1;
        contact.last = now;
        contact.outcome = outcome;
        contact.connected += u64::from(outcome == Outcome::Connected);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        if contact.programs.len() < PROGRAMS && self.known.insert((thread, key.clone())) {
            contact.programs.insert(Program::of_thread(thread));
        }
        key
    }

    /// Notes how an attempt that was in progress ended.
    pub(crate) fn settle(&mut self, key: &Key, outcome: Outcome) {
        if let Some(contact) = self.contacts.get_mut(key) {
            contact.outcome = outcome;
            contact.connected += u64::from(outcome == Outcome::Connected);
        }
    }

    pub(crate) fn into_contacts(self) -> (Vec<Contact>, u64) {
        let mut contacts: Vec<_> = self.contacts.into_values().collect();
        contacts.sort_by_key(|contact| contact.first);
        (contacts, self.unlisted)
    }
}

pub(crate) type ContactKey = Key;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::policy::{Policy, Rules};

    fn refused() -> Judgement {
        let policy = Policy::new(Rules {
            production: vec![Place::host("10.0.0.9", None, "10.0.0.9")],
            refuse_production: true,
            ..Rules::default()
        });
        policy.judge_ip([10, 0, 0, 9].into(), 5432, Kind::Stream)
    }

    #[test]
    fn the_list_is_bounded_and_counts_the_rest() {
        let mut ledger = Ledger::default();
        let me = std::process::id();
        for port in 0..1100 {
            let endpoint = Endpoint::Ip([10, 0, 0, 9].into(), port);
            let _ = ledger.note(me, &endpoint, Kind::Stream, &refused(), Outcome::Refused);
        }
        let (contacts, unlisted) = ledger.into_contacts();
        assert_eq!((contacts.len(), unlisted), (1000, 100));
    }

    #[test]
    fn refusals_name_who_and_where() {
        let mut ledger = Ledger::default();
        let endpoint = Endpoint::Ip([10, 0, 0, 9].into(), 5432);
        for kind in [Kind::Probe, Kind::Stream, Kind::Stream] {
            let _ = ledger.note(
                std::process::id(),
                &endpoint,
                kind,
                &refused(),
                Outcome::Refused,
            );
        }
        let (contacts, _) = ledger.into_contacts();
        let report = Report {
            contacts,
            ..Report::without(Mode::Hold, Vec::new())
        };
        let me = Program::of_thread(std::process::id());
        assert_eq!(
            report.refusals(),
            [format!(
                "refused connect by {} (pid {}) to 10.0.0.9:5432: production mark 10.0.0.9 (2 times)",
                me.name, me.pid
            )]
        );
    }
}
