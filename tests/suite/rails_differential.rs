//! Generated configurations against the real Active Record: what it would connect to is what is
//! resolved statically, or the answer is unresolved. Never another database.

use std::collections::BTreeSet;

use tagout::command::{Caller, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Memory;
use tagout::source::{Source, SourceKind};
use tagout::target::{Address, Resolution, resolve};

use crate::support::{answers_of_ruby, needs, skip};

const CASES: usize = 1200;

/// Reads cases as JSON lines; answers what Active Record's own classes make of each.
const RUBY: &str = r#"
require 'json'
require 'uri'
require 'pathname'
require 'tmpdir'
require 'fileutils'
require 'rails'
require 'active_record'
require 'active_record/tasks/database_tasks'
before = ENV.to_h
dir = Dir.mktmpdir
FileUtils.mkdir_p(File.join(dir, 'config'))
STDERR.reopen(File::NULL)
puts ActiveRecord::VERSION::STRING
STDIN.each_line do |line|
  c = JSON.parse(line)
  ENV.replace(before.reject { |k, _| k.end_with?('DATABASE_URL') || k.start_with?('RAILS', 'RACK', 'X_') })
  c['env'].each { |k, v| ENV[k] = v }
  Rails.env = c['env']['RAILS_ENV'] || 'development'
  File.write(File.join(dir, 'config/database.yml'), c['yaml'])
  begin
    conf = Rails::Application::Configuration.new(Pathname(dir))
    first = (conf.load_database_yaml rescue {})
    ActiveRecord::DatabaseConfigurations.new(first).configs_for(env_name: Rails.env)
    all = ActiveRecord::DatabaseConfigurations.new(conf.database_configuration)
    raise 'not configured' unless all.find_db_config(Rails.env)
    found = all.configs_for(env_name: Rails.env).map do |d|
      h = d.configuration_hash
      raise 'no adapter' unless h[:adapter]
      %i[adapter host port database socket].to_h { |k| [k, h[k]] }
    end
    puts JSON.generate(ok: found)
  rescue Exception => e
    puts JSON.generate(error: e.class.name)
  end
end
"#;

/// A small generator of its own: the same cases on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

struct Case {
    yaml: String,
    env: Vec<(String, String)>,
}

const URLS: &[&str] = &[
    "postgres://u:p@db.prod.internal:5433/shop_production",
    "postgresql://db.prod.internal/x?pool=5",
    "postgres:///only_db",
    "postgres://only-host",
    "mysql2://root@10.0.0.9:3307/shop?socket=/tmp/s.sock",
    "mysql2://root@localhost/shop",
    "sqlite3:db/rel.sqlite3",
    "sqlite3:/abs/x.sqlite3?timeout=5",
    "postgres://u@h/d?host=q&port=9",
    "postgres://%2Fvar%2Frun/d%5Fx",
    "postgres://under_score/d",
    "postgres://h1,h2/d",
    "postgres://[::1]:6000/d",
    "",
    "just-text",
    "localhost/db",
    "postgres://u:p@h/d?replica=true",
    " postgres://u:p@trimmed/d\n",
];

const TEXTS: &[&str] = &[
    "plain",
    "<%= ENV['X_A'] %>",
    "<%= ENV['X_B'] || 'fallback' %>",
    "<%= ENV.fetch('X_A', 'dflt') %>",
    "<%= ENV.fetch('X_B') { \"blk_#{Rails.env}\" } %>",
    "\"<%= ENV['X_A'] %>\"",
    "<%= ENV['X_C'].presence || ENV['X_A'] %>",
    "<%= Rails.env.production? ? 'prodhost' : 'devhost' %>",
    "pre_<%= ENV['X_A'] %>_post",
    "<%= ENV['X_A'].to_s.upcase.sub('A', 'z') %>",
    "<%= ENV['X_A'] ? ENV['X_A'].split('.').first : nil %>",
    "<%= %w[p q].join('-') %>",
    "<%= [ENV['X_C'], 'second'].compact.first %>",
    "<%= (ENV['X_N'] || 3).to_i + 1 %>",
    "<%= ENV['X_A'] if ENV['X_N'].to_i > 3 %>",
    "<%= ENV.key?('X_A') && ENV['X_A'].include?('.') ? 'dotted' : 'flat' %>",
    "<%= case ENV['X_N'] when '7' then 'seven' else 'other' end %>",
    "<%= \"%s_x\" % ENV['X_A'] %>",
    "'10.0.0.5'",
    "10.0.0.6",
    "~",
    "''",
    "123",
    "0x1f",
    "1_000",
    "on",
    "::1",
    "12:30",
    "<%# a comment %>",
    "<%= {'development' => 'dd'}.fetch(Rails.env) { 'ee' } %>",
    "<%= ENV['X_A'] =~ /\\Aa\\.b/ ? 'match' : 'no' %>",
    "<%= ENV.fetch('X_NOPE', nil) %>",
    "<%= ENV['X_A'][0, 3] %>",
    "<%= ENV['X_A'].gsub('.', '_').downcase.strip %>",
    "<%= ENV['X_A'].to_s.tr('-.', '_') %>",
    "<%= URI(ENV['X_U'] || 'postgres://uh:7/ud').host %>",
    "<%= JSON.parse('{\"a\": [\"jh\"]}')['a'].first %>",
    "<%= format('%s-%s', Rails.env, 'f') %>",
    "1.0",
];

fn entry(dice: &mut Dice, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    if dice.chance(25) {
        out.push_str(&format!("{pad}<<: *{}\n", dice.one(&["base", "other"])));
    }
    let adapter = dice.one(&[
        "postgresql",
        "postgresql",
        "mysql2",
        "sqlite3",
        "<%= ENV['X_ADAPTER'] || 'postgresql' %>",
    ]);
    if dice.chance(90) {
        out.push_str(&format!("{pad}adapter: {adapter}\n"));
    }
    for key in ["host", "database", "socket"] {
        if dice.chance(if key == "socket" { 12 } else { 70 }) {
            out.push_str(&format!("{pad}{key}: {}\n", dice.one(TEXTS)));
        }
    }
    if dice.chance(40) {
        let port = dice.one(&[
            "5433",
            "'5434'",
            "<%= ENV['X_N'] %>",
            "<%= ENV.fetch('X_P', 5435) %>",
            "~",
        ]);
        out.push_str(&format!("{pad}port: {port}\n"));
    }
    if dice.chance(15) {
        let url = dice.one(&[
            "<%= ENV['X_URL'] %>",
            "\"<%= ENV['X_URL'] %>\"",
            "postgres://file.internal/filedb",
            "~",
        ]);
        out.push_str(&format!("{pad}url: {url}\n"));
    }
    if dice.chance(10) {
        out.push_str(&format!(
            "{pad}replica: {}\n",
            dice.one(&["true", "false", "'false'"])
        ));
    }
    if dice.chance(15) {
        out.push_str(&format!("{pad}<<: *{}\n", dice.one(&["base", "other"])));
    }
    if dice.chance(15) {
        let branch = dice.one(&["ENV['X_A']", "ENV['X_C'].blank?", "Rails.env.test?"]);
        out.push_str(&format!(
            "{pad}<% if {branch} %>\n{pad}host: branch1\n{pad}<% else %>\n{pad}database: branch2\n{pad}<% end %>\n"
        ));
    }
}

fn case(dice: &mut Dice) -> Case {
    let mut yaml = String::from(
        "base: &base\n  adapter: postgresql\n  host: base.internal\n  pool: <%= ENV.fetch('X_P') { 5 } %>\nother: &other\n  adapter: mysql2\n  database: otherdb\n",
    );
    if dice.chance(10) {
        yaml.push_str("shared:\n  port: 7777\n");
    }
    for env in ["development", "test", "production"] {
        if dice.chance(8) {
            continue;
        }
        if dice.chance(5) {
            yaml.push_str(&format!(
                "{env}: {}\n",
                dice.one(&[
                    "postgres://inline.internal/inline",
                    "<%= ENV['X_URL'] %>",
                    "word",
                    "~",
                    "*base"
                ])
            ));
            continue;
        }
        yaml.push_str(&format!("{env}:\n"));
        if dice.chance(25) {
            for name in ["primary", "animals", "ro"] {
                if dice.chance(75) {
                    yaml.push_str(&format!("  {name}:\n"));
                    entry(dice, 4, &mut yaml);
                }
            }
        } else {
            entry(dice, 2, &mut yaml);
        }
    }
    let mut env = Vec::new();
    let mut set = |dice: &mut Dice, percent: usize, name: &str, values: &[&str]| {
        if dice.chance(percent) {
            env.push((name.to_owned(), dice.one(values).to_owned()));
        }
    };
    set(dice, 70, "X_A", &["a.b.c", "val", "", "Has Space"]);
    set(dice, 40, "X_B", &["bee", ""]);
    set(dice, 20, "X_C", &["sea", " "]);
    set(dice, 50, "X_N", &["7", "2", "x"]);
    set(dice, 20, "X_P", &["6543"]);
    set(dice, 50, "X_URL", URLS);
    set(dice, 10, "X_ADAPTER", &["mysql2", "sqlite3"]);
    set(dice, 40, "DATABASE_URL", URLS);
    set(dice, 10, "PRIMARY_DATABASE_URL", URLS);
    set(dice, 10, "ANIMALS_DATABASE_URL", URLS);
    set(dice, 40, "RAILS_ENV", &["production", "test", "staging"]);
    Case { yaml, env }
}

fn real(cases: &[Case]) -> Option<(String, Vec<serde_json::Value>)> {
    let mut input = String::new();
    for case in cases {
        let env: serde_json::Map<String, serde_json::Value> = case
            .env
            .iter()
            .map(|(k, v)| (k.clone(), v.clone().into()))
            .collect();
        input.push_str(&serde_json::json!({ "yaml": case.yaml, "env": env }).to_string());
        input.push('\n');
    }
    answers_of_ruby(RUBY, &input)
}

fn ours(case: &Case, version: &str) -> Resolution {
    let lock = format!("GEM\n  specs:\n    activerecord ({version})\n    rails ({version})\n");
    let files = Memory::new()
        .with("/app/config/database.yml", case.yaml.clone())
        .with("/app/config/application.rb", "require 'rails/all'\n")
        .with("/app/Rakefile", "require_relative 'config/application'\n")
        .with("/app/bin/rails", "")
        .with("/app/Gemfile.lock", lock);
    let caller = Caller {
        user: "me".into(),
        ..Caller::default()
    };
    let world = World {
        files: &files,
        caller: &caller,
        heard: None,
    };
    let mut vars = Vars::new();
    for (name, value) in &case.env {
        vars.set(
            name.clone(),
            value,
            Source::new(SourceKind::Inherited, "caller"),
        );
    }
    let argv = ["bin/rails", "db:migrate"].map(str::to_owned);
    let commands = understand(Step::new(argv, vars, "/app".into()), &world);
    assert_eq!(commands.len(), 1);
    resolve(&commands[0], &world)
}

pub(super) type Reached = (String, String, String, String);

/// What Active Record's configuration means to the client library, without any `PG*` variable;
/// `root` is the application's directory.
pub(super) fn reached(root: &str, config: &serde_json::Value) -> Result<Reached, &'static str> {
    let text = |key: &str| match &config[key] {
        serde_json::Value::Null | serde_json::Value::Bool(false) => String::new(),
        serde_json::Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    let adapter = text("adapter");
    let (host, database, socket) = (text("host"), text("database"), text("socket"));
    let port = text("port");
    let number = |default: &str| match port.trim() {
        "" => Ok(default.to_owned()),
        port => port
            .parse::<u16>()
            .map(|p| p.to_string())
            .map_err(|_| "no port"),
    };
    Ok(match adapter.as_str() {
        "sqlite3" => {
            if database.is_empty() {
                return Err("no file");
            }
            let path = std::path::Path::new(root).join(&database);
            let path = tagout::files::lexical(&path).display().to_string();
            ("sqlite".into(), path, String::new(), String::new())
        }
        "mysql2" | "mysql" => {
            let (host, port) = if host.is_empty() || host == "localhost" {
                (format!("<{socket}>"), String::new())
            } else {
                (host, number("3306")?)
            };
            ("mysql".into(), host, port, database)
        }
        "postgresql" => {
            let host = if host.is_empty() || host.starts_with('/') {
                format!("<{host}>")
            } else {
                host
            };
            let database = if database.is_empty() {
                "me".into()
            } else {
                database
            };
            ("postgres".into(), host, number("5432")?, database)
        }
        _ => return Err("another adapter"),
    })
}

pub(super) fn found(resolution: &Resolution) -> BTreeSet<Reached> {
    resolution
        .targets
        .iter()
        .map(|target| {
            let (host, port) = match &target.address {
                Address::Host { host, port, .. } => (
                    host.value.clone(),
                    port.as_ref().map_or(0, |p| p.value).to_string(),
                ),
                Address::Socket { path, port } => (
                    format!("<{}>", path.value),
                    port.as_ref().map_or(String::new(), |p| p.value.to_string()),
                ),
                Address::File { path } => (path.value.clone(), String::new()),
                other => (format!("{other:?}"), String::new()),
            };
            let database = target.database.as_ref().map_or("", |d| d.value.as_str());
            let database = if matches!(target.address, Address::File { .. }) {
                ""
            } else {
                database
            };
            (
                target.engine.word().to_owned(),
                host,
                port,
                database.to_owned(),
            )
        })
        .collect()
}

#[test]
fn what_is_resolved_is_what_active_record_would_open() {
    if needs("ruby").is_none() {
        return;
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut dice)).collect();
    let Some((version, answers)) = real(&cases) else {
        skip("ruby-activerecord and ruby-railties");
        return;
    };
    assert_eq!(answers.len(), cases.len());
    let (mut right, mut stopped, mut unresolved) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let ours = ours(case, &version);
        let have = found(&ours);
        let want: Result<BTreeSet<Reached>, &str> = match answer.get("ok") {
            Some(serde_json::Value::Array(configs)) => {
                configs.iter().map(|c| reached("/app", c)).collect()
            }
            _ => Err("active record raises"),
        };
        match want {
            Ok(want) if want == have && ours.gaps.is_empty() => right += 1,
            Ok(want) if !ours.gaps.is_empty() && have.is_subset(&want) => unresolved += 1,
            Err(_) if !ours.errors.is_empty() && have.is_empty() => stopped += 1,
            Err(_) if have.is_empty() && !ours.gaps.is_empty() => unresolved += 1,
            // Whichever of several databases raises first, the others are still reached.
            Err("no file" | "no port" | "another adapter")
                if !ours.gaps.is_empty() || !ours.errors.is_empty() =>
            {
                stopped += 1;
            }
            want => wrong.push(format!(
                "{:?}\n{}\nours {have:?}\n  {:?} {:?}\nreal {want:?} {answer}\n",
                case.env, case.yaml, ours.gaps, ours.errors
            )),
        }
    }
    println!(
        "Active Record {version}: {right} right, {stopped} stop as they do, {unresolved} unresolved, {} wrong of {CASES}",
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    assert!(
        unresolved * 20 < CASES,
        "{unresolved} of {CASES} are unresolved"
    );
}
