//! A plan as people and programs read it.

use super::sanitize::line as clean;
use serde_json::{Value, json};

use super::{Tone, paint};
use crate::environment::Fate;
use crate::launch::{Closed, Protection};
use crate::plan::{JudgedTarget, Plan};
use crate::target::{Address, Role};

/// What the fence would do, said by the launch side.
#[derive(Debug, Clone, Default)]
pub struct FenceShown {
    /// `off`, `observe`, `hold`.
    pub mode: String,
    /// `full`, `partial`, `none`.
    pub status: String,
    /// How the kernel would hold: `emulate`, `check`, `ptrace`, `none`.
    pub tier: String,
    /// What is missing, or why.
    pub missing: Vec<String>,
    /// What no fence by address can tell apart here.
    pub limits: Vec<String>,
}

impl FenceShown {
    /// The status, and the tier where it is not the best.
    fn shown(&self) -> String {
        match self.status.as_str() {
            "partial" => format!("partial by {}", self.tier),
            status => status.to_owned(),
        }
    }
}

/// How the command would be held.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// Descriptors that it does not get.
    pub closed: &'a [Closed],
    /// The fence.
    pub fence: &'a FenceShown,
    /// Other protections.
    pub protections: &'a [Protection],
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Write => "write",
        Role::Read => "read",
    }
}

/// The plan as `tagout.explain/1`.
pub fn json(plan: &Plan, argv: &[String], held: &Held<'_>) -> Value {
    let Held { closed, fence, .. } = *held;
    let mut kept = Vec::new();
    let mut set = Vec::new();
    let mut dropped = Vec::new();
    for decision in &plan.environment.decisions {
        let name = &decision.name;
        match &decision.fate {
            Fate::Kept(rule) => kept.push(json!({"name": name, "rule": &**rule})),
            Fate::Set(source) => set.push(json!({"name": name, "source": &**source})),
            Fate::Dropped(reason) => dropped.push(json!({"name": name, "reason": &**reason})),
        }
    }
    let actions: Vec<Value> = plan
        .commands
        .iter()
        .flat_map(|j| &j.command.actions)
        .map(|a| json!({"name": a.name, "effect": a.effect.word(), "why": a.why}))
        .collect();
    let gaps: Vec<Value> = plan
        .commands
        .iter()
        .flat_map(|j| &j.resolution.gaps)
        .map(|g| json!({"field": g.field, "reason": g.reason}))
        .fold(Vec::new(), once);
    let errors: Vec<Value> = plan
        .commands
        .iter()
        .flat_map(|j| &j.resolution.errors)
        .map(|e| json!({"what": e.what, "detail": e.detail}))
        .fold(Vec::new(), once);
    let (later, targets): (Vec<_>, Vec<_>) =
        plan.targets().into_iter().partition(|t| t.target.later);
    let mut value = json!({
        "schema": "tagout.explain/1",
        "profile": {"name": plan.profile.name, "layers": plan.profile.layers, "ignored": plan.profile.ignored},
        "program": {"path": plan.program.as_ref().ok().map(|p| p.display().to_string()), "argv": argv},
        "environment": {"kept": kept, "set": set, "dropped": dropped},
        "command": {"tool": plan.tool(), "actions": actions, "effect": plan.effect().word(), "notes": notes(plan)},
        "targets": targets.into_iter().map(target_json).collect::<Vec<_>>(),
        "later": later.into_iter().map(target_json).collect::<Vec<_>>(),
        "replicas": plan.replicas().into_iter().map(target_json).collect::<Vec<_>>(),
        "unresolved": gaps,
        "errors": errors,
        "descriptors": {"closed": closed.iter().map(|c| json!({"fd": c.fd, "what": c.what})).collect::<Vec<_>>()},
        "fence": {"mode": fence.mode, "status": fence.status, "tier": fence.tier, "missing": fence.missing, "limits": fence.limits},
        "protections": held.protections.iter().map(protection_json).collect::<Vec<_>>(),
        "verdict": {
            "outcome": if plan.verdict.is_allowed() { "allowed" } else { "refused" },
            "rule": plan.verdict.rule,
            "reasons": plan.verdict.reasons,
            "hints": plan.verdict.hints,
        },
    });
    if let Err(error) = &plan.program {
        value["program"]["missing"] = json!(error.to_string());
    }
    value
}

fn protection_json(one: &Protection) -> Value {
    json!({"name": one.name, "status": one.status.word(), "missing": one.missing})
}

fn once(mut list: Vec<Value>, item: Value) -> Vec<Value> {
    if !list.contains(&item) {
        list.push(item);
    }
    list
}

