//! Containers: `docker exec`, `docker run`, `docker compose exec`, `kubectl exec`. What runs
//! inside sees neither our files nor our variables.

use super::tails::after_options;
use super::{elsewhere, nothing};
use crate::command::{Action, Args, Effect, Mount, Opt, Reading, Step, Tool, Word, World};
use crate::source::Source;
use crate::target::readers::yaml::{self, Kind, Node};

/// Images whose entry point is a tool of the catalogue.
const ENTRY_POINTS: &[(&str, &str)] = &[
    ("migrate/migrate", "migrate"),
    ("amacneil/dbmate", "dbmate"),
    ("liquibase/liquibase", "liquibase"),
    ("liquibase", "liquibase"),
    ("flyway/flyway", "flyway"),
    ("redgate/flyway", "flyway"),
    ("boxfuse/flyway", "flyway"),
    ("arigaio/atlas", "atlas"),
    ("gomicro/goose", "goose"),
    ("skeema/skeema", "skeema"),
    ("hashicorp/terraform", "terraform"),
    ("ghcr.io/opentofu/opentofu", "tofu"),
    ("amazon/aws-cli", "aws"),
    ("bitnami/kubectl", "kubectl"),
    ("alpine/helm", "helm"),
];

/// `docker` and `podman`.
pub(super) fn docker(tool: &'static Tool, step: &Step) -> Reading {
    let mut at = after_options(&step.argv, 1, tool.data("globals"));
    let mut verb = word(step, at);
    if matches!(verb, "container" | "buildx") {
        at += 1;
        verb = word(step, at);
    }
    match verb {
        "compose" => {
            let mut argv = vec![Word::literal("docker-compose")];
            argv.extend(step.argv.get(at + 1..).unwrap_or(&[]).iter().cloned());
            let through = spelled(step, at.min(step.argv.len()));
            Reading::steps(vec![step.with_argv(argv).through(through)])
        }
        "exec" => exec(tool, step, at, "exec-options"),
        "run" | "create" => run(tool, step, at),
        "cp" => copy(tool, step, at),
        "unshare" => {
            let inner = super::tail_after_options(step.argv.get(at..).unwrap_or(&[]), &[], 0);
            let inner = inner.map(|argv| step.with_argv(argv).through(tool.name));
            Reading::steps(inner.into_iter().collect())
        }
        _ => crate::command::tools::named(tool, step),
    }
}

/// `cp` to or from a container comes to what `scp` does.
fn copy(tool: &'static Tool, step: &Step, at: usize) -> Reading {
    let with_value = ["-c", "--container", "-n", "--namespace", "--retries"];
    let args = Args::parse(step.argv.get(at..).unwrap_or(&[]), &with_value);
    let named = args.operands.iter().skip(1).map(|(_, word)| {
        let mut word = word.clone();
        // kubectl's NAMESPACE/POD:PATH is no path.
        if let Some((place, path)) = word.text.split_once(':')
            && !place.starts_with(['.', '/'])
            && let Some((_, pod)) = place.split_once('/')
        {
            word.text = format!("{pod}:{path}");
        }
        word
    });
    let argv = std::iter::once(Word::literal("scp")).chain(named).collect();
    Reading::steps(vec![step.with_argv(argv).through(tool.name)])
}

fn word(step: &Step, at: usize) -> &str {
    step.argv.get(at).map_or("", |w| w.text.as_str())
}

/// The options of a subcommand that starts at `at`, and where they end.
fn options(step: &Step, at: usize, with_value: &[&str]) -> (Args, usize) {
    let end = after_options(&step.argv, at + 1, with_value);
    let words = step.argv.get(at..end).unwrap_or(&[]);
    (Args::parse(words, with_value), end)
}

/// The program and its own options, up to the verb at `at`: they say which machine and project.
fn spelled(step: &Step, at: usize) -> String {
    let options = step.argv.get(1..at).unwrap_or(&[]).iter();
    let options = options.map(|w| format!(" {}", w.text));
    format!("{}{}", step.program(), options.collect::<String>())
}

fn inside(step: &Step, place: String, args: &Args) -> Step {
    let mut inner = elsewhere(step, place);
    inner.mounts = args.options.iter().filter_map(|o| mount(o, step)).collect();
    if let Some(dir) = args.value(&["-w", "--workdir"]) {
        inner.cwd = dir.into();
        inner.cwd_unknown = None;
    }
    for option in args
        .options
        .iter()
        .filter(|o| matches!(o.name.as_str(), "-e" | "--env"))
    {
        let Some(value) = &option.value else { continue };
        match value.split_once('=') {
            Some((name, value)) => {
                let source = Source::argument("option -e").with_note(name);
                inner.vars.set(name, value, source);
            }
            None => {
                if let Some(var) = step.vars.get(value) {
                    inner.vars.set(value, &var.value, var.source.clone());
                }
            }
        }
    }
    inner
}

