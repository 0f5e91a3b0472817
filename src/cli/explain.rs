//! `tagout explain`: the plan, shown and not carried out.

use serde_json::Value;

use super::arguments::Asked;
use super::{Session, exit};
use crate::fence::{Mode, Prepared, Rules, Status, Tier};
use crate::launch::{self, Protections};
use crate::plan::Plan;
use crate::record::redact::without_passwords;
use crate::ui::report::{self, FenceShown, Held};

/// Judges the command and says everything about it.
pub(super) fn run(session: &mut Session, asked: &Asked) -> u8 {
    let plan = match session.plan(asked) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let argv = session.shown_argv(&plan);
    let closed = launch::closing(&plan.profile.descriptors);
    let fence = fence_shown(&plan);
    let protections = Protections::of(&plan.profile, &plan.hidden).list;
    let held = Held {
        closed: &closed,
        fence: &fence,
        protections: &protections,
    };
    let text = if asked.json {
        let mut value = report::json(&plan, &argv, &held);
        hide(&mut value);
        format!("{value}\n")
    } else {
        let page = report::text(&plan, &argv, &held, session.ui.colours_data(), asked.all);
        without_passwords(&page)
    };
    match asked.json {
        true => session.ui.json(&text),
        false => session.ui.data(&text),
    }
    if plan.verdict.is_allowed() {
        exit::OK
    } else {
        exit::REFUSED
    }
}

/// Hides passwords in whatever text of it is a URL.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("://") => *text = without_passwords(text),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => members.values_mut().for_each(hide),
        _ => {}
    }
}

/// The fence's status here, by a real attempt. No name is looked up for it.
fn fence_shown(plan: &Plan) -> FenceShown {
    let attempt = Mode::of(plan.profile.fence)
        .map(|mode| Prepared::new(mode, Rules::of(plan)).map(|fence| fence.attempt()));
    let mut shown = FenceShown {
        mode: plan.profile.fence.word().to_owned(),
        status: Status::None.word().to_owned(),
        tier: Tier::None.word().to_owned(),
        ..FenceShown::default()
    };
    if let Some(Ok(report) | Err(report)) = attempt {
        shown.status = report.status.word().to_owned();
        shown.tier = report.tier.word().to_owned();
        (shown.missing, shown.limits) = (report.missing, report.limits);
    }
    shown
}
