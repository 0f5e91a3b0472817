//! What a user would lose: lines of a shell in a project, and the databases they reach.

use crate::command::{Caller, Command, Effect, Step, World, understand};
use crate::environment::Vars;
use crate::files::Memory;
use crate::source::{Source, SourceKind};
use crate::target::{Address, Resolution, resolve};

const YAML: &str = "default: &default\n  adapter: postgresql\n  host: <%= ENV.fetch('DB_HOST', 'localhost') %>\n  pool: <%= Settings.pool %>\ndevelopment:\n  <<: *default\n  database: shop_development\ntest:\n  <<: *default\n  database: shop_test\nproduction:\n  <<: *default\n  host: db.prod\n  database: shop_production\n";

fn project(version: &str) -> Memory {
    let lock = format!("GEM\n  specs:\n    activerecord ({version})\n    dotenv-rails (2.8.1)\n");
    Memory::new()
        .with("/app/config/database.yml", YAML)
        .with("/app/config/application.rb", "require 'rails/all'\n")
        .with("/app/bin/rails", "#!/usr/bin/env ruby\n")
        .with("/app/bin/rake", "#!/usr/bin/env ruby\n")
        .with("/app/Rakefile", "require_relative 'config/application'\n")
        .with("/app/db/migrate/20240101000000_x.rb", "")
        .with("/app/Gemfile.lock", lock)
}

struct Answer {
    commands: Vec<Command>,
    resolutions: Vec<Resolution>,
}

impl Answer {
    fn effect(&self) -> Effect {
        self.commands.iter().map(Command::effect).max().unwrap()
    }

    /// `host/database` of every target, then `?` where something is not known, `!` for a stop.
    fn shown(&self) -> String {
        let mut all = Vec::new();
        for resolution in &self.resolutions {
            for target in &resolution.targets {
                let host = match &target.address {
                    Address::Host { host, .. } => host.value.clone(),
                    Address::Socket { path, .. } => format!("<{}>", path.value),
                    Address::File { path } => path.value.clone(),
                    other => format!("{other:?}"),
                };
                let database = target.database.as_ref().map_or("", |d| d.value.as_str());
                all.push(format!("{host}/{database}"));
            }
            if !resolution.gaps.is_empty() {
                all.push("?".into());
            }
            if !resolution.errors.is_empty() {
                all.push("!".into());
            }
        }
        all.join(" ")
    }
}

fn ask(files: &Memory, vars: &[(&str, &str)], line: &str) -> Answer {
    let caller = Caller {
        user: "me".into(),
        ..Caller::default()
    };
    let world = World {
        files,
        caller: &caller,
        heard: None,
    };
    let mut env = Vars::new();
    for (name, value) in vars {
        env.set(*name, value, Source::new(SourceKind::Inherited, "caller"));
    }
    let argv = line.split(' ').map(str::to_owned);
    let commands = understand(Step::new(argv, env, "/app".into()), &world);
    let resolutions = commands.iter().map(|c| resolve(c, &world)).collect();
    Answer {
        commands,
        resolutions,
    }
}

#[test]
fn lines_reach_what_they_reach() {
    let url = (
        "DATABASE_URL",
        "postgres://app:secret@db.prod/shop_production",
    );
    let both = "localhost/shop_development localhost/shop_test";
    for (line, vars, version, expected) in [
        ("bin/rails db:drop", vec![], "7.0.1", both),
        (
            "bin/rails db:drop",
            vec![url],
            "7.0.1",
            "db.prod/shop_production",
        ),
        (
            "bin/rails db:drop",
            vec![url],
            "6.0.1",
            "db.prod/shop_production localhost/shop_test",
        ),
        (
            "bin/rails db:migrate",
            vec![("DB_HOST", "h")],
            "7.0.1",
            "h/shop_development",
        ),
        (
            "bin/rake db:drop RAILS_ENV=production",
            vec![],
            "7.0.1",
            "db.prod/shop_production",
        ),
        ("bundle exec rake db:drop:all", vec![], "7.0.1", both),
        (
            "bin/rails db:prepare",
            vec![],
            "6.1.1",
            "localhost/shop_development",
        ),
        ("bin/rails db:prepare", vec![], "7.0.1", both),
        (
            "bin/rails runner -e prod X.y",
            vec![],
            "7.0.1",
            "db.prod/shop_production",
        ),
        (
            "bin/rails console -s -e production",
            vec![],
            "7.0.1",
            "db.prod/shop_production",
        ),
        (
            "bin/rails dbconsole -p -e production",
            vec![],
            "7.0.1",
            "db.prod/shop_production",
        ),
        (
            "ruby bin/rails db:migrate",
            vec![("RAILS_ENV", "test")],
            "7.0.1",
            "localhost/shop_test",
        ),
        (
            "bin/rails test",
            vec![("RAILS_ENV", "production")],
            "7.0.1",
            "localhost/shop_test",
        ),
        ("bin/rails db:drop:animals", vec![], "7.0.1", "!"),
        (
            "bin/rails db:migrate",
            vec![("RAILS_ENV", "nosuch")],
            "7.0.1",
            "!",
        ),
        (
            "bin/rails db:migrate",
            vec![("DATABASE_URL", "")],
            "7.0.1",
            "!",
        ),
        ("bin/rails db:mongoid:drop", vec![], "7.0.1", "?"),
        ("bin/rake db:dro", vec![], "7.0.1", ""),
        ("bin/rake -n db:drop", vec![], "7.0.1", "!"),
        ("bin/rails routes", vec![], "7.0.1", ""),
    ] {
        let answer = ask(&project(version), &vars, line);
        let why: Vec<_> = answer.resolutions.iter().flat_map(|r| &r.gaps).collect();
        assert_eq!(
            answer.shown(),
            expected,
            "{line} {vars:?} {version} {why:?}"
        );
    }
}