/// What an option of `docker run` mounts to be written: `-v SOURCE:PATH`, `--mount`, `--volumes-from`.
fn mount(option: &Opt, step: &Step) -> Option<Mount> {
    let value = option.value.as_deref()?;
    let (source, inside, how) = match option.name.as_str() {
        "-v" | "--volume" => {
            let mut parts = value.splitn(3, ':');
            (parts.next()?, parts.next()?, parts.next().unwrap_or(""))
        }
        "--mount" => {
            let field = |names: &[&str]| {
                let mut fields = value.split(',').filter_map(|f| f.split_once('='));
                fields.find(|(name, _)| names.contains(name)).map(|f| f.1)
            };
            let inside = field(&["target", "dst", "destination"])?;
            let read_only = value.split(',').any(|f| f == "readonly" || f == "ro");
            let how = if read_only { "ro" } else { "" };
            (field(&["source", "src"])?, inside, how)
        }
        "--volumes-from" => (value.split(':').next()?, "/", ""),
        _ => return None,
    };
    let text = match source.starts_with(['/', '.', '~']) {
        true => step.path(source).display().to_string(),
        false => source.to_owned(),
    };
    let unknown = option.unknown.clone();
    (!how.split(',').any(|o| o == "ro")).then(|| Mount {
        inside: crate::files::lexical(std::path::Path::new(inside)),
        source: Word { text, unknown },
        by_name: option.name == "--volumes-from",
    })
}

fn exec(tool: &'static Tool, step: &Step, at: usize, key: &str) -> Reading {
    let (args, end) = options(step, at, tool.data(key));
    let name = word(step, end).to_owned();
    let argv = step.argv.get(end + 1..).unwrap_or(&[]).to_vec();
    if argv.is_empty() {
        return nothing(tool, step, args);
    }
    let place = format!("{} exec {name}", spelled(step, at));
    let inner = inside(step, place, &args).through(tool.name);
    Reading::steps(vec![inner.with_argv(argv)])
}

/// The program that an image starts, where it is one of the catalogue.
fn entry_point(image: &str) -> Option<&'static str> {
    let stem = image.split('@').next().unwrap_or(image);
    let stem = match stem.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => stem,
    };
    let stem = stem.strip_prefix("docker.io/").unwrap_or(stem);
    let known = ENTRY_POINTS.iter().find(|(image, _)| *image == stem);
    known.map(|(_, program)| *program)
}

fn run(tool: &'static Tool, step: &Step, at: usize) -> Reading {
    let (args, end) = options(step, at, tool.data("run-options"));
    let image = word(step, end).to_owned();
    let mut argv: Vec<Word> = step.argv.get(end + 1..).unwrap_or(&[]).to_vec();
    let entry = args
        .value(&["--entrypoint"])
        .or_else(|| entry_point(&image));
    if let Some(entry) = entry.filter(|e| !e.is_empty()) {
        argv.insert(0, Word::literal(entry));
    }
    if argv.is_empty() {
        return nothing(tool, step, args);
    }
    let place = format!("{} run {image}", spelled(step, at));
    let inner = inside(step, place, &args).through(tool.name);
    Reading::steps(vec![inner.with_argv(argv)])
}

/// `docker-compose` (and `docker compose`).
pub(super) fn compose(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let at = after_options(&step.argv, 1, tool.data("globals"));
    match word(step, at) {
        "exec" => exec(tool, step, at, "exec-options"),
        "run" => {
            let (args, end) = options(step, at, tool.data("run-options"));
            let service = word(step, end).to_owned();
            let mut argv: Vec<Word> = step.argv.get(end + 1..).unwrap_or(&[]).to_vec();
            let told = args.value(&["--entrypoint"]);
            if let Some(entry) = told.filter(|e| !e.is_empty()) {
                argv.insert(0, Word::literal(entry));
            }
            if told.is_none() {
                argv = described(step, world, &service, argv);
            }
            if argv.is_empty() {
                return nothing(tool, step, args);
            }
            let place = format!("{} run {service}", spelled(step, at));
            let inner = inside(step, place, &args).through(tool.name);
            Reading::steps(vec![inner.with_argv(argv)])
        }
        "rm" => remove(tool, step, at),
        _ => crate::command::tools::named(tool, step),
    }
}

