# frozen_string_literal: true

# A worker's jobs. It is started through tagout (start.rb) and starts commands through it too.
require "sidekiq"
require_relative "../tagout"

Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }
Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }

# Tells what this worker has of a variable, and how a command went.
class Report
  include Sidekiq::Worker
  sidekiq_options retry: false

  def perform(name, argv)
    answer = begin
      Tagout.run(*argv).exitstatus
    rescue Tagout::Refused => e
      e.rule
    end
    Sidekiq.redis { |redis| redis.rpush("report", "#{ENV.fetch(name, "nothing")} #{answer}") }
  end
end
