-- Lifts a throttle: the next job of its key is enqueued.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; key
-- returns  the id of the job that throttled others, or nothing

-- include queue

local name = 'throttle:' .. take()
done_reading()
read_all()
local until_when, id = call('ZSCORE', throttles, name), call('HGET', paced, name)
call('ZREM', throttles, name)
call('HDEL', paced, name)
return until_when and tonumber(until_when) > now and id
