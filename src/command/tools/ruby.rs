//! `ruby FILE`, `bundle exec`, `rspec`, `spring`, and programs that boot a Rails application.

use super::rails::{nothing, project};
use super::rake::{Run, uses_gem};
use crate::command::{Action, Args, Command, Effect, Reading, Step, Tool, Word, World};
use crate::source::Source;
use crate::target::readers::ruby::{Fact, Ruby};

/// Libraries that open databases.
const LIBRARIES: &[&str] = &[
    "active_record",
    "activerecord",
    "sequel",
    "pg",
    "mysql2",
    "trilogy",
    "sqlite3",
    "mongo",
    "mongoid",
    "redis",
    "rom",
    "tiny_tds",
    "data_mapper",
];

/// `ruby`: a stub of `bin/`, another program by `-S`, a test file, or any script.
pub(super) fn ruby(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let args = Args::parse(&step.argv[..end], tool.value_options);
    if args.has(tool.data("only-prints")) {
        return nothing(tool, step.clone(), "ruby only prints or checks");
    }
    let mut step = step.clone();
    if let Some(dir) = args.value(&["-C", "-X"]) {
        step.cwd = step.path(dir);
    }
    let searched = args.has(&["-S"]);
    let Some(file) = step.argv.get(end).map(|w| w.text.clone()) else {
        return script(tool, &step, args.value(&["-e"]), None, &args, world);
    };
    if let Some(code) = args.value(&["-e"]) {
        return script(tool, &step, Some(code), None, &args, world);
    }
    let base = file.rsplit('/').next().unwrap_or(&file);
    if searched
        || matches!(
            base,
            "rails" | "rake" | "rspec" | "spring" | "bundle" | "thor"
        )
    {
        let words = step.argv.get(end..).unwrap_or_default().to_vec();
        return Reading::steps(vec![step.with_argv(words).through("ruby")]);
    }
    script(tool, &step, None, Some(&file), &args, world)
}

/// Where the options of the interpreter end.
fn options_end(argv: &[Word], with_value: &[&str]) -> usize {
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            return at + 1;
        }
        if !text.starts_with('-') || text == "-" {
            break;
        }
        // `-ne CODE`.
        let flags = text.trim_start_matches('-').trim_end_matches('e');
        let code = text.ends_with('e') && flags.chars().all(|c| "nplasUw".contains(c));
        at += if with_value.contains(&text) || code {
            2
        } else {
            1
        };
    }
    at.min(argv.len())
}

/// A script: followed through what it requires as far as to know whether it boots Rails.
fn script(
    tool: &'static Tool,
    step: &Step,
    code: Option<&str>,
    file: Option<&str>,
    args: &Args,
    world: &World<'_>,
) -> Reading {
    let mut step = step.clone();
    let root = project(&mut step, world.files);
    let base = root.clone().unwrap_or_else(|| step.cwd.clone());
    let mut ruby = Ruby::new(world.files, base.clone(), step.vars.clone());
    ruby.follow = true;
    ruby.load_dirs = vec![
        step.cwd.clone(),
        base.join("test"),
        base.join("spec"),
        base.join("lib"),
    ];
    let dirs = args.options.iter().filter(|o| o.name == "-I");
    let dirs = dirs
        .filter_map(|o| o.value.as_deref())
        .flat_map(|d| d.split(':'));
    ruby.load_dirs.extend(dirs.map(|d| step.path(d)));
    let text = file.and_then(|file| world.files.read_text(&step.path(file)).ok());
    let mut readable = true;
    match (code, file) {
        (Some(code), _) => match crate::target::readers::ruby::parse(code) {
            Ok(body) => {
                let _ = ruby.run(&body);
            }
            Err(_) => readable = super::inline::reaches(code).is_none(),
        },
        (None, Some(file)) => {
            let parsed = |text: &String| crate::target::readers::ruby::parse(text).is_ok();
            readable =
                text.as_ref().is_some_and(parsed) && ruby.load_file(&step.path(file)).is_ok();
        }
        (None, None) => readable = false,
    }
    let loads: Vec<&str> = ruby
        .facts
        .iter()
        .filter_map(|f| match f {
            Fact::Load(Ok(what)) => Some(what.as_str()),
            _ => None,
        })
        .collect();
    let ends = |name: &str| loads.iter().any(|l| l.ends_with(name));
    let boots =
        ends("config/environment") || ends("config/application") || ends("config/environment.rb");
    let tests = ends("rails/test_help")
        || ruby
            .facts
            .iter()
            .any(|f| matches!(f, Fact::Opaque(what) if what.contains("maintain_test_schema")));
    let library = loads.iter().any(|l| {
        LIBRARIES
            .iter()
            .any(|lib| l.rsplit('/').next() == Some(lib))
    }) || code.is_some_and(|c| LIBRARIES.iter().any(|lib| c.contains(lib)));
    let removes = ["rm_r", "File.delete", "unlink", "rmtree", "PG.", "Sequel."];
    let required = |w: &str| {
        w.strip_prefix("-r")
            .is_some_and(|lib| LIBRARIES.contains(&lib))
    };
    let library = library || step.words().any(required);
    let shell = ruby.facts.iter().any(|f| matches!(f, Fact::Shell(Err(_))))
        || code.is_some_and(|code| removes.iter().any(|word| code.contains(word)))
        || text.is_some_and(|text| starts_unseen(&text));
    let unread = ruby.facts.iter().any(|f| matches!(f, Fact::Load(Err(_))))
        || !readable
        || ends("rails/commands");
    let mut run = Run::new(root);
    if boots {
        let (effect, why) = if tests {
            (
                Effect::Destroys,
                "tests load the schema into the test database and clear it",
            )
        } else {
            (Effect::Opaque, "a Ruby program that boots the application")
        };
        run.action(Action::new("ruby", effect, why));
        run.scope("default");
        if tests {
            run.scope("test");
        }
        step.vars = ruby.vars.clone();
    } else if library || shell || unread {
        let why = "a Ruby program that may open databases";
        run.action(Action::new("ruby", Effect::Opaque, why));
        run.scope("none");
    } else {
        run.scope("none");
    }
    // The lines that it has a shell run, each judged as itself.
    let lines = ruby.facts.iter().filter_map(|fact| match fact {
        Fact::Shell(Ok(line)) => Some(["sh", "-c", line].map(Word::literal).to_vec()),
        _ => None,
    });
    let steps = lines
        .map(|argv| step.with_argv(argv).through("ruby"))
        .collect();
    Reading {
        command: Some(run.into_command(tool, step, args.clone())),
        steps,
    }
}

