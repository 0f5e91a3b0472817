# frozen_string_literal: true

# run.rb PROFILE COMMAND...: says in a line how it went.
require_relative "tagout"

profile, *argv = ARGV
begin
  status = Tagout.run(*argv, profile:)
  puts status.signaled? ? "signalled SIG#{Signal.signame(status.termsig)}" : "exited #{status.exitstatus}"
rescue Tagout::Refused => e
  puts "refused #{e.rule}"
rescue Tagout::NotStarted => e
  puts "not started #{e.message}"
rescue Tagout::Failed => e
  puts "failed #{e.message}"
end
