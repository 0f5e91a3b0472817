//! The conditions that a run had to meet and that were decided before it: what is recorded of
//! them. A condition that nobody demanded is no gate.

use crate::command::Effect;
use crate::plan::{JudgedTarget, Plan};
use crate::policy::Tier;

use super::GateFact;
use super::redact::Redactor;

/// The gates that a plan decided, in the order in which they were asked.
pub(super) fn of_plan(plan: &Plan, redactor: &Redactor) -> Vec<GateFact> {
    let mut gates = Vec::new();
    let missing = &plan.environment.missing;
    if !plan.profile.require.is_empty() {
        gates.push(required(plan));
    }
    // Nothing else was asked where a variable is missing.
    if missing.is_empty() && plan.effect() >= Effect::Stops {
        gates.extend(marked(plan));
    }
    for gate in &mut gates {
        gate.how = redactor.own_text(&gate.how);
    }
    gates
}

/// `require`: variables without which the command does not start.
fn required(plan: &Plan) -> GateFact {
    let missing = plan.environment.missing.iter();
    let missing: Vec<String> = missing
        .map(|(name, who)| format!("{name} is not there ({who})"))
        .collect();
    let names = plan.profile.require.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = names.collect();
    GateFact {
        name: "require".to_owned(),
        passed: missing.is_empty(),
        how: match missing.is_empty() {
            true => format!("{} there", names.join(", ")),
            false => missing.join("; "),
        },
        took_ms: 0,
    }
}

/// What destroys needs a mark on everything that it reaches. Where the profile does without
/// (`unmarked = "allow"`) none was asked for.
fn marked(plan: &Plan) -> Option<GateFact> {
    let reached = plan.reached();
    let gaps = plan.commands.iter().flat_map(|j| &j.resolution.gaps);
    let unknown = gaps.map(|gap| format!("the {} is not resolved", gap.field));
    let bare = reached.iter().filter(|t| t.tier != Tier::Disposable);
    let lacking: Vec<String> = bare.map(|t| shown(t)).chain(unknown.take(1)).collect();
    let passed = lacking.is_empty() && !reached.is_empty();
    if !passed && plan.verdict.is_allowed() {
        return None;
    }
    let how = match (passed, lacking.is_empty()) {
        (true, _) => reached.iter().map(|t| shown(t)).collect::<Vec<_>>(),
        (false, false) => lacking,
        (false, true) => vec!["no target is known".to_owned()],
    };
    Some(GateFact {
        name: "mark".to_owned(),
        passed,
        how: how.join("; "),
        took_ms: 0,
    })
}

fn shown(judged: &JudgedTarget) -> String {
    let by = judged.mark.as_ref().map(|mark| format!(" by {mark}"));
    let tier = judged.tier.word();
    format!("{} is {tier}{}", judged.target, by.unwrap_or_default())
}
