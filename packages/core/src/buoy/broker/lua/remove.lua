-- Ends jobs, wherever they are. The worker of a running job learns of it at its next heartbeat. The id
-- of a job that waited can be used again at once (see enqueued.lua).
--
-- KEYS     see queue.lua
-- ARGV     clock shift; number of ids, for each: id, the states in which it may be ('queued',
--          'delayed', 'blocked', 'running', 'failed', separated by spaces; 'failed=MS': only if it has
--          failed at this time), commands (see attached.lua)
-- returns  {states, refusals of attached commands}; a state is where the job was, or '' if it was
--          in none of the given states

-- include queue
-- include free
-- include attached

local wanted = {}
for n = 1, number(0, NAMED) do
  wanted[n] = { id = take(), allowed = take(), commands = read_commands() }
end
done_reading()
read_all()

local WAITING = { queued = true, delayed = true, blocked = true }
local places = {}
function places.delayed(id) return call('ZREM', delayed, id) == 1 end
function places.blocked(id) return call('ZREM', blocked, id) == 1 end
function places.failed(id, allowed)
  local at = string.match(allowed, 'failed=(%S+)')
  if at and tonumber(call('ZSCORE', failed, id)) ~= tonumber(at) then return false end
  return call('ZREM', failed, id) == 1
end
function places.running(id) return call('HDEL', tokens, id) + call('ZREM', leases, id) > 0 end
function places.queued(id)
  return call('HEXISTS', tokens, id) == 0 and call('HEXISTS', jobs, id) == 1
    and (any_ranked and call('ZREM', ranked, id) == 1 or call('LREM', queued, 1, id) == 1)
end

-- Searches the queue last, because that takes longest.
local function place_of(id, allowed)
  for _, name in ipairs({ 'delayed', 'blocked', 'failed', 'running', 'queued' }) do
    if string.find(allowed, name, 1, true) and places[name](id, allowed) then return name end
  end
  return ''
end

local function remove(job)
  local place = place_of(job.id, job.allowed)
  if place ~= '' then
    call('HDEL', jobs, job.id)
    call('HDEL', crashes, job.id)
    forget_due({ job.id })
    free({ job.id }, 'cancelled')
    call('ZADD', ended, WAITING[place] and now + 0.5 or now, job.id)
    attach(job.commands)
  end
  return place
end

local answers = {}
for n, job in ipairs(wanted) do answers[n] = remove(job) end
if #wanted > 0 then limit_ended() end
if admitted then wake() end
apply_attached()
return { answers, refusals }