/// The words of a service with what the compose file says of it: its entry point in front, its
/// command where no words are given.
fn described(step: &Step, world: &World<'_>, service: &str, mut argv: Vec<Word>) -> Vec<Word> {
    let names = [
        "compose.yaml",
        "compose.yml",
        "docker-compose.yaml",
        "docker-compose.yml",
    ];
    let named = step
        .argv
        .iter()
        .position(|w| w.text == "-f" || w.text == "--file");
    let named = named.and_then(|at| step.argv.get(at + 1));
    let mut files = named.map(|w| w.text.as_str()).into_iter().chain(names);
    let file = files.find(|name| world.files.is_file(&step.path(name)));
    let text = file.and_then(|name| world.files.read_text(&step.path(name)).ok());
    let root = text.and_then(|text| yaml::parse(&text).ok());
    let root = root
        .as_ref()
        .and_then(|root| root.get("services")?.get(service));
    let Some(described) = root else {
        return argv;
    };
    let words = |key: &str| -> Vec<Word> {
        match described.get(key).map(|node| (&node.kind, node.text())) {
            Some((Kind::List(items), _)) => items
                .iter()
                .filter_map(Node::text)
                .map(Word::literal)
                .collect(),
            Some((_, Some(text))) => text.split_whitespace().map(Word::literal).collect(),
            _ => Vec::new(),
        }
    };
    if argv.is_empty() {
        argv = words("command");
    }
    let mut entry = words("entrypoint");
    if entry.is_empty() {
        let image = described.get("image").and_then(Node::text).unwrap_or("");
        entry.extend(entry_point(image).map(Word::literal));
    }
    entry.extend(argv);
    entry
}

/// `docker compose rm`, whose `-f` is not the one before the action.
fn remove(tool: &'static Tool, step: &Step, at: usize) -> Reading {
    let rest = step.argv.get(at + 1..).unwrap_or(&[]);
    let volumes = rest.iter().any(|w| {
        let short = w.text.starts_with('-') && !w.text.starts_with("--");
        w.text == "--volumes" || (short && w.text.contains('v'))
    });
    let mut reading = crate::command::tools::named(tool, step);
    if let Some(command) = reading.command.as_mut().filter(|_| volumes) {
        let why = "removes containers and their volumes";
        command.actions = vec![Action::new("rm", Effect::Destroys, why)];
    }
    reading
}

/// `kubectl exec POD -- CMD` and `oc rsh POD CMD`; everything else is judged by its words.
pub(super) fn kubectl(tool: &'static Tool, step: &Step) -> Reading {
    let at = after_options(&step.argv, 1, tool.value_options);
    let verb = word(step, at);
    if verb == "cp" {
        return copy(tool, step, at);
    }
    // Plugins and `create job` take a command behind a `--` too.
    let divided = step.argv.iter().any(|w| w.text == "--");
    if !matches!(verb, "exec" | "run" | "debug" | "rsh") && !divided {
        let mut step = step.clone();
        if verb == "delete"
            && let Some(word) = step.argv.get(at + 1)
            && let Some((kind, name)) = word.text.split_once('/')
            && !word.text.starts_with(['-', '.', '/'])
        {
            let words = [kind, name].map(Word::literal);
            step.argv.splice(at + 1..at + 2, words);
        }
        return crate::command::tools::named(tool, &step);
    }
    let args = Args::parse(&step.argv, tool.value_options);
    let pod = args.operand(1).unwrap_or("").to_owned();
    let divider = step.argv.iter().position(|w| w.text == "--");
    let argv: Vec<Word> = match divider {
        Some(divider) => step.argv.get(divider + 1..).unwrap_or(&[]).to_vec(),
        // Old spelling without `--`: from the command's name on, the options are its own.
        None => args
            .operands
            .get(2)
            .and_then(|(at, _)| step.argv.get(*at..))
            .unwrap_or(&[])
            .to_vec(),
    };
    if argv.is_empty() {
        return nothing(tool, step, args);
    }
    let mut inner = elsewhere(step, format!("kubectl {verb} {pod}")).through(tool.name);
    if pod.starts_with("node/") {
        // The node's own root lies there.
        inner.mounts = vec![Mount {
            inside: "/host".into(),
            source: Word::literal("/"),
            by_name: true,
        }];
    }
    Reading::steps(vec![inner.with_argv(argv)])
}
