//! Command lines of Rails projects against the real Rails: whatever a task, test or console would
//! open or create, drop and purge is what is resolved statically, or the answer is unresolved.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tagout::command::{Caller, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Disk;
use tagout::source::{Source, SourceKind};
use tagout::target::{Resolution, resolve};

use super::rails_differential::{Reached, found, reached};
use crate::support::{answers_of_ruby, needs, skip};

const RECORDER: &str = include_str!("rails_recorder.rb");

/// What every project has; a case may bring other files in their place.
const SKELETON: &[(&str, &str)] = &[
    ("config/boot.rb", "require 'pathname'\n"),
    (
        "config/environment.rb",
        "require_relative 'application'\nRails.application.initialize!\n",
    ),
    (
        "config/environments/development.rb",
        "Rails.application.configure do\nend\n",
    ),
    (
        "config/environments/test.rb",
        "Rails.application.configure do\nend\n",
    ),
    (
        "config/environments/production.rb",
        "Rails.application.configure do\nend\n",
    ),
    (
        "config/environments/staging.rb",
        "Rails.application.configure do\nend\n",
    ),
    (
        "Rakefile",
        "require_relative 'config/application'\nRails.application.load_tasks\n",
    ),
    (
        "bin/rails",
        "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire_relative '../config/boot'\nrequire 'rails/commands'\n",
    ),
    (
        "bin/rake",
        "#!/usr/bin/env ruby\nrequire_relative '../config/boot'\nrequire 'rake'\nRake.application.run\n",
    ),
    (
        "db/migrate/20240101000000_create_orders.rb",
        "class CreateOrders < ActiveRecord::Migration[6.1]\n  def change\n    create_table :orders\n  end\nend\n",
    ),
    (
        "db/schema.rb",
        "ActiveRecord::Schema.define(version: 2024_01_01_000000) do\n  create_table \"orders\", force: :cascade\nend\n",
    ),
    (
        "db/animals_schema.rb",
        "ActiveRecord::Schema.define(version: 2024_01_01_000000) do\n  create_table \"cats\", force: :cascade\nend\n",
    ),
    ("db/seeds.rb", ""),
    (
        "app/models/order.rb",
        "class Order < ActiveRecord::Base\nend\n",
    ),
];

fn application(loads: &str, extra: &str) -> String {
    format!(
        "require_relative 'boot'\nrequire 'rails'\nrequire 'active_model/railtie'\nrequire 'active_record/railtie'\nrequire 'rails/test_unit/railtie'\n{loads}module App\n  class Application < Rails::Application\n    config.eager_load = false\n    config.logger = Logger.new(nil)\n{extra}  end\nend\n"
    )
}

/// A project, an environment, words.
#[derive(Debug, Default)]
struct Case {
    name: String,
    files: Vec<(String, String)>,
    absent: Vec<String>,
    env: Vec<(String, String)>,
    argv: Vec<String>,
}

impl Case {
    fn lay(&self, root: &Path) {
        let file = |name: &str| self.files.iter().find(|(n, _)| n == name);
        let dotenv = file("Gemfile.lock").is_some_and(|(_, text)| text.contains("dotenv"));
        let loads = if dotenv {
            "require 'dotenv/rails'\n"
        } else {
            ""
        };
        let extra = match file("config/extra.rb") {
            Some(_) => "    eval File.read(File.expand_path('extra.rb', __dir__))\n",
            None => "",
        };
        let own = (
            "config/application.rb".to_owned(),
            application(loads, extra),
        );
        let skeleton = SKELETON
            .iter()
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()));
        let all = skeleton.chain([own]).chain(self.files.iter().cloned());
        for (name, text) in all.filter(|(name, _)| !self.absent.contains(name)) {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text.replace("{ROOT}", &root.display().to_string())).unwrap();
        }
    }

    /// The line without what only starts it, for the recorder; wrappers are no matter of Rails.
    fn unwrapped(&self) -> (Vec<String>, Vec<(String, String)>) {
        let mut words = self.argv.clone();
        let mut env = self.env.clone();
        if words[0] == "sh" {
            words = words[2].split(' ').map(str::to_owned).collect();
        }
        loop {
            let skipped = match words[0].as_str() {
                "bundle" | "timeout" => 2,
                "nice" => 3,
                "env" => 1,
                first => match first.split_once('=') {
                    Some((name, value)) => {
                        env.push((name.to_owned(), value.to_owned()));
                        1
                    }
                    None => return (words, env),
                },
            };
            words.drain(..skipped);
        }
    }
}

