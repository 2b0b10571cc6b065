-- Pauses a queue (workers take nothing from it), or lets it go on.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; 'pause' or 'resume'
-- returns  1 if that changed something

-- include queue

make_way()
if take() == 'pause' then return call('HSET', meta, 'paused', now) end
local changed = call('HDEL', meta, 'paused')
if changed == 1 then ring() end
return changed
