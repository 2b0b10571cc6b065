-- Returns the ids of queued jobs in the order in which they will run: those of high priority, those in
-- the list, those of low priority.
--
-- KEYS     queued, ranked
-- ARGV     number of the first and of the last one, from 0 on; or, below 0, from -1 on from the end
-- returns  the ids

local queued, ranked = unpack(KEYS)
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])
local in_list, any_ranked = redis.call('LLEN', queued), redis.call('ZCARD', ranked)
if any_ranked == 0 then return redis.call('LRANGE', queued, first, last) end

local high = redis.call('ZCOUNT', ranked, '-inf', '(0')
local all = in_list + any_ranked
if first < 0 then first = math.max(0, first + all) end
if last < 0 then last = last + all end
last = math.min(last, all - 1)

-- Adds the ids of a part that begins behind `before` others; `skip`: where it begins in its key.
local found = {}
local function add(command, key, before, size, skip)
  local from, to = math.max(first - before, 0), math.min(last - before, size - 1)
  if from > to then return end
  for _, id in ipairs(redis.call(command, key, from + skip, to + skip)) do found[#found + 1] = id end
end

add('ZRANGE', ranked, 0, high, 0)
add('LRANGE', queued, high, in_list, 0)
add('ZRANGE', ranked, high + in_list, any_ranked - high, high)
return found
