-- Gives a job that does not run another payload.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; id; the payload as the caller has seen it; the new payload
-- returns  'edited', 'gone' (the queue does not know the id), 'running', or 'changed' (the payload
--          is another by now)

-- include queue

local id, seen, payload = take(), take(), take()
done_reading()
read_all()

local stored = call('HGET', jobs, id)
if not stored then return 'gone' end
if call('HEXISTS', tokens, id) == 1 then return 'running' end
if stored ~= seen then return 'changed' end
allow_writes()
call('HSET', jobs, id, payload)
return 'edited'
