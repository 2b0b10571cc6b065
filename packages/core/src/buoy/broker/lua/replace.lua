-- Included by enqueue.lua: a job that replaces another one, which asks for a claim that may be replaced,
-- or has the same id. If the other one waits, it gets the payload of the new job, except the id, and
-- its due time; the new job is not stored. A claim may say how many ms after its first job the job is
-- due at the latest: in `paces` is until when.

-- include queue
-- include claims

-- Returns what stands before and after the id of a job in its payload.
local function around_id(payload)
  local most = #payload
  while true do
    local head, after = string.match(string.sub(payload, 1, most), '^(.*"id":)"[^"\\]*"()')
    if not head then refuse('payload', 'an id without escapes', 'another') end
    local tail = string.sub(payload, after)
    local right, job = pcall(cjson.decode, head .. '0' .. tail)
    if right and type(job) == 'table' and job.id == 0 then return head, tail end
    most = #head - 1 -- that is the id of something within the arguments
  end
end

-- Reads all that a job needs to replace another one, or to be replaced. A job from another queue
-- replaces none: the one that waits may be newer.
local function prepare_to_replace(entry)
  for _, claim in ipairs(entry.claims) do
    if claim.replaces and entry.class ~= '' and not entry.head then
      entry.head, entry.tail = around_id(entry.payload)
      call('HLEN', tokens)
      call('ZCARD', paces)
      call('HLEN', paced)
    end
  end
end

-- Notes until when the first job of these claims is to be due; returns when it is due.
local function first_due(entry)
  local due = entry.due
  for _, claim in ipairs(entry.claims) do
    if claim.at_most and entry.head then
      due = math.min(due, now + claim.at_most)
      forget_old(paces)
      call('ZADD', paces, now + claim.at_most, claim[1])
    end
  end
  return due
end

-- Returns until when the holder of a claim is to be due. It is not noted if that holder was moved here.
local function deadline_of(claim)
  local noted = call('ZSCORE', paces, claim[1])
  if noted then return tonumber(noted) end
  call('ZADD', paces, now + claim.at_most, claim[1])
  return now + claim.at_most
end

-- Returns whether a job waits, so that its payload may be another one.
local function waits(id)
  return call('HEXISTS', jobs, id) == 1 and call('HEXISTS', tokens, id) == 0
end

-- Whether jobs with these needs are kept back by the keys of each other: of limits, and of paces.
local function have_equal_keys(needs, others)
  local words = {}
  for _, need in ipairs(needs) do words[need.key] = need.word end
  for _, need in ipairs(others) do
    if words[need.key] ~= need.word then return false end
  end
  return #needs == #others
end

-- Gives a delayed job other needs and another due time. A job that waits for its time by a pace keeps
-- that time, unless it is to wait longer. Returns 'enters' if it is to be queued now.
local function put_off(id, due, at, needs, wanted)
  local timed = false
  for _, need in ipairs(needs) do timed = timed or need.burst and need.held end
  if timed and due <= at and have_equal_keys(needs, wanted) then
    due = at
    for _, need in ipairs(wanted) do need.held = need.burst ~= nil end
  end
  call('HDEL', claims, '?' .. id)
  if due <= now and call('ZREM', delayed, id) == 1 then return 'enters' end
  delay(id, due)
  permits().note_needs(id, wanted)
end

-- Whether a job that is queued with one priority is to stand elsewhere with another one; nil for normal.
local function changes_line(before, rank)
  local level, front = string.match(rank or 'normal', '^(%l+)(.*)$')
  return front ~= '' or level ~= string.match(before or 'normal', '^%l+')
end

-- Gives a job that is queued or blocked the priority of another one. Returns 'moves' if it is to stand
-- elsewhere in the queue.
local function exchange_rank(id, needs, rank)
  local changes = changes_line(needs.rank, rank)
  if needs.rank ~= rank then
    needs.rank = rank
    call('HDEL', claims, '?' .. id)
    permits().note_needs(id, needs)
  end
  return changes and not needs.line and 'moves' or nil
end

-- Gives a job that waits the needs of another one, and its due time if it is delayed; `latest`: when it
-- is due at the latest. A job that is queued or blocked keeps its place, unless it gets another priority;
-- it gets the permits of the other needs. Returns what its place is to be: 'enters' if it is to be queued
-- now, 'leaves' if it is in the queue and may not be there, 'moves' if it is to stand elsewhere there,
-- 'is let in' if it was blocked and has got all.
local function exchange_needs(id, due, latest, wanted)
  local at = tonumber(call('ZSCORE', delayed, id))
  local needs = permits().read_needs(call('HGET', claims, '?' .. id))
  if at then return put_off(id, latest and math.min(due, latest) or due, at, needs, wanted) end
  if have_equal_keys(needs, wanted) then return exchange_rank(id, needs, wanted.rank) end
  local moves = changes_line(needs.rank, wanted.rank)
  local entered, was_blocked = permits().exchange(id, needs, wanted)
  if was_blocked then return entered and 'is let in' or nil end
  if not entered then return 'leaves' end
  return moves and 'moves' or nil
end

-- Gives the holder of a claim the payload of a job. Returns its place: see exchange_needs.
local function replace(holder, claim, entry)
  call('HSET', jobs, holder, entry.head .. cjson.encode(holder) .. entry.tail)
  local at = claim.at_most and tonumber(call('ZSCORE', delayed, holder))
  -- A job that is due by now is put off no more, though nothing has queued it yet.
  local latest = at and (at <= now and at or deadline_of(claim))
  return exchange_needs(holder, entry.due, latest, entry.claims.needs)
end

-- Takes the word out of the attached commands that a job replaces the one of its id: REPLACE, with a key.
local function take_replaces_id(commands)
  local replaces, others = false, {}
  for _, words in ipairs(commands) do
    if words[1] == 'REPLACE' then
      replaces = true
      for _, zset in ipairs({ failed, blocked }) do call('ZCARD', zset) end
      call('HLEN', tokens)
    else
      others[#others + 1] = words
    end
  end
  return replaces, others
end

-- Exchanges the claims of a job. Who is to be told of its end stays so, and which throttle it lifts.
local function exchange_claims(id, wanted)
  local gone, kept = { '<' .. id }, ''
  wanted.throttles = {}
  for kind, key in string.gmatch(call('HGET', claims, '<' .. id) or '', '(%l)([^\n]*)\n') do
    if kind == 'e' or kind == 't' then
      kept = kept .. kind .. key .. '\n'
    elseif call('HGET', claims, '>' .. key) == id then
      gone[#gone + 1] = '>' .. key
    end
  end
  send('HDEL', claims, gone)
  write_claims(id, wanted)
  if kept == '' then return end
  call('HSET', claims, '<' .. id, (call('HGET', claims, '<' .. id) or '') .. kept)
end

-- Gives a job that waits the payload and the claims of one with the same id. Returns its place: see
-- exchange_needs.
local function replace_same(entry)
  exchange_claims(entry.id, entry.claims)
  call('HSET', jobs, entry.id, entry.payload)
  return exchange_needs(entry.id, entry.due, nil, entry.claims.needs)
end
