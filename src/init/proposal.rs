//! What `tagout init` proposes: a `tagout.toml` in which every mark says where it comes from.

use std::fmt::Write as _;

use super::ask::{Answer, Purpose};
use super::survey::Survey;
use crate::config::toml_string;
use crate::plan::mark_command;
use crate::policy::Tier;
use crate::profile::Mark;
use crate::source::SourceKind;
use crate::target::{Address, Target, marks};

/// At most so many places are listed one by one.
const LISTED: usize = 8;

/// A proposed mark.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Proposed {
    tier: Tier,
    parts: Vec<(&'static str, String)>,
    because: Vec<String>,
}

/// The proposal.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    marks: Vec<Proposed>,
    remarks: Vec<String>,
}

impl Proposal {
    /// Judges the answers. `known` are the marks that exist already.
    pub fn of(survey: &Survey, answers: &[Answer], known: &[Mark]) -> Proposal {
        let mut proposal = Proposal::default();
        for answer in answers {
            for (target, fields) in &answer.targets {
                proposal.target(answer, target, fields, answers, known);
            }
            if answer.purpose != Purpose::Everyday {
                for gap in &answer.unresolved {
                    proposal.remark(format!(
                        "{} is not resolved ({gap}): mark it by hand",
                        answer.asked
                    ));
                }
            }
        }
        proposal.places(survey);
        proposal
    }

    /// Whether there is nothing to mark.
    pub fn has_no_marks(&self) -> bool {
        self.marks.is_empty()
    }

    /// Another everyday command led there before.
    fn is_said(&self, target: &Target) -> bool {
        let command = mark_command(target);
        self.remarks.iter().any(|remark| remark.ends_with(&command))
    }

    fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn target(
        &mut self,
        answer: &Answer,
        target: &Target,
        fields: &[String],
        answers: &[Answer],
        known: &[Mark],
    ) {
        let same = |purpose: Purpose| {
            let of = answers.iter().filter(move |a| a.purpose == purpose);
            of.flat_map(|a| &a.targets)
                .any(|(other, _)| same_place(other, target))
        };
        let asked = &answer.asked;
        match answer.purpose {
            Purpose::Everyday if self.is_said(target) => {}
            Purpose::Everyday if marks::tier(target, known).0 == Tier::Unmarked => self.remark(format!(
                "{asked} leads to {target}: unmarked, so that nothing destroys it before you mark it: {}",
                mark_command(target)
            )),
            Purpose::Everyday => {}
            Purpose::Production if !is_named(target) => self.remark(format!(
                "{asked}: where production is does not stand in the project, it comes from its environment: say it, with its host: tagout mark production --host NAME"
            )),
            _ if matches!(target.address, Address::Memory { .. }) => {}
            Purpose::Production if same(Purpose::Everyday) || same(Purpose::Test) => self.remark(format!(
                "{asked} leads to {target}, as everyday commands or tests do: not marked, look at it"
            )),
            Purpose::Production => {
                if !marked(target, known, Tier::Production) {
                    let parts = production_parts(target, answers);
                    self.propose(Tier::Production, parts, asked, fields);
                }
            }
            Purpose::Test if same(Purpose::Production) && !same(Purpose::Everyday) => self.remark(format!(
                "{asked} leads to {target}, which is production's: look at it"
            )),
            Purpose::Test if marks::tier(target, known).0 == Tier::Disposable => {}
            Purpose::Test if same(Purpose::Everyday) => self.remark(format!(
                "{asked} leads to {target}, the everyday database: not marked as disposable"
            )),
            Purpose::Test if !marks::is_local(target) => self.remark(format!(
                "{asked} leads to {target}, which is not on this machine: mark it by hand if it may be destroyed"
            )),
            Purpose::Test => self.propose(Tier::Disposable, exact_parts(target), asked, fields),
        }
    }

