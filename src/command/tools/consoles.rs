//! Consoles of frameworks whose commands have namespaces and abbreviations, and tools that reach
//! other places by an option.

use crate::command::{
    Action, Args, Command, Effect, Place, Reading, Step, Stop, Tool, Word, World,
};

/// Everyday programs that touch no database, whatever their words say.
pub(super) fn plain(tool: &'static Tool, step: &Step) -> Reading {
    Reading::command(Command::new(Some(tool), step.clone()))
}

/// Symfony's console and those built on it: `d:d:d` and `doctrine:database:dr` are commands too.
pub(super) fn colon(tool: &'static Tool, step: &Step) -> Reading {
    let mut step = step.clone();
    let at = (1..step.argv.len()).find(|at| {
        let word = step.argv.get(*at).map_or("", |w| w.text.as_str());
        let before = step.argv.get(at - 1).map_or("", |w| w.text.as_str());
        !(word.starts_with('-') || *at > 1 && tool.value_options.contains(&before))
    });
    let Some(word) = at.and_then(|at| step.argv.get_mut(at)) else {
        return super::words(tool, &step);
    };
    if tool.action(&word.text).is_none() {
        let spelled = word.text.to_ascii_lowercase();
        let mut found = tool
            .actions
            .iter()
            .flat_map(|a| std::iter::once(&a.name).chain(a.aliases))
            .filter(|name| abbreviates(&spelled, name));
        // Of several that it may stand for, the strongest is meant.
        let strongest = found
            .by_ref()
            .max_by_key(|name| tool.action(name).map(|a| a.effect));
        if let Some(name) = strongest.filter(|_| spelled.contains(':')) {
            word.text = (*name).to_owned();
        }
    }
    super::words(tool, &step)
}

/// Whether each part between colons begins the part of the full name.
fn abbreviates(short: &str, full: &str) -> bool {
    let (short, full): (Vec<&str>, Vec<&str>) =
        (short.split(':').collect(), full.split(':').collect());
    short.len() == full.len()
        && short
            .iter()
            .zip(&full)
            .all(|(s, f)| !s.is_empty() && f.starts_with(s))
}

/// The Symfony CLI: `symfony console X` is the project's console, `symfony php X` its PHP.
pub(super) fn symfony(tool: &'static Tool, step: &Step) -> Reading {
    let program = match step.argv.get(1).map(|w| w.text.as_str()) {
        Some("console") => "console",
        Some("php") => "php",
        Some("composer") => "composer",
        Some("run") => "",
        _ => return plain(tool, step),
    };
    let mut argv = step.argv.get(2..).unwrap_or(&[]).to_vec();
    if !program.is_empty() {
        argv.insert(0, Word::literal(program));
    }
    if argv.is_empty() {
        return plain(tool, step);
    }
    Reading::steps(vec![step.with_argv(argv).through("symfony")])
}

/// Takes a site alias (`@prod`) off the front and says where it leads.
fn without_alias(step: &Step) -> Step {
    let mut step = step.clone();
    let at = step
        .argv
        .iter()
        .skip(1)
        .position(|w| !w.text.starts_with('-'))
        .map(|at| at + 1);
    if let Some(at) = at
        && let Some(word) = step.argv.get(at)
        && word.text.starts_with('@')
        && !matches!(word.text.as_str(), "@self" | "@none")
    {
        let place = format!("site {}", word.text);
        step.argv.remove(at);
        step.place = Place::Elsewhere(place);
    }
    step
}

/// drush: site aliases, `drush sql:sync` replaces its second site.
pub(super) fn drush(tool: &'static Tool, step: &Step) -> Reading {
    super::words(tool, &without_alias(step))
}

/// WP-CLI: aliases, `--ssh`, SQL behind `db query`.
pub(super) fn wp(tool: &'static Tool, step: &Step) -> Reading {
    let mut step = without_alias(step);
    let far = Args::parse(&step.argv, tool.value_options);
    if let Some(to) = far.value(&["--ssh", "--http"]) {
        step.place = Place::Elsewhere(format!("wp --ssh {to}"));
    }
    super::words(tool, &step)
}

/// `pg_ctlcluster VERSION NAME ACTION`.
pub(super) fn cluster(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::parse(&step.argv, tool.value_options);
    let action = command.args.operand(2).unwrap_or("").to_owned();
    let effect = match action.as_str() {
        "stop" | "restart" | "promote" => Effect::Stops,
        _ => Effect::None,
    };
    Reading::command(command.doing(Action::new(action, effect, "the server stops")))
}

