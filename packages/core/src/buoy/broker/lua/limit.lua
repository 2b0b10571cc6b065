-- Sets the limit of a key, in place of the one that jobs declare, or takes it away again; and queues
-- the blocked jobs for which there are permits then.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; key; limit, or '' for the one that jobs declare; how many jobs to queue at most
-- returns  {the limit that was set before, or ''; how many jobs were queued}

-- include queue
-- include permits

local key, word = take(), take()
local limit, most = word ~= '' and number(0, GREATEST, word), number(0, MANY)
done_reading()
if string.find(key, '\n', 1, true) then refuse('key', 'one line', key) end
read_all()

local field = 'limit:' .. key
local before = call('HGET', meta, field) or ''
allow_writes()
if limit then
  call('HSET', meta, field, string.format('%.0f', limit))
else
  call('HDEL', meta, field)
end
local number_queued = permits().admit(key, most)
if admitted then wake() end
return { before, number_queued }