/// Whether a method of a class or module starts programs: calls of those are not followed.
fn starts_unseen(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "system", "exec", "spawn", "popen", "sh", "Open3.", "PTY.", "%x", "`",
    ];
    let starts = |code: &str, word: &str| {
        code.match_indices(word).any(|(at, _)| {
            let before = code.get(..at).and_then(|c| c.chars().next_back());
            let after = code.get(at + word.len()..).unwrap_or_default();
            let bare = word.ends_with(|c: char| c.is_alphanumeric() && c != 'x');
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                && (!bare || after.trim_start().starts_with(['(', '"', '\'', '*', '%']))
        })
    };
    let mut inside: Option<usize> = None;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let within = indent > 0 || code.starts_with("class ") || code.starts_with("module ");
        let defines = code.starts_with("def self.") || within && code.contains("def ");
        if defines && inside.is_none() {
            inside = Some(indent);
        }
        if inside.is_some() && !code.starts_with('#') && STARTS.iter().any(|w| starts(code, w)) {
            return true;
        }
        let one_line = defines && (code.contains(" = ") || code.ends_with("end"));
        if inside == Some(indent) && (code.trim_end() == "end" || one_line) {
            inside = None;
        }
    }
    false
}

/// `bundle exec CMD`; everything else of Bundler reaches no database.
pub(super) fn bundle(tool: &'static Tool, step: &Step) -> Reading {
    let end = options_end(&step.argv, tool.value_options);
    let verb = step.argv.get(end).map(|w| w.text.as_str());
    if !matches!(verb, Some("exec" | "e" | "ex" | "exe")) {
        return Reading::command(Command::new(Some(tool), step.clone()));
    }
    let rest = step.argv.get(end..).unwrap_or_default();
    let after = options_end(rest, &[]);
    let words = rest.get(after..).unwrap_or_default().to_vec();
    if words.is_empty() {
        return Reading::command(Command::new(Some(tool), step.clone()));
    }
    Reading::steps(vec![step.with_argv(words).through("bundle exec")])
}

/// `spring rails ...`, `spring rake ...`: the tail runs in the server.
pub(super) fn spring(tool: &'static Tool, step: &Step) -> Reading {
    let verb = step.argv.get(1).map_or("", |w| w.text.as_str());
    let words = step.argv.get(1..).unwrap_or_default().to_vec();
    match verb {
        "rails" | "rake" | "rspec" => Reading::steps(vec![step.with_argv(words).through("spring")]),
        _ => Reading::command(Command::new(Some(tool), step.clone())),
    }
}

/// `rspec`: of a Rails application it loads the schema into the test database.
pub(super) fn rspec(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let args = Args::parse(&step.argv, tool.value_options);
    if args.has(tool.data("only-prints")) {
        return nothing(tool, step, "only help, the version or a rehearsal");
    }
    let root = project(&mut step, world.files);
    let rails = root.as_ref().is_some_and(|root| {
        world.files.is_file(&root.join("spec/rails_helper.rb"))
            || uses_gem(&step, root, "rspec-rails", world)
            || world
                .files
                .read_text(&root.join("spec/spec_helper.rb"))
                .is_ok_and(|text| text.contains("config/environment"))
    });
    let mut run = Run::new(root);
    if rails {
        if !step.vars.has("RAILS_ENV") {
            let source = Source::argument("rspec");
            step.vars.set("RAILS_ENV", "test", source);
        }
        let why = "tests load the schema into the test database and clear it";
        run.action(Action::new(tool.name, Effect::Destroys, why));
        run.scope("default");
        run.scope("test");
    } else {
        run.scope("none");
    }
    Reading::command(run.into_command(tool, step, args))
}

/// Servers and workers: they boot the application and write as it does every day.
pub(super) fn worker(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let mut step = step.clone();
    let args = Args::parse(&step.argv, tool.value_options);
    if args.has(&["--help", "-h", "--version", "-V"]) {
        return nothing(tool, step, "only help or the version is printed");
    }
    let root = project(&mut step, world.files);
    let Some(root) = root else {
        return Reading::command(Command::new(Some(tool), step));
    };
    let named = args.value(&["-e", "--environment"]).map(str::to_owned);
    let from_app = step
        .vars
        .filled("APP_ENV")
        .map(std::borrow::Cow::into_owned);
    let env = match (tool.name, named, from_app) {
        (_, Some(env), _) => Some((env, "option -e")),
        ("sidekiq", None, Some(env)) => Some((env, "APP_ENV")),
        _ => None,
    };
    if let Some((env, from)) = env {
        step.vars.set("RAILS_ENV", env, Source::argument(from));
    }
    let mut run = Run::new(Some(root));
    let why = "it runs the application, which writes as it does every day";
    run.action(Action::new(tool.name, Effect::Writes, why));
    run.scope("all-of");
    Reading::command(run.into_command(tool, step, args))
}
