# The board (see board.py) for Ruby, which has no mmap: it is written like a file. So a job that runs
# twice is not seen to have.

module Board
  FILE = File.open(ENV.fetch("BENCH_BOARD"), "r+b")
  SIZE = FILE.size / 17

  def self.now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def self.sent(number) = FILE.pwrite([now].pack("d"), 8 * (SIZE + number))

  def self.mark(number)
    FILE.pwrite([now].pack("d"), 8 * number)
    FILE.pwrite("\x01", 16 * SIZE + number)
  end
end
