//! The rules that a plan puts on its command.

use std::net::IpAddr;

use super::Mode;
use super::policy::{Place, Rules, Where};
use crate::command::Effect;
use crate::plan::Plan;
use crate::policy::{Decision, Limits, Standing, Tier, decide};
use crate::profile::{FenceMode, Mark, Production};

impl Mode {
    /// What the profile asks for; `None` for nothing.
    pub fn of(asked: FenceMode) -> Option<Mode> {
        match asked {
            FenceMode::Off => None,
            FenceMode::Observe => Some(Mode::Observe),
            FenceMode::Hold => Some(Mode::Hold),
        }
    }
}

impl Rules {
    /// What the plan resolved, what its profile allows, what its marks call production.
    pub fn of(plan: &Plan) -> Rules {
        let targets = plan.reached();
        let targets = targets
            .iter()
            .flat_map(|judged| Place::of_target(&judged.target));
        let allow = plan.profile.allow.iter();
        let mut rules = Rules {
            targets: targets.collect(),
            extra: allow.filter_map(|(text, _)| Place::parse(text)).collect(),
            refuse_production: !reaches_production(plan),
            close_on_unresolvable: plan.effect() >= Effect::Opaque,
            ..Rules::default()
        };
        let production = |mark: &&Mark| mark.tier == Tier::Production;
        for mark in plan.profile.marks.iter().filter(production) {
            rules.add_mark(mark);
        }
        rules
    }

    fn add_mark(&mut self, mark: &Mark) {
        let label = mark.source.text();
        // Parts that no address shows: the same server may hold other databases.
        let shared = mark.database.is_some()
            || mark.environment.is_some()
            || mark.engine.is_some() && mark.port.is_none();
        match place_of(mark) {
            Some(place) if shared => self.shared.push(place),
            Some(place) => self.production.push(place),
            None if mark.host.is_some() => self.patterns.push(label.to_owned()),
            None => {}
        }
    }
}

/// Whether the command may go to production: as far as the profile lets its effect. A program
/// that nobody knows could do anything there.
fn reaches_production(plan: &Plan) -> bool {
    let limits = Limits {
        production: plan.profile.production,
        unmarked: plan.profile.unmarked,
    };
    let production = Standing::Known {
        tier: Tier::Production,
        local_and_own: false,
    };
    plan.commands.iter().all(|judged| {
        let effect = match judged.command.tool {
            None => Effect::Opaque,
            Some(_) => judged.command.effect(),
        };
        match effect {
            Effect::None => limits.production != Production::Never,
            effect => decide(effect, production, limits) != Decision::Refused,
        }
    })
}

/// Where a mark's hosts are; `None` for patterns, and for marks without any place.
fn place_of(mark: &Mark) -> Option<Place> {
    let label = mark.source.text();
    let at = if let Some(host) = &mark.host {
        if host.contains('*') {
            return None;
        }
        Place::host(host, None, label).at
    } else if let Some(network) = &mark.network {
        network_of(network)?
    } else if let Some(socket) = &mark.socket {
        Place::socket(socket, label).at
    } else {
        mark.port?;
        Where::Anywhere
    };
    let port = match at {
        Where::Socket(_) | Where::Abstract(_) => None,
        _ => mark.port,
    };
    Some(Place {
        at,
        port,
        label: label.to_owned(),
    })
}

fn network_of(text: &str) -> Option<Where> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(Where::Address(super::canonical(address))),
        Err(_) => Place::parse(text).map(|place| place.at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind};

    fn mark(change: impl FnOnce(&mut Mark)) -> Mark {
        let source = Source::new(SourceKind::ProjectFile, "tagout.toml:3");
        let mut mark = Mark::empty(Tier::Production, source);
        change(&mut mark);
        mark
    }

    fn rules(change: impl FnOnce(&mut Mark)) -> Rules {
        let mut rules = Rules::default();
        rules.add_mark(&mark(change));
        rules
    }

    #[test]
    fn marks_become_places_where_an_address_shows_them() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(rules(|m| m.host = some("10.0.0.9")).production.len(), 1);
        assert_eq!(
            rules(|m| m.network = some("10.0.0.0/8")).production.len(),
            1
        );
        assert_eq!(rules(|m| m.network = some("10.0.0.9")).production.len(), 1);
        assert_eq!(
            rules(|m| m.socket = some("/run/prod.sock"))
                .production
                .len(),
            1
        );
        assert_eq!(rules(|m| m.port = Some(5433)).production.len(), 1);
        let with_database = rules(|m| {
            m.host = some("db");
            m.database = some("shop");
        });
        assert_eq!(
            (with_database.production.len(), with_database.shared.len()),
            (0, 1)
        );
        assert_eq!(
            rules(|m| m.host = some("*.prod")).patterns,
            ["tagout.toml:3"]
        );
        assert_eq!(
            rules(|m| m.database = some("*_production")),
            Rules::default()
        );
    }
}
