-- Stores plain jobs as push.lua does, for ids that were made for this call and are sent for the
-- first time: they cannot be known, so nobody looks for them.
--
-- KEYS     ready, jobs, bell
-- ARGV     for each job: id, payload
-- returns  nothing: all are queued
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

local call = redis.call
local ready, jobs, bell = unpack(KEYS)
local ids = {}
call('HSET', jobs, unpack(ARGV))
for n = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[n] end
call('RPUSH', ready, unpack(ids))
if call('LLEN', bell) == 0 then call('RPUSH', bell, 1) end
