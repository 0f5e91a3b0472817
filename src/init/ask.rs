//! Asks `plan()` what each framework would reach in production and in tests.

use std::ffi::OsString;
use std::path::Path;

use super::frameworks::{Framework, PRODUCTION_WORDS, TEST_WORDS};
use super::survey::Survey;
use crate::command::{Caller, Stdin};
use crate::config::Config;
use crate::environment::dotenv;
use crate::files::Files;
use crate::plan::{Request, Scene, plan};
use crate::target::Target;

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Production.
    Production,
    /// Tests.
    Test,
    /// What somebody gets who says nothing.
    Everyday,
}

/// What was asked, and what it leads to.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What for.
    pub purpose: Purpose,
    /// How it was asked: `APP_ENV=production php artisan migrate`.
    pub asked: String,
    /// The targets with the sources of their fields.
    pub targets: Vec<(Target, Vec<String>)>,
    /// What could not be decided.
    pub unresolved: Vec<String>,
}

/// Where it is asked.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The project.
    pub root: &'a Path,
    /// Its files.
    pub files: &'a dyn Files,
    /// Who asks.
    pub caller: &'a Caller,
    /// The caller's PATH.
    pub path: &'a str,
}

/// All answers of all frameworks.
pub fn answers(survey: &Survey, place: Place<'_>) -> Vec<Answer> {
    let mut all = Vec::new();
    for (framework, _) in &survey.frameworks {
        let cases = cases(framework, survey);
        let asked = |case: Case| {
            let all = framework.commands.iter();
            all.map(move |command| (case.clone(), *command))
        };
        for (case, command) in cases.into_iter().flat_map(asked) {
            let answer = ask(framework, &case, command, place);
            // Whoever reads the file itself says so better than we who load it for them.
            let known = all.iter().any(|a: &Answer| {
                a.purpose == answer.purpose
                    && same_targets(a, &answer)
                    && !answer.targets.is_empty()
            });
            if !known {
                all.push(answer);
            }
        }
    }
    all
}

fn same_targets(a: &Answer, b: &Answer) -> bool {
    let keys = |answer: &Answer| -> Vec<String> {
        answer.targets.iter().map(|(t, _)| t.to_string()).collect()
    };
    keys(a) == keys(b)
}

/// One way to ask.
#[derive(Clone)]
struct Case {
    purpose: Purpose,
    variable: Option<String>,
    env_file: Option<String>,
}

fn cases(framework: &Framework, survey: &Survey) -> Vec<Case> {
    let mut cases = vec![Case {
        purpose: Purpose::Everyday,
        variable: None,
        env_file: None,
    }];
    let (production, test) = framework.environments;
    let worded = [(Purpose::Production, production), (Purpose::Test, test)];
    for (purpose, words) in worded {
        cases.extend(words.iter().map(|word| Case {
            purpose,
            variable: Some((*word).to_owned()),
            env_file: None,
        }));
        for file in &survey.env_files {
            if purpose_of(file) == Some(purpose) {
                cases.push(Case {
                    purpose,
                    variable: words.first().map(|word| (*word).to_owned()),
                    env_file: Some(file.clone()),
                });
            }
        }
    }
    if framework.name == "Django" {
        for module in &survey.settings_modules {
            cases.extend(purpose_of(module).map(|purpose| Case {
                purpose,
                variable: Some(module.clone()),
                env_file: None,
            }));
        }
    }
    cases
}

/// What a name says of its purpose: `.env.production.local`, `shop.settings.prod`,
/// `settings_test`.
fn purpose_of(name: &str) -> Option<Purpose> {
    let mut parts = name.split(['.', '_', '-', '/']);
    parts.find_map(|part| {
        let has = |words: &[&str]| words.contains(&part.to_ascii_lowercase().as_str());
        if has(PRODUCTION_WORDS) {
            Some(Purpose::Production)
        } else if has(TEST_WORDS) {
            Some(Purpose::Test)
        } else {
            None
        }
    })
}

/// Stands for the value of a variable that is needed and not there.
const PLACEHOLDER: &str = "tagout-placeholder";
/// At most so many variables are stood for.
const MAX_PLACEHOLDERS: usize = 16;

/// Asks; where the configuration stops for want of a variable (a password, mostly), asks again with
/// something in its place. What hangs on that is left out and said.
fn ask(framework: &Framework, case: &Case, command: &[&str], place: Place<'_>) -> Answer {
    let mut stands_for: Vec<String> = Vec::new();
    loop {
        let mut answer = ask_with(framework, case, command, place, &stands_for);
        let lacking = answer.unresolved.iter().find_map(|why| lacking(why));
        match lacking.filter(|name| !stands_for.contains(name)) {
            Some(name) if stands_for.len() < MAX_PLACEHOLDERS => stands_for.push(name),
            _ => {
                let hangs =
                    |(target, _): &(Target, Vec<String>)| target.to_string().contains(PLACEHOLDER);
                if answer.targets.iter().any(hangs) {
                    let names = stands_for.join(", ");
                    answer.unresolved = vec![format!("{names}: not set here")];
                    answer.targets.retain(|target| !hangs(target));
                }
                return answer;
            }
        }
    }
}

