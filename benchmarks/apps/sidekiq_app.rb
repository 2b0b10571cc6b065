# Sidekiq.

require "sidekiq"
require_relative "board"

Sidekiq.logger.level = Logger::WARN
Sidekiq.configure_server { |config| config.redis = { url: ENV.fetch("BENCH_URL") } }
Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("BENCH_URL") } }

class Mark
  include Sidekiq::Worker
  sidekiq_options queue: "bench"

  def perform(number) = Board.mark(number)
end

class Nap
  include Sidekiq::Worker
  sidekiq_options queue: "bench"

  def perform(number)
    sleep 0.005
    Board.mark(number)
  end
end

JOBS = { "mark" => Mark, "nap" => Nap }

def enqueue(kind, number) = JOBS.fetch(kind).perform_async(number)

def enqueue_many(kind, numbers)
  Sidekiq::Client.push_bulk("class" => JOBS.fetch(kind), "args" => numbers.map { |n| [n] })
end
