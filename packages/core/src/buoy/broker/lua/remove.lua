-- Ends jobs wherever they lie. The worker of one that runs hears of it with its next beat.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; how many ids, for each: id, the places where it may be ('waiting',
--          'delayed', 'running', 'failed', with a space between), commands (see queue.lua)
-- returns  {places, refusals}; a place is where the job was, or '' if it was in none of these

-- include queue
-- include free
-- include attached

local wanted = {}
for n = 1, number(0, NAMED) do
  wanted[n] = { id = take(), allowed = take(), commands = read_commands() }
end
done_reading()
read_all()

local places = {}
function places.delayed(id) return call('ZREM', delayed, id) == 1 end
function places.failed(id) return call('ZREM', failed, id) == 1 end
function places.running(id) return call('HDEL', runs, id) + call('ZREM', leases, id) > 0 end
function places.waiting(id)
  return call('HEXISTS', runs, id) == 0 and call('HEXISTS', jobs, id) == 1
    and call('LREM', ready, 1, id) == 1
end

-- Among the waiting last: to find it there takes longest.
local function place_of(id, allowed)
  for _, name in ipairs({ 'delayed', 'failed', 'running', 'waiting' }) do
    if string.find(allowed, name, 1, true) and places[name](id) then return name end
  end
  return ''
end

local function remove(job)
  local place = place_of(job.id, job.allowed)
  if place ~= '' then
    call('HDEL', jobs, job.id)
    call('HDEL', crashes, job.id)
    free({ job.id })
    call('ZADD', recent, now, job.id)
    attach(job.commands)
  end
  return place
end

local answers = {}
for n, job in ipairs(wanted) do answers[n] = remove(job) end
apply()
return { answers, refusals }
