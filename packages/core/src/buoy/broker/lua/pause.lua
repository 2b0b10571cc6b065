-- Pauses a queue (workers take nothing from it), or lets it go on.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; 'pause' or 'resume'
-- returns  1 if that changed something

-- include queue

local act = take()
done_reading()
read_all()
if act ~= 'pause' and act ~= 'resume' then refuse('act', 'pause or resume', act) end
make_way()
if act == 'pause' then return call('HSET', meta, 'paused', now) end
local changed = call('HDEL', meta, 'paused')
if changed == 1 then ring() end
return changed
