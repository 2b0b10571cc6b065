-- Returns since when the oldest due job of a queue is due.
--
-- KEYS     see queue.lua
-- ARGV     clock shift
-- returns  {now in ms, since when the oldest job is due of those that are due since another time
--          than their enqueueing (in ms, or '' if there is none), payload of the first queued job of
--          all others ('' if there is none)}
--
-- It looks at a bounded number of jobs.

-- include queue

local QUEUED, NOTED, PAGE = 100, 1000, 100
done_reading()
read_all()

local oldest = ''
local function consider(score)
  if oldest == '' or tonumber(score) < tonumber(oldest) then oldest = score end
end

-- Returns the first job in the queue that is due since it was enqueued.
local function first_plain()
  local ids, plain = call('LRANGE', queued, 0, QUEUED - 1), nil
  local since = any_due_since and ask('ZMSCORE', due_since, ids) or {}
  for n, id in ipairs(ids) do
    if since[n] then consider(since[n]) else plain = plain or id end
  end
  return plain
end

-- Jobs that run have a note, too, but they wait no more.
local function consider_noted()
  for first = 0, any_due_since and NOTED - 1 or -1, PAGE do
    local found, ids = call('ZRANGE', due_since, first, first + PAGE - 1, 'WITHSCORES'), {}
    for n = 1, #found, 2 do ids[#ids + 1] = found[n] end
    for n, token in ipairs(ask('HMGET', tokens, ids)) do
      if not token then return consider(found[2 * n]) end
    end
    if #ids < PAGE then return end
  end
end

-- A score in `ranked` is the time when the job came there.
local function consider_ranked()
  for _, range in ipairs({ { '-inf', '(0', 2 ^ 53 }, { '0', '+inf', 0 } }) do
    local score = call('ZRANGEBYSCORE', ranked, range[1], range[2], 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if score then consider(string.format('%.0f', (score + range[3]) / 1000)) end
  end
end

local plain = first_plain()
if any_ranked then consider_ranked() end
consider_noted()
local delayed_first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if delayed_first[1] and tonumber(delayed_first[2]) <= now then consider(delayed_first[2]) end
return { now, oldest, plain and call('HGET', jobs, plain) or '' }