#[test]
fn an_unknown_key_does_not_poison_another() {
    let answer = ask(&project("7.0.1"), &[], "bin/rails db:migrate");
    assert!(
        answer.resolutions[0].gaps.is_empty(),
        "pool is not a part of the target"
    );
    let files = project("7.0.1").with(
        "/app/config/database.yml",
        "development:\n  adapter: postgresql\n  host: <%= Settings.host %>\n  database: x\n",
    );
    let answer = ask(&files, &[], "bin/rails db:migrate");
    assert_eq!(answer.shown(), "?");
    assert!(
        answer.resolutions[0].gaps[0]
            .reason
            .contains("database.yml:3")
    );
}

#[test]
fn the_source_says_whose_variable_beat_the_file() {
    let url = (
        "DATABASE_URL",
        "postgres://app:secret@db.prod/shop_production",
    );
    let answer = ask(&project("7.0.1"), &[url], "bin/rails db:drop");
    let target = &answer.resolutions[0].targets[0];
    let database = target.database.as_ref().unwrap();
    assert_eq!(database.source.text(), "caller (DATABASE_URL)");
    assert_eq!(database.beat[0].text(), "config/database.yml:7");
    assert!(!format!("{:?}", answer.resolutions).contains("secret"));
}

#[test]
fn env_files_and_the_applications_own_code_are_followed() {
    let files = project("7.0.1").with("/app/.env", "DATABASE_URL=postgres://db.prod/x\n");
    assert_eq!(ask(&files, &[], "bin/rails db:drop").shown(), "db.prod/x");
    let files = project("7.0.1").with(
        "/app/config/application.rb",
        "ENV['DATABASE_URL'] ||= 'postgres://from.app/y'\n",
    );
    assert_eq!(ask(&files, &[], "bin/rails db:drop").shown(), "from.app/y");
    let files = project("7.0.1").with(
        "/app/config/initializers/a.rb",
        "ENV['DATABASE_URL'] = 'postgres://from.init/y'\n",
    );
    assert_eq!(ask(&files, &[], "bin/rails db:migrate").shown(), "?");
}

#[test]
fn versions_decide_what_a_migration_may_do_to_a_foreign_database() {
    for (version, line, own, foreign) in [
        (
            "7.2.0",
            "bin/rails db:migrate",
            Effect::ChangesSchema,
            Effect::ChangesSchema,
        ),
        (
            "8.0.0",
            "bin/rails db:migrate",
            Effect::ChangesSchema,
            Effect::Destroys,
        ),
        (
            "7.1.0",
            "bin/rails db:prepare",
            Effect::ChangesSchema,
            Effect::Destroys,
        ),
        (
            "7.1.0",
            "bin/rails db:migrate VERSION=0",
            Effect::Destroys,
            Effect::Destroys,
        ),
        (
            "7.1.0",
            "bin/rails db:migrate VERSION=20240101000000",
            Effect::ChangesSchema,
            Effect::ChangesSchema,
        ),
    ] {
        let answer = ask(&project(version), &[], line);
        let command = &answer.commands[0];
        assert_eq!(
            (command.effect_on(true), command.effect_on(false)),
            (own, foreign),
            "{line} {version}"
        );
    }
}

#[test]
fn a_projects_own_task_is_followed_to_what_it_invokes() {
    let rake = |body: &str| project("7.0.1").with("/app/lib/tasks/own.rake", body);
    let files = rake(
        "namespace :own do\n  task :wipe, [:env] => :environment do |t, a|\n    ActiveRecord::Tasks::DatabaseTasks.drop_current(a[:env])\n  end\n  task all: [:wipe, 'db:seed']\nend\n",
    );
    let answer = ask(&files, &[], "bin/rake own:wipe[production]");
    assert_eq!(
        (answer.effect(), answer.shown().as_str()),
        (Effect::Destroys, "db.prod/shop_production")
    );
    let answer = ask(&files, &[], "bin/rake own:all");
    assert_eq!(answer.effect(), Effect::Destroys);
    let files = rake(
        "task :hello do\n  puts 'hello'\nend\ntask(:odd) { Thing.clean_up! }\ntask :sub do\n  sh 'bin/rails db:drop'\nend\n",
    );
    assert_eq!(ask(&files, &[], "bin/rake hello").effect(), Effect::None);
    assert_eq!(ask(&files, &[], "bin/rake odd").effect(), Effect::Opaque);
    let answer = ask(&files, &[], "bin/rake sub");
    assert_eq!(answer.effect(), Effect::Destroys);
    assert!(
        answer.shown().contains("localhost/shop_development"),
        "{}",
        answer.shown()
    );
}

