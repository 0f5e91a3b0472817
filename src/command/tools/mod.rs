//! One reader a kind of tool: judges the words of a step and names its actions.

mod artisan;
mod clients;
mod composer;
mod consoles;
mod django;
mod envfile;
mod everyday;
mod file_words;
pub mod getopt;
mod http;
mod inline;
mod migrators;
pub(crate) mod node;
mod node_script;
mod php;
mod phpunit;
pub(crate) mod python;
mod rails;
mod rake;
mod recipes;
mod ruby;
mod script;
mod servers;
mod symfony;
mod task;
mod telling;
mod together;
mod words;
mod workspace;

use super::{Reading, Step, Tool, World};

pub use servers::engine_of;
pub(super) use telling::judge as judge_by_name;
pub use words::{action_of, effect_of};

/// The reader of tools whose names must speak of a database, for readers that know more.
pub(super) fn named(tool: &'static Tool, step: &Step) -> Reading {
    servers::named(tool, step)
}

/// The plain reader, for readers that know more only about some of a tool's actions.
pub(super) fn words(tool: &'static Tool, step: &Step) -> Reading {
    words::read(tool, step)
}

/// An unknown program: code given to a release of Erlang or Elixir (`bin/app eval CODE`) can do
/// anything, everything else counts as nothing.
pub(super) fn release(step: &Step) -> Reading {
    let verb = step.argv.get(1).map_or("", |w| w.text.as_str());
    let code = step
        .argv
        .get(2)
        .is_some_and(|w| w.text.contains(['.', '(']));
    let console = step.argv.len() == 2 && matches!(verb, "remote" | "remote_console");
    if step.program_path().contains("bin/") && (console || matches!(verb, "eval" | "rpc") && code) {
        return Reading::opaque(None, step, "release", "code that runs in the application");
    }
    Reading::not_mine(step)
}

/// Judges a step by the reader that the catalogue names for its tool.
pub fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    if let Some(reading) = super::unwrap::read(tool.reader, tool, step, world) {
        return reading;
    }
    if let Some(reading) = clients::read(tool.reader, tool, step, world) {
        return reading;
    }
    match tool.reader {
        "words" => words::read(tool, step),
        "node" => node::node(tool, step, world),
        "nodemon" => node::nodemon(tool, step),
        "npx" => node::npx(tool, step),
        "npm" => node::npm(tool, step, world),
        "dotenv" => envfile::dotenv(tool, step, world),
        "dotenvx" => envfile::dotenvx(tool, step, world),
        "env-cmd" => envfile::env_cmd(tool, step, world),
        "cross-env" => envfile::cross_env(tool, step),
        "verbs" => words::verbs(tool, step),
        "administration" => telling::administration(tool, step),
        "files" => file_words::read(tool, step, world),
        "git" => everyday::git(tool, step, world),
        "netcat" => everyday::netcat(tool, step),
        "sed" => everyday::sed(tool, step),
        "http" => http::read(tool, step, world),
        "unit" => servers::unit(tool, step),
        "kill" => servers::kill(tool, step),
        "named" => servers::named(tool, step),
        "plain" => consoles::plain(tool, step),
        "colon" => consoles::colon(tool, step),
        "symfony" => consoles::symfony(tool, step),
        "drush" => consoles::drush(tool, step),
        "wp" => consoles::wp(tool, step),
        "cluster" => consoles::cluster(tool, step),
        "filesystem" => consoles::filesystem(tool, step),
        "heroku" => consoles::heroku(tool, step),
        "gcloud" => consoles::gcloud(tool, step),
        "ansible" => consoles::ansible(tool, step, world),
        "build-tool" => consoles::build_tool(tool, step),
        "gh-ost" => migrators::gh_ost(tool, step),
        "percona" => migrators::percona(tool, step),
        "sqlpackage" => migrators::sqlpackage(tool, step),
        "dotnet" => migrators::dotnet(tool, step),
        "mix" => migrators::mix(tool, step, world),
        "rails" => rails::read(tool, step, world),
        "rake" => rake::read(tool, step, world),
        "ruby" => ruby::ruby(tool, step, world),
        "bundle" => ruby::bundle(tool, step),
        "spring" => ruby::spring(tool, step),
        "rspec" => ruby::rspec(tool, step, world),
        "rails-worker" => ruby::worker(tool, step, world),
        "php" => php::read(tool, step, world),
        "artisan" => artisan::read(tool, step, world),
        "phpunit" => phpunit::read(tool, step, world),
        "composer" => composer::composer(tool, step, world),
        "sail" => composer::sail(tool, step),
        "envoy" => composer::envoy(tool, step, world),
        "deployer" => composer::deployer(tool, step),
        "django" => django::read(tool, step, world),
        "alembic" => django::alembic(tool, step),
        "flask" => words::read(tool, step),
        "make" => recipes::make(tool, step, world),
        "just" => recipes::just(tool, step, world),
        "task" => task::read(tool, step, world),
        "workspace" => workspace::read(tool, step, world),
        "script-lines" => together::lines(tool, step, world),
        "script-names" => together::names(tool, step, world),
        "inline-code" => inline::read(tool, step, world),
        "python" => python::read(tool, step, world),
        "python-launcher" => python::launcher(tool, step, world),
        "python-opaque" => python::opaque(tool, step),
        other => Reading::opaque(
            Some(tool),
            step,
            "no reader",
            format!("no reader `{other}`"),
        ),
    }
}
