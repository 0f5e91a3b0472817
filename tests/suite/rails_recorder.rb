# Runs command lines of Rails projects, one a line of JSON on standard input: `root`, `cwd`, `env`,
# `argv`. Each runs in a process of its own in which every connection is one to a database in
# memory, and creating, dropping and purging do nothing. Answers with what each would have opened.
require 'json'
require 'pathname'
require 'fileutils'
require 'rails'
require 'active_model/railtie'
require 'active_record/railtie'
require 'rails/command'
require 'rake'
require 'minitest'
require 'active_record/connection_adapters/sqlite3_adapter'
require 'active_record/connection_adapters/postgresql_adapter'
require 'active_record/connection_adapters/mysql2_adapter'
require 'active_record/connection_adapters/abstract/connection_pool'
require 'active_record/tasks/database_tasks'
require 'rails/commands/dbconsole/dbconsole_command'

module Recorder
  def self.note(config)
    hash = config.configuration_hash
    fields = %i[adapter host port database socket].to_h { |key| [key, hash[key]] }
    File.write(@path, JSON.generate(fields.merge(env: config.env_name, name: config.name)) + "\n", mode: 'a')
  end

  def self.path=(path)
    @path = path
  end
end

class ActiveRecord::ConnectionAdapters::ConnectionPool
  def new_connection
    Recorder.note(db_config)
    ActiveRecord::Base.sqlite3_connection(adapter: 'sqlite3', database: ':memory:')
  end
end

# What acts on a server without a connection of the pool.
module Inert
  %i[create drop purge].each do |name|
    define_method(name) { |configuration, *| Recorder.note(resolve_configuration(configuration)) }
  end
  %i[charset collation structure_dump structure_load].each do |name|
    define_method(name) { |configuration, *| Recorder.note(resolve_configuration(configuration)) }
  end

  # The guard looks at a database, and this is about the ones that are acted on.
  def check_protected_environments!; end
end
ActiveRecord::Tasks::DatabaseTasks.singleton_class.prepend(Inert)

module InertConsole
  def start
    Recorder.note(db_config)
  end
end
Rails::DBConsole.prepend(InertConsole)

# What every process would load anew.
[ActiveSupport, ActiveModel, ActiveRecord, ActiveRecord::ConnectionAdapters].each(&:eager_load!)
require 'rails/test_unit/railtie'

# Bringing the test database up to date starts a second process: it is run afterwards, recorded too.
module Later
  def system(line)
    File.write(File.join(Rails.root, '.later'), JSON.generate(argv: line.split, env: ENV.to_h))
    true
  end

  def check_pending!(*); end
end
ActiveRecord::Migration.singleton_class.prepend(Later)

before = ENV.to_h.slice('PATH', 'HOME', 'USER', 'LANG')
puts ActiveRecord::VERSION::STRING

def run(line)
  words = line['argv']
  Dir.chdir(File.join(line['root'], line['cwd'].to_s))
  program, *rest = words
  if program == 'ruby'
    load_path, rest = rest.partition { |word| word.start_with?('-I') }
    load_path.each { |word| $LOAD_PATH.unshift(File.expand_path(word.delete_prefix('-I'))) }
    $0 = rest.first
    load File.expand_path(rest.first)
  elsif program.end_with?('rake')
    $0 = program
    Rake.application.run(rest)
  else
    root = Pathname.pwd.ascend.find { |dir| dir.join('bin/rails').file? }
    Dir.chdir(root)
    $0 = 'bin/rails'
    ARGV.replace(rest)
    Object.const_set(:APP_PATH, root.join('config/application').to_s)
    require root.join('config/boot').to_s
    require 'rails/commands'
  end
end

def apart(line, env)
  child = fork do
    ENV.replace(env)
    STDIN.reopen(File::NULL)
    STDOUT.reopen(File.join(line['root'], '.said'), 'a')
    STDERR.reopen(STDOUT)
    Recorder.path = File.join(line['root'], '.recorded')
    ARGV.clear
    begin
      run(line)
    rescue SystemExit
      raise
    rescue Exception => e
      warn "#{e.class}: #{e.message}"
      exit 1
    end
  end
  Process.wait2(child).last.success?
end

STDIN.each_line do |text|
  line = JSON.parse(text)
  file = ->(name) { File.join(line['root'], name) }
  passed = apart(line, before.merge(line['env']))
  if File.exist?(file['.later'])
    later = JSON.parse(File.read(file['.later']))
    apart(line.merge('argv' => later['argv']), later['env'])
  end
  opened = File.exist?(file['.recorded']) ? File.readlines(file['.recorded']).map { |l| JSON.parse(l) } : []
  puts JSON.generate(opened: opened, failed: !passed, said: File.read(file['.said']).byteslice(0, 600).scrub)
  STDOUT.flush
end