#[test]
fn rake_variables_that_carry_code_are_seen() {
    let answer = ask(
        &project("7.0.1"),
        &[("RAKEOPT", "-e system('x')")],
        "bin/rake db:version",
    );
    assert_eq!(
        (answer.effect(), answer.shown().as_str()),
        (Effect::Opaque, "")
    );
}

#[test]
fn without_a_lock_file_versions_must_agree() {
    let files = Memory::new()
        .with("/app/config/database.yml", YAML)
        .with("/app/config/application.rb", "")
        .with("/app/bin/rails", "");
    let url = ("DATABASE_URL", "postgres://db.prod/x");
    assert!(
        !ask(&files, &[], "bin/rails db:migrate")
            .shown()
            .contains('?')
    );
    assert!(
        ask(&files, &[url], "bin/rails db:drop")
            .shown()
            .contains('?')
    );
}

#[test]
fn mongoid_takes_its_clients_from_its_own_file() {
    let lock = "GEM\n  specs:\n    mongoid (9.0.1)\n    rails (7.1.1)\n    activerecord (7.1.1)\n";
    let yaml = "development:\n  clients:\n    default:\n      uri: <%= ENV['MONGODB_URI'] || 'mongodb://app:hush@m1:27018,m2/dev?w=1' %>\n    audit:\n      database: audit\n      hosts:\n        - a.internal:27019\nproduction:\n  clients:\n    default:\n      database: <%= Rails.env %>_db\n      hosts: [p.internal]\nodd:\n  clients:\n    default:\n      uri: mongodb+srv://x/db\n";
    let files = Memory::new()
        .with("/app/config/mongoid.yml", yaml)
        .with(
            "/app/config/application.rb",
            "require 'rails'\nrequire 'action_controller/railtie'\n",
        )
        .with("/app/bin/rails", "")
        .with("/app/Rakefile", "require_relative 'config/application'\n")
        .with("/app/Gemfile.lock", lock);
    let leak = ("MONGODB_URI", "mongodb://u:p@leak/prod");
    for (vars, line, expected) in [
        (vec![], "bin/rails db:mongoid:drop", "m1/dev m2/dev"),
        (vec![], "bin/rails db:drop", "m1/dev m2/dev"),
        (vec![leak], "bin/rails db:mongoid:purge", "leak/prod"),
        (
            vec![],
            "bin/rails db:mongoid:create_indexes",
            "m1/dev m2/dev a.internal/audit",
        ),
        (
            vec![("RAILS_ENV", "production")],
            "bin/rails db:mongoid:drop",
            "p.internal/production_db",
        ),
        (
            vec![("RAILS_ENV", "test")],
            "bin/rails db:mongoid:drop",
            "!",
        ),
        (vec![("RAILS_ENV", "odd")], "bin/rails db:mongoid:drop", "?"),
    ] {
        let answer = ask(&files, &vars, line);
        assert_eq!(answer.shown(), expected, "{line} {:?}", answer.resolutions);
        assert_eq!(
            answer.effect() == Effect::Destroys,
            !line.contains("create"),
            "{line}"
        );
        assert!(!format!("{:?}", answer.resolutions).contains("hush"));
    }
}

#[test]
fn what_a_task_or_the_rakefile_does_to_the_environment_counts() {
    let tasks = "task :wipe, [:env] do |_, args|\n  Rails.env = args[:env] || 'test'\n  Rake::Task['db:drop'].invoke\nend\ntask :down do\n  ENV['VERSION'] = '0'\n  Rake::Task['db:migrate'].invoke\nend\ntask away: :environment do\n  ActiveRecord::Base.establish_connection(:production)\nend\n";
    let files = project("7.0.1").with("/app/lib/tasks/own.rake", tasks);
    for (line, effect) in [
        ("bin/rake wipe", Effect::Destroys),
        ("bin/rake wipe[production]", Effect::Destroys),
        ("bin/rake down", Effect::Opaque),
        ("bin/rake away", Effect::Opaque),
    ] {
        let answer = ask(&files, &[], line);
        assert!(answer.shown().contains('?'), "{line} {}", answer.shown());
        assert_eq!(answer.effect(), effect, "{line}");
    }
    let files = project("7.0.1").with(
        "/app/Rakefile",
        "ENV['RAILS_ENV'] = 'test'\nrequire_relative 'config/application'\n",
    );
    let answer = ask(&files, &[], "bin/rails db:migrate");
    assert_eq!(answer.shown(), "localhost/shop_test");
}
