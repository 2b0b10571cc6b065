-- Removes the oldest failed jobs of a queue: those beyond the most that it keeps, and those that
-- are too old.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; how many failed jobs the queue keeps (or '' for all), how old they become
--          in ms (or '' for any age), how many to remove at most
-- returns  how many are removed

-- include queue
-- include free

local function limit()
  local word = take()
  return word ~= '' and number(0, GREATEST, word) or nil
end

local most, age, page = limit(), limit(), number(1, NAMED)
done_reading()
read_all()

local surplus = most and math.max(call('ZCARD', failed) - most, 0) or 0
local old = age and call('ZCOUNT', failed, '-inf', '(' .. now - age) or 0
local ids = {}
local count = math.min(math.max(surplus, old), page)
if count > 0 then ids = call('ZRANGE', failed, 0, count - 1) end
if #ids == 0 then return 0 end
send('ZREM', failed, ids)
send('HDEL', jobs, ids)
send('HDEL', crashes, ids)
free(ids)
local dropped = stored_number(call('HGET', meta, 'trimmed')) + #ids
call('HSET', meta, 'trimmed', string.format('%.0f', dropped))
return #ids
