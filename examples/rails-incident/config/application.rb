require_relative "boot"
require "rails"
require "active_model/railtie"
require "active_record/railtie"

module Shop
  class Application < Rails::Application
    config.eager_load = false
    config.secret_key_base = "only for this example"
  end
end