    fn propose(
        &mut self,
        tier: Tier,
        parts: Vec<(&'static str, String)>,
        asked: &str,
        fields: &[String],
    ) {
        let mut because = vec![asked.to_owned()];
        because.extend(fields.iter().map(|f| format!("  {f}")));
        match self
            .marks
            .iter_mut()
            .find(|m| m.tier == tier && m.parts == parts)
        {
            Some(mark) if because.iter().skip(1).all(|b| mark.because.contains(b)) => {}
            Some(mark) if !mark.because.iter().any(|b| b == asked) => mark.because.extend(because),
            Some(_) => {}
            None => self.marks.push(Proposed {
                tier,
                parts,
                because,
            }),
        }
    }

    fn places(&mut self, survey: &Survey) {
        for place in survey.spawns.iter().take(LISTED) {
            self.remark(format!("{place} starts programs: `tagout run -p worker -- ...` keeps its environment from them"));
        }
        if survey.spawns.len() > LISTED {
            self.remark(format!(
                "{} more files start programs: `tagout check` lists them",
                survey.spawns.len() - LISTED
            ));
        }
        for file in survey.ci.iter().take(LISTED) {
            self.remark(format!("{file}: in CI `tagout run -p ci -- ...`"));
        }
        if survey.cut {
            self.remark("the project is large: not every file was looked into".to_owned());
        }
    }

    /// The whole file.
    pub fn file(&self, survey: &Survey) -> String {
        let mut text = String::from(
            "# Proposed by `tagout init` from what this project says. Read the marks before you believe them.\n\
             # This file only tightens until `tagout trust` was run on it as it is.\n\n",
        );
        let mut profiles: Vec<&str> = Vec::new();
        for (framework, marker) in &survey.frameworks {
            let _ = writeln!(text, "# {} ({marker})", framework.name);
            if !profiles.contains(&framework.profile) {
                profiles.push(framework.profile);
            }
        }
        match profiles.as_slice() {
            [] => text.push_str("# No framework was recognised. Profiles: tagout profile list\nprofile = \"default\"\n"),
            [one] => {
                let _ = writeln!(text, "profile = \"{one}\"");
            }
            several => {
                let _ = writeln!(text, "# Several: {}. One is the default, -p names another.", several.join(", "));
                let _ = writeln!(text, "profile = \"{}\"", several.first().unwrap_or(&"default"));
            }
        }
        text.push_str(&self.test_profile(survey));
        text.push_str(&self.additions());
        text
    }

    fn test_profile(&self, survey: &Survey) -> String {
        let mut sets: Vec<String> = Vec::new();
        for (framework, _) in &survey.frameworks {
            let set = framework
                .environments
                .1
                .first()
                .map(|word| format!("{} = \"{word}\"", framework.variable));
            sets.extend(set.filter(|s| !sets.contains(s)));
        }
        if sets.is_empty() {
            return String::new();
        }
        format!(
            "\n# tagout run -p test -- ...: the test environment, no production, held by the fence.\n[profiles.test]\nset = {{ {} }}\n",
            sets.join(", ")
        )
    }

    /// Marks and remarks, to be added to a file.
    pub fn additions(&self) -> String {
        let mut text = String::new();
        for mark in &self.marks {
            text.push('\n');
            for line in &mark.because {
                let _ = writeln!(text, "# {}", one_line(line));
            }
            let _ = writeln!(text, "[[marks]]\ntier = \"{}\"", mark.tier.word());
            for (name, value) in &mark.parts {
                let number = *name == "port";
                let value = if number {
                    value.clone()
                } else {
                    toml_string(value)
                };
                let _ = writeln!(text, "{name} = {value}");
            }
        }
        if !self.remarks.is_empty() {
            text.push_str("\n# Worth a look:\n");
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "# - {}", one_line(remark));
        }
        text
    }
}

/// A mark of a file already says so; what is built in holds by names that may change.
fn marked(target: &Target, known: &[Mark], tier: Tier) -> bool {
    let (found, by) = marks::tier(target, known);
    found == tier && by.is_some_and(|by| !by.starts_with("built-in"))
}

/// Something that the project says leads there: not only what a client does when nothing is said.
fn is_named(target: &Target) -> bool {
    let sources = target.sources();
    let named = sources.iter().any(|s| s.kind() != SourceKind::Default);
    let port_alone = match &target.address {
        Address::Host { host, .. } => host.source.kind() == SourceKind::Default,
        Address::Socket { path, .. } => path.source.kind() == SourceKind::Default,
        Address::File { .. } | Address::Memory { .. } | Address::Identifier { .. } => false,
    };
    let database = target.database.as_ref();
    named && !(port_alone && database.is_none_or(|d| d.source.kind() == SourceKind::Default))
}

fn same_place(a: &Target, b: &Target) -> bool {
    exact_parts(a) == exact_parts(b)
}

/// The widest mark that is production's alone: its host, or this database on it.
fn production_parts(target: &Target, answers: &[Answer]) -> Vec<(&'static str, String)> {
    let Address::Host { host, .. } = &target.address else {
        return exact_parts(target);
    };
    let others = answers.iter().filter(|a| a.purpose != Purpose::Production);
    let shared = others
        .flat_map(|a| &a.targets)
        .any(|(other, _)| match &other.address {
            Address::Host { host: h, .. } => {
                marks::canonical(&h.value) == marks::canonical(&host.value)
            }
            Address::Socket { .. }
            | Address::File { .. }
            | Address::Memory { .. }
            | Address::Identifier { .. } => false,
        });
    if shared || marks::is_local(target) {
        return exact_parts(target);
    }
    vec![("host", host.value.clone())]
}

fn exact_parts(target: &Target) -> Vec<(&'static str, String)> {
    let mut parts = vec![("engine", target.engine.word().to_owned())];
    match &target.address {
        Address::Host { host, port, .. } => {
            parts.push(("host", host.value.clone()));
            parts.extend(port.as_ref().map(|p| ("port", p.value.to_string())));
        }
        Address::Socket { path, port } => {
            parts.push(("socket", path.value.clone()));
            parts.extend(port.as_ref().map(|p| ("port", p.value.to_string())));
        }
        Address::File { path } => parts.push(("file", path.value.clone())),
        Address::Identifier { name } => parts.push(("identifier", name.value.clone())),
        Address::Memory { .. } => {}
    }
    parts.extend(
        target
            .database
            .as_ref()
            .map(|d| ("database", d.value.clone())),
    );
    parts
}

/// Foreign text in a comment must not begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