/// Remarks of readers and resolvers, without repeats.
pub fn notes(plan: &Plan) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for judged in &plan.commands {
        let targets = judged.targets.iter().flat_map(|t| &t.target.notes);
        for note in judged
            .command
            .notes
            .iter()
            .chain(&judged.resolution.notes)
            .chain(targets)
        {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
    }
    notes.extend(missed(plan));
    notes
}

/// Names the caller's variables that would have had a say in the targets.
pub fn missed(plan: &Plan) -> Option<String> {
    let names = plan.missed();
    (!names.is_empty()).then(|| {
        format!(
            "not passed, and asked for on the way to the target: {}",
            names.join(", ")
        )
    })
}

fn target_json(judged: &JudgedTarget) -> Value {
    let target = &judged.target;
    let mut value = json!({
        "engine": target.engine.word(), "host": null, "port": null, "socket": null, "file": null,
        "database": target.database.as_ref().map(|d| &d.value),
        "user": target.user.as_ref().map(|u| &u.value),
        "role": role(target.role), "tier": judged.tier.word(), "mark": judged.mark,
        "connection": target.connection,
        "environment": target.environment.as_ref().map(|e| &e.value),
    });
    match &target.address {
        Address::Host {
            host,
            port,
            hostaddr,
        } => {
            value["host"] = json!(host.value);
            value["port"] = json!(port.as_ref().map(|p| p.value));
            if let Some(hostaddr) = hostaddr {
                value["hostaddr"] = json!(hostaddr.value);
            }
        }
        Address::Socket { path, port } => {
            value["socket"] = json!(path.value);
            value["port"] = json!(port.as_ref().map(|p| p.value));
        }
        Address::File { path } => value["file"] = json!(path.value),
        Address::Memory { .. } => value["file"] = json!(":memory:"),
        // An identifier also stands where its like would be looked for: a server's data directory
        // or cluster is local, a service is far away.
        Address::Identifier { name } => {
            let local = name.value.starts_with("datadir:") || name.value.starts_with("cluster:");
            value["identifier"] = json!(name.value);
            value[if local { "socket" } else { "host" }] = json!(name.value);
        }
    }
    let sources: serde_json::Map<String, Value> = judged
        .target
        .fields()
        .into_iter()
        .map(|f| (f.what.to_owned(), json!({"from": f.from, "beat": f.beat})))
        .collect();
    value["sources"] = Value::Object(sources);
    value
}

/// The plan for people. `full` lists every variable; otherwise they are counted.
pub fn text(plan: &Plan, argv: &[String], held: &Held<'_>, colour: bool, full: bool) -> String {
    let Held { closed, fence, .. } = *held;
    let mut page = Page {
        text: String::new(),
        colour,
    };
    page.line(
        "profile",
        &format!("{} ({})", plan.profile.name, plan.profile.layers.join(", ")),
    );
    page.line("command", &argv.join(" "));
    match &plan.program {
        Ok(path) => page.line("program", &path.display().to_string()),
        Err(error) => page.line("program", &format!("none: {error}")),
    }
    page.actions(plan);
    for target in plan.reached() {
        page.target(target);
    }
    page.gaps(plan);
    page.environment(plan, full);
    for closed in closed {
        page.line(
            "closed",
            &format!("descriptor {}: {}", closed.fd, closed.what),
        );
    }
    let gone = |missing: &[String]| match missing {
        [] => String::new(),
        missing => format!(" ({})", missing.join(", ")),
    };
    page.line(
        "fence",
        &format!("{}, {}{}", fence.mode, fence.shown(), gone(&fence.missing)),
    );
    for limit in fence.limits.iter().filter(|_| full) {
        page.detail("limit", limit);
    }
    for one in held.protections {
        let text = format!("{}{}", one.status.word(), gone(&one.missing));
        page.line(one.name, &text);
    }
    for note in plan.profile.ignored.iter().chain(&notes(plan)) {
        page.line("note", note);
    }
    page.verdict(plan);
    page.text
}

/// A refusal: target, sources, rule, way forward.
pub fn refusal(plan: &Plan, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    let head = paint(colour, Tone::Bad, "tagout: refused");
    page.text
        .push_str(&format!("{head} {}\n", by_rule(&plan.verdict.rule)));
    for reason in &plan.verdict.reasons {
        page.line("because", reason);
    }
    for target in plan.reached() {
        page.target(target);
    }
    page.gaps(plan);
    for note in plan.profile.ignored.iter().chain(&notes(plan)) {
        page.line("note", note);
    }
    for hint in &plan.verdict.hints {
        page.text.push_str(&format!(
            "{} {}\n",
            paint(colour, Tone::Note, "hint:"),
            clean(hint)
        ));
    }
    page.text
}

