require "pathname"