fn lock(more: &str) -> (String, String) {
    let text = format!(
        "GEM\n  remote: https://rubygems.org/\n  specs:\n    activerecord (VERSION)\n    rails (VERSION)\n{more}\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rails\n"
    );
    ("Gemfile.lock".to_owned(), text)
}

/// Runs the cases with the real Rails; `None` where it is not installed.
fn real(cases: &[Case], roots: &[tempfile::TempDir]) -> Option<(String, Vec<Value>)> {
    let mut input = String::new();
    for (case, root) in cases.iter().zip(roots) {
        let (argv, env) = case.unwrapped();
        let env: serde_json::Map<String, Value> =
            env.into_iter().map(|(n, v)| (n, v.into())).collect();
        let root = root.path().canonicalize().unwrap();
        input += &json!({"root": root, "argv": argv, "env": env}).to_string();
        input.push('\n');
    }
    answers_of_ruby(RECORDER, &input)
}

fn ours(case: &Case, root: &Path) -> (Vec<String>, Resolution) {
    let mut vars = Vars::new();
    for (name, value) in &case.env {
        let source = Source::new(SourceKind::Inherited, "caller");
        vars.set(name.clone(), value, source);
    }
    let files = Disk::default();
    let caller = Caller {
        user: "me".into(),
        ..Caller::default()
    };
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let mut all = Resolution::none();
    let mut actions = Vec::new();
    for command in understand(Step::new(case.argv.clone(), vars, root.to_owned()), &world) {
        actions.extend(command.actions.iter().map(|a| a.name.to_string()));
        all.merge(resolve(&command, &world));
    }
    (actions, all)
}

/// With what libpq takes from the process where the configuration says nothing; one a host of a
/// list.
fn filled(config: &Value, env: &[(String, String)]) -> Vec<Value> {
    let mut config = config.clone();
    let postgres = config["adapter"] == "postgresql";
    for (name, key) in [
        ("PGHOST", "host"),
        ("PGPORT", "port"),
        ("PGDATABASE", "database"),
    ] {
        let value = env.iter().find(|(n, _)| n == name);
        if let (true, true, Some((_, value))) = (postgres, config[key].is_null(), value) {
            config[key] = value.clone().into();
        }
    }
    let hosts = match &config["host"] {
        Value::Array(hosts) => hosts.clone(),
        host => vec![host.clone()],
    };
    let with = |host: Value| {
        let mut config = config.clone();
        config["host"] = host;
        config
    };
    hosts.into_iter().map(with).collect()
}

/// Holds cases; what must be decided is `at_least` percent.
fn hold(mut cases: Vec<Case>, at_least: usize) {
    if needs("ruby").is_none() {
        return;
    }
    let version = Command::new("ruby")
        .args([
            "-e",
            "require 'active_record'; require 'rails'; print ActiveRecord::VERSION::STRING",
        ])
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if version.is_empty() {
        skip("ruby-activerecord and ruby-railties");
        return;
    }
    for (name, text) in cases.iter_mut().flat_map(|c| &mut c.files) {
        if name == "Gemfile.lock" {
            *text = text.replace("VERSION", &version);
        }
    }
    let half = cases.split_off(cases.len() / 2);
    let count = cases.len() + half.len();
    let judged: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let both = [cases, half].map(|part| scope.spawn(move || judge(&part)));
        both.into_iter().map(|b| b.join().unwrap()).collect()
    });
    let decided: usize = judged.iter().map(|(decided, _)| decided).sum();
    let wrong: Vec<String> = judged.into_iter().flat_map(|(_, wrong)| wrong).collect();
    println!(
        "Rails {version}: {count} lines, {decided} decided ({} %), {} wrong",
        decided * 100 / count,
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        decided * 100 >= count * at_least,
        "{decided} of {count} are decided"
    );
}