/// The rule that refused, and where its page is.
fn by_rule(rule: &str) -> String {
    format!("by rule {rule} (tagout help {rule})")
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn line(&mut self, label: &str, text: &str) {
        let label = paint(self.colour, Tone::Label, &format!("{label:<12}"));
        self.text.push_str(&format!("{label}{}\n", clean(text)));
    }

    fn detail(&mut self, label: &str, text: &str) {
        self.text
            .push_str(&format!("  {label:<12}{}\n", clean(text)));
    }

    fn actions(&mut self, plan: &Plan) {
        for judged in &plan.commands {
            let name = judged.command.tool_name();
            if judged.command.tool.is_none() {
                self.line("tool", &format!("{name}: not in the catalogue"));
            }
            for action in &judged.command.actions {
                let why = if action.why.is_empty() {
                    String::new()
                } else {
                    format!(": {}", action.why)
                };
                self.line(
                    "action",
                    &format!("{name} {} ({}{why})", action.name, action.effect.word()),
                );
            }
        }
    }

    fn target(&mut self, target: &JudgedTarget) {
        let tone = match target.tier {
            crate::policy::Tier::Production => Tone::Bad,
            crate::policy::Tier::Disposable => Tone::Good,
            crate::policy::Tier::Unmarked => Tone::Note,
        };
        let mark = target
            .mark
            .as_deref()
            .map(|m| format!(" ({m})"))
            .unwrap_or_default();
        let tier = paint(self.colour, tone, target.tier.word());
        let label = match target.target.role {
            Role::Write => "target",
            Role::Read => "reads",
        };
        let label = paint(self.colour, Tone::Label, &format!("{label:<12}"));
        self.text.push_str(&format!(
            "{label}{} {tier}{}\n",
            clean(&target.target.to_string()),
            clean(&mark)
        ));
        for field in target.target.fields() {
            let beat = if field.beat.is_empty() {
                String::new()
            } else {
                format!(", beats {}", field.beat.join(", "))
            };
            self.detail(
                field.what,
                &format!("{} from {}{beat}", field.value, field.from),
            );
        }
    }

    fn gaps(&mut self, plan: &Plan) {
        let mut seen: Vec<String> = Vec::new();
        for judged in &plan.commands {
            let gaps = judged
                .resolution
                .gaps
                .iter()
                .map(|g| ("unresolved", format!("{}: {}", g.field, g.reason)));
            let errors = judged
                .resolution
                .errors
                .iter()
                .map(|e| ("stops", format!("{}: {}", e.what, e.detail)));
            for (label, text) in gaps.chain(errors) {
                if !seen.contains(&text) {
                    self.line(label, &text);
                    seen.push(text);
                }
            }
        }
    }

    fn environment(&mut self, plan: &Plan, full: bool) {
        let decisions = &plan.environment.decisions;
        let count = |test: fn(&Fate) -> bool| decisions.iter().filter(|d| test(&d.fate)).count();
        let kept = count(|f| matches!(f, Fate::Kept(_)));
        let set = count(|f| matches!(f, Fate::Set(_)));
        let dropped = count(|f| matches!(f, Fate::Dropped(_)));
        self.line(
            "variables",
            &format!("{kept} kept, {set} set, {dropped} dropped"),
        );
        if full {
            for decision in decisions {
                let (fate, why) = match &decision.fate {
                    Fate::Kept(why) => ("kept", why),
                    Fate::Set(why) => ("set", why),
                    Fate::Dropped(why) => ("dropped", why),
                };
                self.detail(fate, &format!("{} ({why})", decision.name));
            }
        }
        if !plan.environment.injecting.is_empty() {
            let names = plan.environment.injecting.join(", ");
            self.line(
                "warning",
                &format!(
                    "{names}: can make the command run other code, and passes because it is listed"
                ),
            );
        }
    }

    fn verdict(&mut self, plan: &Plan) {
        let (tone, word) = if plan.verdict.is_allowed() {
            (Tone::Good, "allowed")
        } else {
            (Tone::Bad, "refused")
        };
        let label = paint(self.colour, Tone::Label, &format!("{:<12}", "verdict"));
        let rule = match plan.verdict.is_allowed() {
            true => format!("by rule {}", plan.verdict.rule),
            false => by_rule(&plan.verdict.rule),
        };
        let word = paint(self.colour, tone, word);
        self.text.push_str(&format!("{label}{word} {rule}\n"));
        for reason in &plan.verdict.reasons {
            self.detail("because", reason);
        }
        for hint in &plan.verdict.hints {
            self.text.push_str(&format!(
                "{} {}\n",
                paint(self.colour, Tone::Note, "hint:"),
                clean(hint)
            ));
        }
    }
}
