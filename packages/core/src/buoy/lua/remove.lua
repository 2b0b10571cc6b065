-- Ends jobs that no worker holds: waiting, delayed or failed ones.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; how many ids, for each: id, the places where it may be ('waiting',
--          'delayed', 'failed', with a space between)
-- returns  for each 1 if it was there and is gone, else 0

-- include queue

local answers = {}
local function remove(id, places)
  local function in_place(name)
    return string.find(places, name, 1, true)
  end
  local gone = in_place('delayed') and call('ZREM', delayed, id) == 1
    or in_place('failed') and call('ZREM', failed, id) == 1
    or in_place('waiting') and call('HEXISTS', runs, id) == 0
      and call('HEXISTS', jobs, id) == 1 and call('LREM', ready, 1, id) == 1
  if not gone then return 0 end
  call('HDEL', jobs, id)
  call('HDEL', crashes, id)
  free(id)
  call('ZADD', recent, now, id)
  return 1
end

for n = 1, count() do
  local id, places = take(), take()
  answers[n] = remove(id, places)
end
return answers
