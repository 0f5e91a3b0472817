# frozen_string_literal: true

require "json"
require "open3"
require "tempfile"

# Starts commands through tagout, and tells its refusals from the command's own failure.
module Tagout
  # tagout did not run the command.
  class NotRun < StandardError; end

  # tagout refused it: `rule` says why in a word, `reasons` for people.
  class Refused < NotRun
    attr_reader :rule, :reasons, :id

    def initialize(event)
      @rule, @reasons, @id = event.values_at("rule", "reasons", "id")
      super("refused by #{rule}: #{reasons.join("; ")}")
    end
  end

  # The program is not there (ENOENT), not executable, or its fence cannot be had.
  class NotStarted < NotRun; end

  # tagout itself failed: a mistake in its configuration, a journal that cannot be written.
  class Failed < NotRun; end

  module_function

  # The words that start a command through tagout.
  def command(argv, profile: "worker", keep: [], status: nil)
    words = ["tagout", "run", "--profile", profile, *keep.map { |name| "--keep=#{name}" }]
    words.push("--json-status", status.to_s) if status
    [*words, "--", *argv]
  end

  # Process.spawn and wait; gives the Process::Status.
  def run(*argv, profile: "worker", keep: [], **options)
    told do |status, inherited|
      pid = Process.spawn(*command(argv, profile:, keep:, status:), **inherited, **options)
      Process.wait2(pid).last
    end
  end

  # Open3.capture3; gives standard output, standard error and the Process::Status.
  def capture3(*argv, profile: "worker", keep: [], **options)
    told do |status, inherited|
      Open3.capture3(*command(argv, profile:, keep:, status:), **inherited, **options)
    end
  end

  # Replaces this process: for a program that only starts another one.
  def become(*argv, profile: "worker", keep: [])
    exec(*command(argv, profile:, keep:))
  end

  # Hands a file down for what tagout tells, and raises NotRun where nothing ran.
  def told
    Tempfile.create("tagout") do |file|
      result = yield file.fileno, { file.fileno => file.fileno }
      file.rewind
      raise_for(file.each_line.map { |line| JSON.parse(line) }.last || {})
      result
    end
  end

  def raise_for(event)
    case event["event"]
    when "ended" then nil
    when "refused" then raise Refused, event
    when "not-started" then raise NotStarted, event["error"]
    else raise Failed, event.fetch("error", "tagout ended without a word")
    end
  end
  private_class_method :told, :raise_for
end
