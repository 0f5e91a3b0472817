//! `tagout run`: judge, record the intent, start, stay, record the outcome, end as the command
//! ended.

use std::io;
use std::mem::ManuallyDrop;

use super::arguments::Asked;
use super::status::{Status, StatusLines};
use super::{Session, checkpoint, exit, shim};
use crate::command::Effect;
use crate::command::program::ProgramError;
use crate::fence::{self, Prepared, Rules};
use crate::invocation::actor::Actor;
use crate::invocation::git::Git;
use crate::invocation::host::Host;
use crate::invocation::nesting::shim_name;
use crate::launch::{self, Closed, Ended, Fencing, Finished, Launch, Protections, StartError};
use crate::plan::Plan;
use crate::profile::{FenceUnavailable, HideBy, Profile, Survivors};
use crate::record::line::VERSION;
use crate::record::redact::without_passwords;
use crate::record::{
    Appended, Durability, Ending, Entry, GateFact, Journal, JournalError, Location, Observed,
    Outcome, RecordId, Surroundings, Usage, from_plan,
};
use crate::sys::clock::{self, Moment};
use crate::sys::process;
use crate::sys::signals::{self, Inherited};
use crate::ui::{report, sanitize};

/// The machine's journal, where its directory exists (the package makes it).
const SYSTEM_JOURNAL: &str = "/var/log/tagout";

/// Runs the command, if what it would do is allowed.
pub(super) fn run(session: &mut Session, asked: &Asked) -> u8 {
    let inherited = match Inherited::take_over() {
        Ok(inherited) => inherited,
        Err(e) => return session.failed(&format!("signals cannot be taken over: {e}"), &[]),
    };
    session.signals = Some(inherited);
    let mut status = match StatusLines::open(asked, &session.invocation.cwd) {
        Ok(status) => status,
        Err(what) => return session.failed(&what, &[]),
    };
    let code = judged(session, asked, &inherited, &mut status);
    if let Some(error) = &session.failure {
        status.say(&Status::Failed { error });
    }
    code
}

fn judged(
    session: &mut Session,
    asked: &Asked,
    inherited: &Inherited,
    status: &mut StatusLines,
) -> u8 {
    // The process ends with it: taking it apart before that would be work for nobody.
    let plan = match session.plan(asked) {
        Ok(plan) => ManuallyDrop::new(plan),
        Err(code) => return code,
    };
    if asked.probe {
        let notes = report::notes(&plan);
        for note in notes.iter().filter(|n| n.starts_with("not probed")) {
            session.warn(note);
        }
    }
    let mut run = match Run::begin(session, &plan) {
        Ok(run) => run,
        Err(e) => return session.failed(&format!("no random bytes for the record's id: {e}"), &[]),
    };
    status.say(&Status::Plan {
        id: run.id,
        plan: &plan,
    });
    if !plan.verdict.is_allowed() {
        return refuse(session, &plan, &mut run, status);
    }
    if let Err(e) = run.intent(session, &plan) {
        if must_be_recorded(&plan) {
            let hint = "mend the journal: a command that changes or may touch production does not start unrecorded";
            return session.failed(&e.to_string(), &[hint.to_owned()]);
        }
        session.warn(&format!("{e}: this run is not recorded"));
    }
    run.told_of_newer(session);
    if let Err(why) = anchored(session, &plan, &mut run) {
        let hint = "the configuration demands a head of the journal kept elsewhere before this";
        if let Err(e) = run.not_started("no-anchor") {
            session.warn(&e.to_string());
        }
        return session.failed(&why, &[hint.to_owned()]);
    }
    if session.ui.is_attended()
        && plan.effect() > Effect::Reads
        && let Some(missed) = report::missed(&plan)
    {
        // `RAILS_ENV=test rake db:drop`: who typed it takes the variable for passed.
        session.warn(&format!("{missed} (pass it with --keep)"));
    }
    launch(session, &plan, &mut run, inherited, status)
}

