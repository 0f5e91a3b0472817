# frozen_string_literal: true

# capture.rb PROFILE COMMAND...: what it printed, through Open3.
require_relative "tagout"

profile, *argv = ARGV
out, err, status = Tagout.capture3(*argv, profile:, stdin_data: "given")
puts out.inspect, err.inspect, status.exitstatus
