-- Pauses a queue, so that workers take nothing from it, or resumes it.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; 'pause' or 'resume'
-- returns  1 if that changed something, else 0

-- include queue

local mode = take()
done_reading()
read_all()
if mode ~= 'pause' and mode ~= 'resume' then refuse('mode', 'pause or resume', mode) end
allow_writes()
if mode == 'pause' then return call('HSET', meta, 'paused', now) end
local changed = call('HDEL', meta, 'paused')
if changed == 1 then wake() end
return changed
