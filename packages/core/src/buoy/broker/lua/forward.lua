-- Ends hand-overs that were made, puts others off, and takes the next ones for some time: jobs that
-- ended jobs of this queue have enqueued in other queues.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; how many hand-overs have ended, each; how many are put off, for each: the
--          hand-over, for how many ms; how many to take at most, for how many ms; 1 to take also
--          those whose time has not come, else 0
-- returns  {now in ms, hand-overs that were taken}
--
-- If the process that has taken them dies, they are due again after that time.

-- include queue

local made, later = {}, {}
for n = 1, number(0, MANY) do made[n] = take() end
for n = 1, number(0, MANY) do later[n] = { take(), number(0, GREATEST) } end
local most, lease, early = number(0, MANY), number(0, GREATEST), number(0, 1)
done_reading()
call('ZCARD', handovers)

allow_writes()
send('ZREM', handovers, made)
for _, each in ipairs(later) do call('ZADD', handovers, 'XX', now + each[2], each[1]) end
local latest = early == 1 and '+inf' or now
local taken = call('ZRANGEBYSCORE', handovers, '-inf', latest, 'LIMIT', 0, most)
local scores = {}
for n, each in ipairs(taken) do scores[2 * n - 1], scores[2 * n] = now + lease, each end
send('ZADD', handovers, scores)
return { now, taken }