/// The variable for want of which a configuration stops: a name in backticks or quotes.
fn lacking(why: &str) -> Option<String> {
    let stops = [
        "KeyError",
        "key not found",
        "is not set",
        "Set the",
        "not found in",
    ];
    let stops = stops.iter().any(|word| why.contains(word));
    let mut words =
        why.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let name = words.find(|w| w.len() > 2 && w.contains('_') || *w == "PASSWORD" || *w == "HOST");
    name.filter(|name| stops && !name.ends_with("_URL"))
        .map(str::to_owned)
}

fn ask_with(
    framework: &Framework,
    case: &Case,
    command: &[&str],
    place: Place<'_>,
    stands_for: &[String],
) -> Answer {
    let mut variables: Vec<(String, String, usize)> = Vec::new();
    let mut unresolved = Vec::new();
    if let Some(file) = &case.env_file {
        match entries(framework, file, place) {
            Ok(entries) => variables = entries,
            Err(why) => unresolved.push(format!("{file}: {why}")),
        }
    }
    variables.extend(stands_for.iter().map(|name| {
        let value = match name.ends_with("PORT") {
            true => "1",
            false => PLACEHOLDER,
        };
        (name.clone(), value.to_owned(), 0)
    }));
    if let Some(value) = &case.variable {
        variables.retain(|(name, _, _)| name != framework.variable);
        variables.push((framework.variable.to_owned(), value.clone(), 0));
    }
    let mut environ: Vec<OsString> = vec![format!("PATH={}", place.path).into()];
    environ.extend(
        variables
            .iter()
            .map(|(n, v, _)| OsString::from(format!("{n}={v}"))),
    );
    let request = Request {
        profile: Some("default".to_owned()),
        keep: variables.iter().map(|(name, _, _)| name.clone()).collect(),
        argv: command.iter().map(Into::into).collect(),
    };
    let config = Config {
        layers: Vec::new(),
        project: Some(place.root.to_owned()),
    };
    let scene = Scene {
        environ: &environ,
        cwd: place.root,
        caller: place.caller,
        config: &config,
        files: place.files,
        stdin: &Stdin::Null,
        probe: None,
    };
    let mut targets = Vec::new();
    match plan(&request, scene) {
        Ok(plan) => {
            for judged in plan.targets() {
                let fields = judged.target.fields().into_iter().map(|field| {
                    let from = source(field.from, &variables, case.env_file.as_deref());
                    format!("{} {} from {from}", field.what, field.value)
                });
                targets.push((judged.target.clone(), fields.collect()));
            }
            for judged in &plan.commands {
                let gaps = judged.resolution.gaps.iter();
                unresolved.extend(gaps.map(|g| format!("{}: {}", g.field, g.reason)));
                let errors = judged.resolution.errors.iter();
                unresolved.extend(errors.map(|e| format!("{}: {}", e.what, e.detail)));
            }
        }
        Err(e) => unresolved.push(e.to_string()),
    }
    unresolved.dedup();
    Answer {
        purpose: case.purpose,
        asked: asked(framework, case, command),
        targets,
        unresolved,
    }
}

fn asked(framework: &Framework, case: &Case, command: &[&str]) -> String {
    let variable = case.variable.as_ref();
    let variable = variable.map(|value| format!("{}={value} ", framework.variable));
    let file = case.env_file.as_ref().map(|file| format!(" with {file}"));
    format!(
        "{}{}{}",
        variable.unwrap_or_default(),
        command.join(" "),
        file.unwrap_or_default()
    )
}

/// The variables of an `.env` file, with their lines.
fn entries(
    framework: &Framework,
    file: &str,
    place: Place<'_>,
) -> Result<Vec<(String, String, usize)>, String> {
    let dialect = dotenv::dialect(framework.dialect)
        .or_else(|| dotenv::dialect("phpdotenv-5.6"))
        .ok_or("no reader")?;
    let text = place
        .files
        .read_text(&place.root.join(file))
        .map_err(|e| e.to_string())?;
    let entries = dotenv::read(dialect, &text, &|_| None).map_err(|e| e.to_string())?;
    Ok(dotenv::settle(entries)
        .into_iter()
        .filter(|e| e.unknown.is_none())
        .filter_map(|e| Some((e.name, e.value?, e.line)))
        .filter(|(name, value, _)| {
            !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
        })
        .collect())
}

/// What was loaded from a file for the framework comes from that file.
fn source(from: String, variables: &[(String, String, usize)], file: Option<&str>) -> String {
    if !from.starts_with("process environment") {
        return from;
    }
    let named = variables
        .iter()
        .find(|(name, _, _)| from.contains(&format!("({name})")));
    match (named, file) {
        (Some((_, _, line)), Some(file)) if *line > 0 => format!("{file}:{line}"),
        (Some((name, value, _)), _) => format!("{name}={value}"),
        (None, _) => from,
    }
}
