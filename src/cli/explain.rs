//! `tagout explain`: the plan, shown and not carried out.

use super::arguments::Asked;
use super::{Session, exit};
use crate::launch;
use crate::ui::report::{self, FenceShown};

/// Judges the command and says everything about it.
pub(super) fn run(session: &mut Session, asked: &Asked) -> u8 {
    let plan = match session.plan(asked) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let argv = session.shown_argv(&plan);
    let closed = launch::closing(&plan.profile.descriptors);
    let fence = FenceShown {
        mode: plan.profile.fence.word().to_owned(),
        status: "none".to_owned(),
        missing: Vec::new(),
    };
    let text = if asked.json {
        format!("{}\n", report::json(&plan, &argv, &closed, &fence))
    } else {
        report::text(
            &plan,
            &argv,
            &closed,
            &fence,
            session.ui.colours_data(),
            asked.all,
        )
    };
    session.ui.data(&text);
    if plan.verdict.is_allowed() {
        exit::OK
    } else {
        exit::REFUSED
    }
}
