-- Stores plain jobs as push.lua does, for ids that were made for this call and are sent for the
-- first time: they cannot be known, so nobody looks for them.
--
-- KEYS     ready, jobs, bell
-- ARGV     for each job: id, payload
-- returns  nothing: all are queued
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

-- include base

local ready, jobs, bell = unpack(KEYS)
local rung = size_of('LLEN', bell)
size_of('LLEN', ready)
size_of('HLEN', jobs)

local ids = take_pairs()
each('HSET', jobs, ARGV)
each('RPUSH', ready, ids)
if rung == 0 then call('RPUSH', bell, 1) end