/// Tools that make file systems or remove volumes.
pub(super) fn filesystem(tool: &'static Tool, step: &Step) -> Reading {
    let subcommands = ["zfs", "zpool", "btrfs", "cryptsetup"];
    if subcommands.contains(&step.program()) {
        return super::words(tool, step);
    }
    let asks = |w: &str| {
        matches!(
            w,
            "-n" | "--no-act" | "-V" | "-l" | "--list" | "print" | "-p"
        )
    };
    let wipes = |w: &str| !w.starts_with("--") && w.contains('a') || w == "--all";
    let only_asks = step.argv.len() < 2
        || step.words().any(asks)
        || step.program() == "wipefs" && !step.words().any(|w| w.starts_with('-') && wipes(w));
    let effect = if only_asks {
        Effect::None
    } else {
        Effect::Destroys
    };
    let name = step.program().to_owned();
    let action = Action::new(name, effect, "what was on the device is gone");
    Reading::command(Command::new(Some(tool), step.clone()).doing(action))
}

/// heroku: `heroku run CMD` runs in the app; the rest are actions.
pub(super) fn heroku(tool: &'static Tool, step: &Step) -> Reading {
    let mut step = step.clone();
    // `heroku rake db:reset` is the old spelling of `heroku run rake db:reset`.
    if step
        .argv
        .get(1)
        .is_some_and(|w| matches!(w.text.as_str(), "rake" | "rails" | "console"))
    {
        step.argv.insert(1, Word::literal("run"));
    }
    let runs = step
        .argv
        .iter()
        .skip(1)
        .find(|w| tool.data("verb").contains(&w.text.as_str()) || w.text.contains(':'))
        .is_some_and(|w| tool.data("verb").contains(&w.text.as_str()));
    if runs {
        // Its own options may stand behind the command too.
        let own = |w: &Word| matches!(w.text.as_str(), "-a" | "--app" | "-r" | "--remote");
        while let Some(at) = step.argv.iter().position(own) {
            step.argv.drain(at..step.argv.len().min(at + 2));
        }
        return super::super::unwrap::prefix(tool, &step);
    }
    super::words(tool, &step)
}

