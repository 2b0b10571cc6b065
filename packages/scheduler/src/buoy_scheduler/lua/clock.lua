-- Included by scripts that need the time of Redis. ARGV[1] is the clock offset in milliseconds: 0, except in tests.

local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1] -- epoch milliseconds
local now = math.floor(now_ms / 1000) -- epoch seconds