fn judge(cases: &[Case]) -> (usize, Vec<String>) {
    let roots: Vec<_> = cases.iter().map(|_| tempfile::tempdir().unwrap()).collect();
    for (case, root) in cases.iter().zip(&roots) {
        case.lay(&root.path().canonicalize().unwrap());
    }
    let Some((_, answers)) = real(cases, &roots) else {
        return (0, vec!["the recorder said nothing".to_owned()]);
    };
    assert_eq!(answers.len(), cases.len());
    let mut decided = 0;
    let mut wrong = Vec::new();
    for ((case, root), answer) in cases.iter().zip(&roots).zip(&answers) {
        let root = root.path().canonicalize().unwrap();
        let (actions, ours) = ours(case, &root);
        let have = found(&ours);
        let (_, env) = case.unwrapped();
        let opened = answer["opened"].as_array().unwrap().iter();
        let want: Result<BTreeSet<Reached>, &str> = opened
            .flat_map(|config| filled(config, &env))
            .map(|config| reached(&root.display().to_string(), &config))
            .collect();
        let reads: BTreeSet<Reached> = found(&Resolution {
            targets: ours.replicas.clone(),
            ..Resolution::none()
        });
        let open = !ours.gaps.is_empty();
        let right = match &want {
            Ok(want) if !open && have.is_subset(want) && !want.is_empty() => {
                decided += 1;
                want.iter().all(|w| have.contains(w) || reads.contains(w))
            }
            // It ended by itself: what it would have gone on to may be named as well.
            Ok(want) if answer["failed"] == true && !open => {
                decided += 1;
                want.is_subset(&have) && (!want.is_empty() || have.is_empty())
            }
            Ok(want) if open => {
                want.is_empty() || have.iter().all(|h| h.3.is_empty() || want.contains(h))
            }
            Ok(want) => {
                decided += 1;
                want.is_empty() && have.is_empty()
            }
            Err(_) => open || !ours.errors.is_empty(),
        };
        if !right {
            wrong.push(format!(
                "{} {:?} {:?} {actions:?}\nours {have:?}\n  {:?} {:?}\nreal {want:?} failed {} {}\n",
                case.name, case.argv, case.env, ours.gaps, ours.errors, answer["failed"], answer["said"]
            ));
        }
    }
    (decided, wrong)
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_object().into_iter().flatten();
    entries
        .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
        .collect()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// The recorded cases that can run on the installed Rails: their project is locked to it. Left out
/// are those with gems that are not installed, and adapters that are not.
#[test]
fn recorded_lines_reach_what_rails_reaches() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/rails.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    let dotenv = Path::new("/usr/share/rubygems-integration/all/gems").is_dir()
        && Command::new("ruby")
            .args(["-e", "require 'dotenv'"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success());
    if !dotenv {
        skip("ruby-dotenv");
    }
    let mut cases = Vec::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let gems = texts(&row["gems"]);
        let adapter = row["env"]["DATABASE_URL"].as_str().unwrap_or("");
        let missing = gems.iter().any(|g| g == "figaro" || !dotenv)
            || adapter.starts_with("mysql:")
            || adapter.starts_with("trilogy:");
        if missing {
            continue;
        }
        let more = if gems.is_empty() {
            ""
        } else {
            "    dotenv (2.4.0)\n    dotenv-rails (2.4.0)\n"
        };
        let mut files = pairs(&row["files"]);
        files.retain(|(name, _)| name != "Gemfile.lock");
        files.push(lock(more));
        cases.push(Case {
            name: row["name"].as_str().unwrap().to_owned(),
            files,
            absent: texts(&row["absent"]),
            env: pairs(&row["env"]),
            argv: texts(&row["argv"]),
        });
    }
    assert!(cases.len() >= 110, "only {} run", cases.len());
    hold(cases, 95);
}