/// gcloud: release tracks stand before the action; `compute ssh --command` runs far away.
pub(super) fn gcloud(tool: &'static Tool, step: &Step) -> Reading {
    let mut step = step.clone();
    if step
        .argv
        .get(1)
        .is_some_and(|w| matches!(w.text.as_str(), "beta" | "alpha" | "preview"))
    {
        step.argv.remove(1);
    }
    let words: Vec<&str> = step
        .words()
        .filter(|w| !w.starts_with('-'))
        .take(2)
        .collect();
    if words == ["compute", "ssh"] {
        let place = "gcloud compute ssh".to_owned();
        let mut inner = step.clone().through("gcloud");
        inner.place = Place::Elsewhere(place);
        let args = Args::parse(
            &step.argv,
            &["--command", "--zone", "--project", "--ssh-flag"],
        );
        let behind = step.argv.iter().position(|w| w.text == "--");
        let text = match (args.last(&["--command"]), behind) {
            (Some(option), _) => Some(Word {
                text: option.value.clone().unwrap_or_default(),
                unknown: option.unknown.clone(),
            }),
            (None, Some(at)) => {
                let rest = step.argv.get(at + 1..).unwrap_or(&[]);
                let text = rest
                    .iter()
                    .map(|w| w.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ");
                let unknown = rest.iter().find_map(|w| w.unknown.clone());
                Some(Word { text, unknown })
            }
            (None, None) => None,
        };
        let mut argv = vec![Word::literal("sh")];
        if let Some(text) = text {
            argv.extend([Word::literal("-c"), text]);
        }
        return Reading::steps(vec![inner.with_argv(argv)]);
    }
    super::words(tool, &step)
}

/// `ansible HOSTS -m shell -a 'CMD'`.
pub(super) fn ansible(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    if step.program() != "ansible" {
        let asks = [
            "--syntax-check",
            "--list-tasks",
            "--list-hosts",
            "-C",
            "--check",
        ];
        if args.has(&asks) || args.has(&["--version", "--help"]) {
            return plain(tool, step);
        }
        return playbooks(tool, step, args, world);
    }
    let module = args.value(&["-m", "--module-name"]).unwrap_or("command");
    let module = module.rsplit('.').next().unwrap_or(module).to_owned();
    let text = args.last(&["-a", "--args"]);
    match (module.as_str(), text) {
        ("shell" | "command" | "raw" | "script" | "win_shell" | "win_command", Some(text)) => {
            let hosts = args.operand(0).unwrap_or("").to_owned();
            let mut inner = step.clone().through("ansible");
            inner.place = Place::Elsewhere(format!("ansible {hosts}"));
            let word = Word {
                text: text.value.clone().unwrap_or_default(),
                unknown: text.unknown.clone(),
            };
            let argv = vec![Word::literal("sh"), Word::literal("-c"), word];
            Reading::steps(vec![inner.with_argv(argv)])
        }
        ("postgresql_db" | "mysql_db" | "mongodb_user" | "postgresql_table" | "mssql_db", text) => {
            let absent = text.and_then(|t| t.value.as_deref()).is_some_and(|t| {
                t.contains("absent") || t.contains("restore") || t.contains("truncate")
            });
            let effect = if absent {
                Effect::Destroys
            } else {
                Effect::ChangesSchema
            };
            let action = Action::new(module, effect, "a module that changes databases");
            Reading::command(Command::new(Some(tool), step.clone()).doing(action))
        }
        (_, Some(text)) if standing_for(&module, text.value.as_deref()).is_some() => {
            let words = standing_for(&module, text.value.as_deref()).unwrap_or_default();
            let mut inner = step.clone().through("ansible");
            inner.place = Place::Elsewhere("ansible".to_owned());
            let argv = words.into_iter().map(Word::literal).collect();
            Reading::steps(vec![inner.with_argv(argv)])
        }
        ("postgresql_query" | "mysql_query" | "postgresql_script", _) => {
            Reading::opaque(Some(tool), step, "query", "runs SQL")
        }
        _ => plain(tool, step),
    }
}

/// The command that a module of ansible stands for: `service name=mysql state=stopped`.
fn standing_for(module: &str, text: Option<&str>) -> Option<Vec<String>> {
    let field = |names: &[&str]| {
        let mut fields = text?.split_whitespace().filter_map(|f| f.split_once('='));
        fields
            .find(|(n, _)| names.contains(n))
            .map(|(_, v)| v.to_owned())
    };
    let name = field(&["name", "path", "dest", "pkg"])?;
    let words: &[&str] = match (module, field(&["state"])?.as_str()) {
        ("service" | "systemd" | "systemd_service", "stopped" | "restarted") => {
            &["systemctl", "stop"]
        }
        ("apt" | "yum" | "dnf" | "package", "absent") => &["apt-get", "remove"],
        ("file", "absent") => &["rm", "-rf"],
        ("docker_volume" | "podman_volume", "absent") => &["docker", "volume", "rm"],
        ("docker_container", "absent" | "stopped") => &["docker", "rm", "-f"],
        _ => return None,
    };
    let words = words.iter().map(|w| (*w).to_owned());
    Some(words.chain([name]).collect())
}

/// `ansible-playbook FILE`: known where each file can be read, includes no other and names nothing
/// that removes.
fn playbooks(tool: &'static Tool, step: &Step, args: Args, world: &World<'_>) -> Reading {
    let harm = [
        "drop", "truncate", "absent", "restore", "delete", "rm ", "include", "import_", "roles:",
        "{{", "psql", "mysql", "shell:", "script:", "stopped",
    ];
    let harmless = |path: &str| {
        let text = world.files.read_text(&step.path(path));
        text.is_ok_and(|text| {
            let lower = text.to_ascii_lowercase();
            !harm.iter().any(|word| lower.contains(word))
        })
    };
    if args.operands.is_empty() || !args.operand_texts().all(harmless) {
        let why = "what its tasks and roles do is not known";
        return Reading::opaque(Some(tool), step, "playbook", why);
    }
    plain(tool, step)
}

/// Maven, Gradle and others: goals in a row, with the plugin's coordinates or the project before
/// them (`org.flywaydb:flyway-maven-plugin:clean`, `:app:flywayClean`).
pub(super) fn build_tool(tool: &'static Tool, step: &Step) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.args = Args::parse(&step.argv, tool.value_options);
    if command.args.has(&["--help", "--version"]) {
        command.stops_early = Some(Stop::new(
            "nothing-runs",
            "only help or the version is printed",
        ));
        return Reading::command(command);
    }
    // sbt takes several in one word: `"flywayClean; flywayMigrate"`.
    let operands = command.args.operand_texts().flat_map(|w| w.split(';'));
    let words: Vec<String> = operands.map(|w| goal(w.trim())).collect();
    let joined = words.join(" ");
    for word in words.iter().chain(std::iter::once(&joined)) {
        if let Some(entry) = tool.action(word) {
            let action = Action::new(entry.name, entry.effect, entry.why);
            if !command.actions.contains(&action) {
                command.actions.push(action);
            }
        }
    }
    Reading::command(command)
}

fn goal(word: &str) -> String {
    let word = word.trim_start_matches(':');
    for (plugin, short) in [
        ("flyway-maven-plugin:", "flyway:"),
        ("liquibase-maven-plugin:", "liquibase:"),
        ("sql-maven-plugin:", "sql:"),
    ] {
        if let Some((_, tail)) = word.split_once(plugin) {
            let tail = tail.rsplit(':').next().unwrap_or(tail);
            return format!("{short}{}", tail.split('@').next().unwrap_or(tail));
        }
    }
    let last = word.rsplit(':').next().unwrap_or(word);
    if last.starts_with("flyway") || last.contains("ropAll") || last.contains("ollback") {
        if word.starts_with("flyway:") || word.starts_with("liquibase:") {
            return word.to_owned();
        }
        return last.to_owned();
    }
    word.to_owned()
}
