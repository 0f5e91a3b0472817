# frozen_string_literal: true

# Starts Sidekiq: nothing of this process's environment reaches it but the queue's address. The
# profile `sidekiq` (tagout.toml) lets it reach that Redis and no database.
require_relative "../tagout"

Tagout.become("sidekiq", "-r", "./worker.rb", "-c", "1", profile: "sidekiq")
