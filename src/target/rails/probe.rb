# Boots the application and prints the database configurations that Active Record built, as JSON,
# one line behind a mark. It opens no connection. Passwords stay inside.
require 'json'
answer = STDOUT.dup
STDOUT.reopen(STDERR)
root = ARGV.shift
require File.join(root, 'config/environment')
keys = %i[adapter host hostaddr port database dbname socket username user service default_file replica database_tasks]
all = ActiveRecord::Base.configurations.configurations.map do |config|
  hash = config.respond_to?(:configuration_hash) ? config.configuration_hash : config.config.transform_keys(&:to_sym)
  {
    env: config.env_name,
    name: config.respond_to?(:name) ? config.name : config.spec_name,
    keys: hash.slice(*keys)
  }
end
process = ENV.to_h.select { |name, _| name.match?(/\A(PG|MYSQL_)/) && !name.match?(/PASS|PWD/) }
set = %w[DATABASE_URL SKIP_TEST_DATABASE].select { |name| ENV.key?(name) }
told = { version: ActiveRecord::VERSION::STRING, env: Rails.env, all: all, process: process, set: set }
answer.puts("\ntagout-probe:" + JSON.generate(told))
answer.flush
exit!(0)
