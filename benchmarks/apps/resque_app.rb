# Resque. With the argument "work" it is a worker.

require "resque"
require_relative "board"

Resque.redis = ENV.fetch("BENCH_URL")

class Mark
  @queue = :bench

  def self.perform(number) = Board.mark(number)
end

class Nap
  @queue = :bench

  def self.perform(number)
    sleep 0.005
    Board.mark(number)
  end
end

JOBS = { "mark" => Mark, "nap" => Nap }

def enqueue(kind, number) = Resque.enqueue(JOBS.fetch(kind), number)

Resque::Worker.new("bench").work if ARGV == ["work"]
