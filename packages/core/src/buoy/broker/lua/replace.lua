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
    end
  end
end

-- Notes until when the first job of these claims is to be due; returns when it is due.
local function first_due(entry)
  local due = entry.due
  for _, claim in ipairs(entry.claims) do
    if claim.at_most and entry.head then
      due = math.min(due, now + claim.at_most)
      call('ZREMRANGEBYSCORE', paces, '-inf', now)
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

-- Gives a delayed job another due time. Returns whether it is to be queued now.
local function put_off(id, due, needs)
  if due <= now then return call('ZREM', delayed, id) == 1 end
  delay(id, due)
  if any_need(needs) then permits().note_needs(id, needs) end
  return false
end

-- Lets a job that is queued or blocked have another priority, nil for a normal one. It keeps its place,
-- unless its priority is another one now or it is to go to the front. A job that belongs at the tail of
-- the list is put among `pushed` then, for the caller, with others that are not in the list yet.
local function exchange_rank(id, rank, pushed)
  local needs = permits().read_needs(call('HGET', claims, '?' .. id))
  local before = needs.rank
  if rank ~= before then
    needs.rank = rank
    call('HDEL', claims, '?' .. id)
    permits().note_needs(id, needs)
  end
  local level, front = string.match(rank or 'normal', '^(%l+)(.*)$')
  local stays = front == '' and level == string.match(before or 'normal', '^%l+')
  if stays or needs.line then return end
  if call('ZREM', ranked, id) == 0 and call('LREM', queued, 1, id) == 0 then
    for n, other in ipairs(pushed) do
      if other == id then table.remove(pushed, n) break end
    end
  end
  if not permits().rank(id, needs) then pushed[#pushed + 1] = id end
end

-- Gives the holder of a claim the payload of a job, its priority, and its due time if the holder is
-- delayed. Returns whether the holder is to be queued now.
local function replace(holder, claim, entry, pushed)
  call('HSET', jobs, holder, entry.head .. cjson.encode(holder) .. entry.tail)
  if not call('ZSCORE', delayed, holder) then
    exchange_rank(holder, entry.claims.needs.rank, pushed)
    return false
  end
  call('HDEL', claims, '?' .. holder)
  local due = entry.due
  if claim.at_most then due = math.min(due, deadline_of(claim)) end
  return put_off(holder, due, entry.claims.needs)
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

-- Exchanges the claims of a job. Who is to be told of its end stays so.
local function exchange_claims(id, wanted)
  local gone, told_of = { '<' .. id }, ''
  for kind, key in string.gmatch(call('HGET', claims, '<' .. id) or '', '(%l)([^\n]*)\n') do
    if kind == 'e' then
      told_of = told_of .. 'e' .. key .. '\n'
    elseif call('HGET', claims, '>' .. key) == id then
      gone[#gone + 1] = '>' .. key
    end
  end
  send('HDEL', claims, gone)
  write_claims(id, wanted)
  if told_of == '' then return end
  call('HSET', claims, '<' .. id, (call('HGET', claims, '<' .. id) or '') .. told_of)
end

-- Gives a job that waits the payload, the claims, the priority and the due time of one with the same id.
-- A job that is queued or blocked keeps its permits. Returns whether it is to be queued now.
local function replace_same(entry, pushed)
  local id = entry.id
  exchange_claims(id, entry.claims)
  call('HSET', jobs, id, entry.payload)
  if not call('ZSCORE', delayed, id) then
    exchange_rank(id, entry.claims.needs.rank, pushed)
    return false
  end
  call('HDEL', claims, '?' .. id)
  return put_off(id, entry.due, entry.claims.needs)
end