/// Has a head of the journal, this intent included, kept elsewhere where that is demanded before
/// such a command starts.
fn anchored(session: &Session, plan: &Plan, run: &mut Run) -> Result<(), String> {
    let required = &session.anchoring.required_for;
    // What can do anything counts as what it may be.
    let opaque = required.contains(&Effect::Destroys);
    let mut actions = plan.commands.iter().flat_map(|j| &j.command.actions);
    if !actions.any(|a| required.contains(&a.effect) || opaque && a.effect == Effect::Opaque) {
        return Ok(());
    }
    let begun = clock::now();
    let kept = kept_elsewhere(session);
    let decided = kept.as_ref().map(String::as_str).map_err(String::as_str);
    run.gate("anchor", begun, decided);
    let failed = |why| format!("no head of the journal could be kept elsewhere: {why}");
    kept.map(|_| ()).map_err(failed)
}

/// Where a head is kept now.
fn kept_elsewhere(session: &Session) -> Result<String, String> {
    let taken = checkpoint::take(session, &session.anchoring, &location(session));
    let taken = taken.map_err(|e| e.to_string())?;
    if !taken.kept.is_empty() {
        let seq = taken.signed.anchor.seq;
        return Ok(format!("record {seq} is kept in {}", taken.kept.join(", ")));
    }
    let whys = taken
        .failed
        .iter()
        .map(|(place, why)| format!("{place}: {why}"));
    let whys: Vec<String> = whys.collect();
    Err(match whys.is_empty() {
        true => "no place for heads is configured".to_owned(),
        false => whys.join("; "),
    })
}

/// After what matters a head is kept, where places for heads are configured.
fn anchor_after(session: &mut Session, plan: &Plan) {
    let matters = !plan.verdict.is_allowed() || plan.effect() >= Effect::ChangesSchema;
    let anchoring = &session.anchoring;
    if !matters || anchoring.keepers.is_empty() && anchoring.key.is_none() {
        return;
    }
    match checkpoint::take(session, &session.anchoring, &location(session)) {
        Ok(taken) => {
            for (place, why) in taken.failed {
                session.warn(&format!(
                    "the journal's head was not kept in {place}: {why}"
                ));
            }
        }
        Err(e) => session.warn(&format!("the journal's head was not kept: {e}")),
    }
}

fn refuse(session: &mut Session, plan: &Plan, run: &mut Run, status: &mut StatusLines) -> u8 {
    let recorded = run.refused(session, plan);
    let page = report::refusal(plan, session.ui.colours_messages());
    session.ui.message(&without_passwords(&page));
    if let Err(e) = recorded {
        session.warn(&format!("{e}: this refusal is not recorded"));
    }
    run.told_of_newer(session);
    status.say(&Status::Refused {
        id: run.id,
        rule: &plan.verdict.rule,
        reasons: &plan.verdict.reasons,
    });
    anchor_after(session, plan);
    exit::REFUSED
}

/// Records a refusal that was decided elsewhere (an agent's hook).
///
/// # Errors
/// Why it is not recorded.
pub(crate) fn record_refusal(session: &Session, plan: &Plan) -> Result<(), String> {
    let mut run = Run::begin(session, plan).map_err(|e| e.to_string())?;
    run.refused(session, plan).map_err(|e| e.to_string())
}

/// Without a record of its intent such a command does not start.
fn must_be_recorded(plan: &Plan) -> bool {
    plan.may_touch_production() || plan.effect() >= Effect::ChangesSchema
}

