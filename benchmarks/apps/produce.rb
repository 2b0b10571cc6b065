# The producer of Ruby's systems; see produce.py. Arguments: APP WAY KIND FIRST COUNT SECONDS

require "json"

APP, WAY, KIND, FIRST, COUNT, SECONDS = ARGV
require_relative APP
CHUNK = 1000

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

def each(numbers, _seconds) = numbers.each { |number| enqueue(KIND, number) }

def many(numbers, seconds)
  return each(numbers, seconds) unless respond_to?(:enqueue_many, true)
  numbers.each_slice(CHUNK) { |some| enqueue_many(KIND, some) }
end

def paced(numbers, seconds)
  numbers.each do |number|
    sleep seconds
    Board.sent(number)
    enqueue(KIND, number)
  end
end

numbers = (FIRST.to_i...(FIRST.to_i + COUNT.to_i)).to_a
warm = %w[each many].include?(WAY) ? [10, numbers.size / 10].min : 0
send(WAY, numbers.take(warm), 0.0)
started, cpu = now, Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
send(WAY, numbers.drop(warm), SECONDS.to_f)
spent = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - cpu
puts JSON.generate(seconds: now - started, cpu: spent, jobs: numbers.size - warm)
