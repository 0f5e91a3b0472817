//! A small reader of Ruby as configuration is written in: parsed into a tree, evaluated without
//! running anything. What it does not know becomes unknown, with the place.

mod ast;
mod eval;
mod lexer;
mod methods;
mod parser;
mod pattern;
mod rake;
mod value;

pub use ast::{Block, Call, Expr, Kind, Part, RubyError};
pub use eval::{Credentials, Fact, Flow, Outcome, Piece, Printed, Ruby, TaskDefinition};
pub use parser::{parse, parse_from};
pub use rake::{is_literal, mentions};
pub use value::{Origin, Rb, Val};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_projects_write_is_read() {
        for text in [
            "ENV['A'] || 'b'",
            "ENV.fetch('A') { ENV.fetch(\"B\", 5).to_i + 2 }",
            "x = ENV[\"X\"].presence || \"y#{1 + 1}z\"\nx.sub(/a/, 'b')",
            "ENV['A'].to_s.empty? ? 'x' : \"y\"",
            "Rails.env.production? ? ENV['A'] : nil",
            "a ? b : c",
            "task nuke: :environment do\n  Rake::Task['db:drop'].invoke\nend",
            "task :nuke, [:env] => :environment do |t, a|\n  ActiveRecord::Tasks::DatabaseTasks.drop_current(a[:env])\nend",
            "namespace :db do\n  desc 'x'\n  task(:all => [:drop, :create]) { puts 'x' }\nend",
            "if ENV['A']\n  1\nelsif x.y?\n  2\nelse\n  3\nend",
            "['/a', Rails.root.join('t').to_s].detect { |s| File.exist?(s) }",
            "module App\n  class Application < Rails::Application\n    config.load_defaults 7.0\n    config.x = { a: 1, 'b' => 2 }\n  end\nend",
            "require_relative \"boot\"\nBundler.require(*Rails.groups)",
            "sql = <<~SQL\n  DROP TABLE #{name}\n  -- x\nSQL\nconn.execute(sql)",
            "foo&.bar(1, *args, **opts, &block)",
            "%w[a b].each do |x|\n  puts x unless x == 'a'\nend",
            "case ENV['X']\nwhen 'a', 'b' then 1\nelse 2\nend",
            "begin\n  load_it\nrescue LoadError => e\n  nil\nensure\n  done\nend",
            "config.hosts << /.*\\.test/\nputs -1\nx = y / 2",
            "def helper(a, b = {}, *rest)\n  a + b\nend",
            "User.where(id: 1)\n    .order(:x)\n    # comment\n    .first",
            "ENV['DATABASE_URL'] ||= 'postgres://x/y'",
            "%{a}.strip + %q(b)",
            "x = -> (a) { a + 1 }",
            "raise 'no' if Rails.env.production?",
            "sh \"bin/rails db:drop\"",
            "p(x: 1, \"y\": 2)",
        ] {
            let parsed = parse(text);
            assert!(parsed.is_ok(), "{text}\n{parsed:?}");
        }
    }

    #[test]
    fn mistakes_are_errors_with_a_line() {
        for (text, line) in [
            ("x = 1\n-if true -", 2),
            ("if x\n1", 2),
            ("'a", 1),
            ("a)", 1),
        ] {
            assert_eq!(parse(text).map_err(|e| e.line), Err(line), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-a-z0-9 \\n:#&*!|<>'\"%@,.=?/(){}\\[\\]~A\\\\$`+;é]{0,60}") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn depth_is_bounded() {
        for text in [
            "(", "[", "!", "if x\n", "{ a: ", "a.b(", "-", "x = ", "\"#{",
        ] {
            let _ = parse(&text.repeat(20_000));
        }
    }
}