fn launch(
    session: &mut Session,
    plan: &Plan,
    run: &mut Run,
    inherited: &Inherited,
    status: &mut StatusLines,
) -> u8 {
    let program = match &plan.program {
        Ok(program) => program,
        Err(error) => {
            let code = match error {
                ProgramError::NotFound { .. } => (exit::NOT_FOUND, "ENOENT"),
                ProgramError::NotExecutable { .. } => (exit::NOT_EXECUTABLE, "EACCES"),
            };
            return not_started(session, run, status, &error.to_string(), code);
        }
    };
    let required = plan.profile.fence_unavailable == FenceUnavailable::Refuse;
    let lacks = run.protections.lacks(&plan.profile);
    if required && hides(&plan.profile) {
        let hidden = lacks
            .as_deref()
            .map_or(Ok("the kernel hides the files"), Err);
        run.gate("hide", run.begun, hidden);
    }
    if let Some(why) = lacks {
        let what = format!("the files of `hide` can be read: {why}");
        if required {
            let code = (exit::REFUSED, "hide-unavailable");
            return not_started(session, run, status, &what, code);
        }
        session.warn(&what);
    }
    let entries = plan.environment.entries();
    let environment = match run.protections.settle(&plan.profile, entries) {
        Ok(environment) => environment,
        Err(e) => {
            let what = format!("no private directory can be made: {e}");
            return not_started(session, run, status, &what, (exit::FAILED, "private"));
        }
    };
    let launch = Launch {
        program,
        argv: &plan.argv,
        environment,
        descriptors: &plan.profile.descriptors,
        closed: &run.closed,
        protections: &run.protections,
        survivors: plan
            .profile
            .survivors
            .as_ref()
            .map_or(Survivors::Leave, |(survivors, _)| *survivors),
    };
    let asked = clock::now();
    let fencing = match fencing(session, plan) {
        Ok(fencing) => fencing,
        Err(report) => return unfenced(session, run, status, &report),
    };
    let gated = fencing.as_ref().is_some_and(|fencing| fencing.required);
    if fencing.is_some() && fence::takes_rights_from(program) {
        session.warn(&format!(
            "`{}` is set-user-ID: inside the fence it gets no rights of its own; \
             a profile with fence = \"off\" leaves them",
            program.display()
        ));
    }
    let running = match launch::start(&launch, fencing, inherited) {
        Ok(running) => running,
        Err(StartError::Unfenced(report)) => return unfenced(session, run, status, &report),
        Err(StartError::System(e)) => {
            let what = format!("`{}` cannot be started: {e}", program.display());
            return not_started(session, run, status, &what, code_of(&e));
        }
    };
    if gated {
        run.gate("fence", asked, Ok("in force before the command began"));
    }
    // Inside another tagout its fence stands around this too.
    if let (Some(report), false) = (running.unfenced(), session.nested) {
        session.warn(&without_fence(report));
    }
    status.say(&Status::Started {
        id: run.id,
        pid: running.pid(),
    });
    let (finished, held) = running.stay();
    if let Some(why) = run.protections.clear() {
        session.warn(&why);
    }
    if let Err(e) = run.outcome(plan, finished, held.as_ref()) {
        session.warn(&format!("{e}: how this run ended is not recorded"));
    }
    let mut lacks = false;
    for line in held.iter().flat_map(fence::Report::refusals) {
        let line = sanitize::line(&line);
        lacks |= line.contains("not a resolved target");
        session.ui.message(&format!("tagout: {line}\n"));
    }
    if lacks {
        let hint = "hint: what it may reach besides stands in its profile: allow = [\"HOST:PORT\"] (tagout help fence)\n";
        session.ui.message(hint);
    }
    status.say(&Status::Ended {
        id: run.id,
        ended: finished.ended,
    });
    anchor_after(session, plan);
    end_as(finished.ended)
}

/// Whether the kernel is to hide files.
fn hides(profile: &Profile) -> bool {
    let by = profile.hide_by.as_ref().map(|(by, _)| *by);
    !profile.hide.is_empty() && by == Some(HideBy::Landlock)
}

/// The fence that the profile asks for, with its names looked up.
fn fencing(session: &mut Session, plan: &Plan) -> Result<Option<Fencing>, fence::Report> {
    let Some(mode) = fence::Mode::of(plan.profile.fence) else {
        return Ok(None);
    };
    let required = plan.profile.fence_unavailable == FenceUnavailable::Refuse;
    match Prepared::new(mode, Rules::of(plan)) {
        Ok(mut fence) => {
            fence.look_up();
            Ok(Some(Fencing { fence, required }))
        }
        Err(report) if required => Err(report),
        Err(report) => {
            session.warn(&without_fence(&report));
            Ok(None)
        }
    }
}