const SEVERAL: &str = "default: &default\n  adapter: postgresql\n  host: localhost\ndevelopment:\n  primary:\n    <<: *default\n    database: dev\n  animals:\n    <<: *default\n    host: animals.internal\n    database: dev_animals\n    migrations_paths: db/animals_migrate\n  copy:\n    <<: *default\n    host: copy.internal\n    database: dev\n    replica: true\ntest:\n  primary:\n    <<: *default\n    database: tst\n  animals:\n    <<: *default\n    database: tst_animals\nproduction:\n  primary:\n    <<: *default\n    host: db.prod.internal\n    database: prd\n  animals:\n    <<: *default\n    host: 127.0.0.1\n    database: prd_animals\n";

const SINGLE: &str = "default: &default\n  adapter: mysql2\n  host: <%= ENV.fetch('DB_HOST', 'one.internal') %>\ndevelopment:\n  <<: *default\n  database: dev\ntest:\n  <<: *default\n  database: tst<%= ENV['TEST_ENV_NUMBER'] %>\nproduction:\n  <<: *default\n  host: db.prod.internal\n  database: prd\nstaging:\n  adapter: sqlite3\n  database: db/staging.sqlite3\n";

const TASKS: &str = "task nuke: ['db:drop', 'db:create']\ntask :again do\n  Rake::Task['db:migrate'].invoke\nend\nnamespace :ops do\n  task :wipe, [:env] do |_, args|\n    ENV['RAILS_ENV'] = args[:env] || 'test'\n    Rails.env = ENV['RAILS_ENV']\n    Rake::Task['db:drop'].invoke\n  end\n  task clean: :environment do\n    Order.delete_all\n  end\n  task elsewhere: :environment do\n    ActiveRecord::Base.establish_connection(:production)\n    ActiveRecord::Base.connection.execute('select 1')\n  end\n  desc 'x'\n  multitask both: %w[db:version db:seed]\nend\nRake::Task['db:seed'].enhance(['db:test:prepare']) if ENV['ENHANCE']\n";