fn without_fence(report: &fence::Report) -> String {
    format!("this run is not fenced: {}", report.missing.join("; "))
}

/// The profile starts nothing without its fence.
fn unfenced(
    session: &mut Session,
    run: &mut Run,
    status: &mut StatusLines,
    report: &fence::Report,
) -> u8 {
    let why = report.missing.join("; ");
    run.gate("fence", clock::now(), Err(&why));
    let what = format!("the profile wants a fence and there is none: {why}");
    not_started(
        session,
        run,
        status,
        &what,
        (exit::REFUSED, "fence-unavailable"),
    )
}

fn code_of(error: &io::Error) -> (u8, &'static str) {
    match error.kind() {
        io::ErrorKind::NotFound => (exit::NOT_FOUND, "ENOENT"),
        io::ErrorKind::PermissionDenied => (exit::NOT_EXECUTABLE, "EACCES"),
        io::ErrorKind::ArgumentListTooLong => (exit::NOT_EXECUTABLE, "E2BIG"),
        _ => (exit::NOT_EXECUTABLE, "ENOEXEC"),
    }
}

fn not_started(
    session: &mut Session,
    run: &mut Run,
    status: &mut StatusLines,
    what: &str,
    (code, errno): (u8, &str),
) -> u8 {
    if let Err(e) = run.not_started(errno) {
        session.warn(&e.to_string());
    }
    let hints = shim::hint(shim_name(&session.invocation.args));
    session.ui.error(what, &hints);
    status.say(&Status::NotStarted {
        id: run.id,
        error: errno,
    });
    code
}

/// Ends as the command did: with its status, or by its signal.
fn end_as(ended: Ended) -> u8 {
    match ended {
        Ended::Exited(status) => u8::try_from(status).unwrap_or(exit::FAILED),
        Ended::Killed(signal, _) => {
            signals::die_by(signal);
            u8::try_from(128 + signal).unwrap_or(exit::FAILED)
        }
    }
}

/// The records of one run.
struct Run {
    id: RecordId,
    journal: Result<Journal, JournalError>,
    begun: Moment,
    durability: Durability,
    /// Inherited descriptors that the command does not get.
    closed: Vec<Closed>,
    protections: Protections,
    /// What was decided after the intent was recorded.
    gates: Vec<GateFact>,
    /// The last record before ours is of a version that is not known here.
    newer: Option<u32>,
}

impl Run {
    fn begin(session: &Session, plan: &Plan) -> io::Result<Run> {
        let begun = clock::now();
        let durable = !plan.verdict.is_allowed() || must_be_recorded(plan);
        Ok(Run {
            id: RecordId::new(begun)?,
            journal: Journal::open(&location(session)),
            begun,
            closed: launch::closing(&plan.profile.descriptors),
            protections: Protections::of(&plan.profile, &plan.hidden),
            gates: Vec::new(),
            newer: None,
            durability: if durable {
                Durability::Durable
            } else {
                Durability::Buffered
            },
        })
    }

    fn entry_facts(&self, session: &Session, plan: &Plan) -> crate::record::Run {
        let invocation = &session.invocation;
        let redactor = session.redactor();
        let around = Surroundings {
            actor: Actor::read(Some(invocation.caller.user.clone()), &|name| {
                invocation.variable(name)
            }),
            host: Host::read(),
            git: Git::find(&invocation.cwd),
            pid: process::id(),
            enforcement: std::iter::once(("mode", plan.profile.fence.word()))
                .chain(
                    self.protections
                        .list
                        .iter()
                        .map(|p| (p.name, p.status.word())),
                )
                .map(|(name, word)| (name.to_owned(), word.to_owned()))
                .collect(),
            enforcement_missing: self
                .protections
                .list
                .iter()
                .flat_map(|p| p.missing.iter().map(|what| format!("{}: {what}", p.name)))
                .collect(),
            closed: self
                .closed
                .iter()
                .map(|c| format!("{} {}", c.fd, c.what))
                .collect(),
        };
        from_plan(plan, self.id, self.begun, around, &redactor)
    }