/// Lines of our own where answers differ easily.
#[test]
fn lines_of_tasks_reach_what_rails_reaches() {
    let mut cases = Vec::new();
    let mut add = |yaml: &str, env: &[(&str, &str)], line: &str, more: &[(&str, &str)]| {
        let mut files = vec![
            ("config/database.yml".to_owned(), yaml.to_owned()),
            ("lib/tasks/ops.rake".to_owned(), TASKS.to_owned()),
            lock(""),
        ];
        files.extend(more.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())));
        cases.push(Case {
            name: line.to_owned(),
            files,
            env: env
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            argv: line.split(' ').map(str::to_owned).collect(),
            ..Case::default()
        });
    };
    for line in [
        "bin/rails db:drop:animals",
        "bin/rails db:create:primary",
        "bin/rails db:schema:load:animals",
        "bin/rails db:schema:load",
        "bin/rails db:purge",
        "bin/rails db:purge:all",
        "bin/rails db:test:load:animals",
        "bin/rails db:test:load_schema",
        "bin/rails db:test:purge:animals",
        "bin/rails db:test:prepare:animals",
        "bin/rails db:rollback:primary",
        "bin/rails db:migrate:down:animals VERSION=20240101000000",
        "bin/rails db:migrate:status",
        "bin/rails db:migrate:status:animals",
        "bin/rails db:abort_if_pending_migrations:animals",
        "bin/rails db:version",
        "bin/rails db:seed",
        "bin/rails db:prepare",
        "bin/rails db:setup",
        "bin/rails db:drop:_unsafe",
        "bin/rails db:drop:copy",
        "bin/rails db:nosuch",
        "bin/rails db:charset RAILS_ENV=production",
        "bin/rails db:environment:set",
        "bin/rake db:drop:all",
        "bin/rake db:create db:migrate db:seed",
        "bin/rake nuke",
        "bin/rails dbconsole",
        "bin/rails dbconsole --db=copy",
        "bin/rails dbconsole --database animals",
        "bin/rails runner Order.connection",
    ] {
        add(SEVERAL, &[], line, &[]);
    }
    for (env, line) in [
        (&[][..], "bin/rails db:reset"),
        (&[("SKIP_TEST_DATABASE", "false")][..], "bin/rails db:reset"),
        (&[("RAILS_ENV", " ")][..], "bin/rails db:drop"),
        (
            &[("RAILS_ENV", "production")][..],
            "bin/rails db:truncate_all",
        ),
        (&[("RAILS_ENV", "staging")][..], "bin/rails db:drop"),
        (&[("RAILS_ENV", "nowhere")][..], "bin/rails db:migrate"),
        (
            &[("RAILS_ENV", "test"), ("TEST_ENV_NUMBER", "3")][..],
            "bin/rails db:schema:load",
        ),
        (&[("DB_HOST", "")][..], "bin/rails db:create"),
        (&[("DB_HOST", "h")][..], "bin/rails db:migrate:reset"),
        (
            &[("RACK_ENV", "production")][..],
            "bin/rails runner Order.connection",
        ),
        (&[][..], "bin/rails runner -e test Order.connection"),
        (
            &[][..],
            "bin/rails r --environment=production Order.connection",
        ),
        (&[][..], "bin/rake again"),
        (&[][..], "bin/rake again VERSION=0"),
        (&[][..], "bin/rake ops:wipe"),
        (&[][..], "bin/rake ops:wipe[production]"),
        (&[][..], "bin/rake ops:clean"),
        (&[][..], "bin/rake ops:elsewhere"),
        (&[][..], "bin/rake ops:both"),
        (&[("ENHANCE", "1")][..], "bin/rake db:seed"),
        (&[][..], "bin/rake db:seed:replant"),
        (&[][..], "bin/rails db:drop db:create RAILS_ENV=test"),
        (&[][..], "bin/rails db:fixtures:load"),
        (&[][..], "bin/rails db:structure:load"),
        (&[][..], "bin/rails db:forward"),
        (&[][..], "bin/rails console -h"),
        (&[][..], "bin/rails -T"),
        (&[][..], "bin/rake -P"),
        (
            &[(
                "DATABASE_URL",
                "mysql2://u:p@url.internal/udb?socket=/tmp/x",
            )][..],
            "bin/rails db:reset",
        ),
        (
            &[("PRIMARY_DATABASE_URL", "mysql2://prim.internal/pdb")][..],
            "bin/rails db:drop",
        ),
        (
            &[("DATABASE_URL", "sqlite3:tmp/x.sqlite3")][..],
            "bin/rails db:migrate",
        ),
    ] {
        add(SINGLE, env, line, &[]);
    }
    let url = "postgres://leak.internal/leak";
    for (name, text) in [
        ("config/boot.rb", format!("ENV['DATABASE_URL'] ||= '{url}'\n")),
        ("config/boot.rb", "require 'pathname'\nENV['RAILS_ENV'] = 'production' if ENV['CI'].nil?\n".to_owned()),
        ("config/environments/development.rb", format!("ENV['DATABASE_URL'] = '{url}'\nRails.application.configure do\nend\n")),
        ("config/initializers/db.rb", format!("ENV['DATABASE_URL'] = '{url}'\n")),
        ("config/initializers/late.rb", format!("ActiveRecord::Base.establish_connection('{url}')\n")),
        ("Rakefile", "ENV['RAILS_ENV'] = 'test'\nrequire_relative 'config/application'\nRails.application.load_tasks\n".to_owned()),
        ("Rakefile", "require_relative 'config/application'\nRails.application.load_tasks\nRake::Task['db:migrate'].enhance { Rake::Task['db:seed'].invoke }\n".to_owned()),
        ("lib/tasks/extra.rake", "task 'db:migrate' => 'db:test:prepare'\n".to_owned()),
        ("db/seeds.rb", "Order.count\n".to_owned()),
    ] {
        add(SINGLE, &[], "bin/rails db:migrate", &[(name, &text)]);
    }
    hold(cases, 80);
}