    /// Notes a condition that was decided since `asked`: how it held, or why not.
    fn gate(&mut self, name: &str, asked: Moment, decided: Result<&str, &str>) {
        self.gates.push(GateFact {
            name: name.to_owned(),
            passed: decided.is_ok(),
            how: decided.unwrap_or_else(|why| why).to_owned(),
            took_ms: clock::now().millis().saturating_sub(asked.millis()),
        });
    }

    fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        match &self.journal {
            Ok(journal) => {
                let appended = journal.append(entry, self.durability)?;
                if let Appended::Chained { after, .. } = appended {
                    self.newer = (after > VERSION).then_some(after);
                }
                Ok(())
            }
            Err(_) => Err(self.unopened()),
        }
    }

    /// Says that a newer tagout writes to this journal, too: readers of this version do not
    /// understand all that it says.
    fn told_of_newer(&self, session: &mut Session) {
        if let Some(version) = self.newer {
            session.warn(&format!(
                "the journal's last record is of version {version}, this tagout knows {VERSION}: a newer one writes here, update this one"
            ));
        }
    }

    /// The failure to open is said once; afterwards the journal is simply closed.
    fn unopened(&mut self) -> JournalError {
        let gone = JournalError::Io("used", io::Error::other("it could not be opened"));
        std::mem::replace(&mut self.journal, Err(gone))
            .err()
            .unwrap_or(JournalError::Full)
    }

    fn intent(&mut self, session: &Session, plan: &Plan) -> Result<(), JournalError> {
        let facts = self.entry_facts(session, plan);
        self.append(&Entry::intent(&facts))
    }

    fn refused(&mut self, session: &Session, plan: &Plan) -> Result<(), JournalError> {
        let facts = self.entry_facts(session, plan);
        self.append(&Entry::refused(&facts))
    }

    fn outcome(
        &mut self,
        plan: &Plan,
        finished: Finished,
        held: Option<&fence::Report>,
    ) -> Result<(), JournalError> {
        let ending = match finished.ended {
            Ended::Exited(status) => Ending::Exited(status),
            Ended::Killed(signal, core) => Ending::Signalled(signals::name(signal), core),
        };
        let used = finished.used;
        let usage = Usage {
            user_ms: used.user_ms,
            sys_ms: used.system_ms,
            max_rss_kb: used.max_rss_kb,
            in_blocks: used.blocks.0,
            out_blocks: used.blocks.1,
            voluntary: used.switches.0,
            involuntary: used.switches.1,
        };
        let observed = held.map(|held| held.observed(self.begun, plan));
        self.end(ending, Some(usage), observed.unwrap_or_default(), held)
    }

    fn not_started(&mut self, errno: &str) -> Result<(), JournalError> {
        self.end(Ending::NotStarted(errno.to_owned()), None, Vec::new(), None)
    }

    fn end(
        &mut self,
        ending: Ending,
        usage: Option<Usage>,
        observed: Vec<Observed>,
        held: Option<&fence::Report>,
    ) -> Result<(), JournalError> {
        if self.journal.is_err() {
            return Ok(());
        }
        let time = clock::now();
        let outcome = Outcome {
            id: self.id,
            time,
            ending,
            took_ms: time.millis().saturating_sub(self.begun.millis()),
            usage,
            observed,
            fence: held.map(fence::Report::fact),
            gates: std::mem::take(&mut self.gates),
        };
        self.append(&Entry::outcome(&outcome))
    }
}

/// The machine's journal where there is one, else the user's.
pub(crate) fn location(session: &Session) -> Location {
    let system = std::path::Path::new(SYSTEM_JOURNAL);
    match session.invocation.state_folder() {
        Some(folder) if !system.is_dir() => Location::User(folder.join("journal")),
        _ => Location::System(system.to_owned()),
    }
}
