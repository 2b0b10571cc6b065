-- Included by scripts that put jobs into a queue: reads and writes the claims of these jobs.

-- include queue
-- include permits

-- Reads how many claims there are, then for each its key and "started", "finished", "latest" or
-- "ended": that is no claim, but whom to tell of the end of the job (see free.lua). A word "replace"
-- behind it, with a number of ms perhaps, makes it a claim that may be replaced. A number and a blank
-- before "started" or "finished" make it a permit, two numbers before "paced" a pace. One of RANKS is
-- the priority of the job. These are in `needs`. "throttled" and a number of ms make it a throttle:
-- see throttle.lua. These are in `throttles`.
local RANKS = {
  high = true, low = true, ['high front'] = true, ['normal front'] = true, ['low front'] = true,
}
local function read_claims()
  local wanted, known = { needs = {}, throttles = {} }, {}
  local kinds = { started = true, finished = true, latest = true, ended = true }
  for _ = 1, number(0, MANY) do
    local key, last = take(), take()
    local most, word = string.match(last, '^(%d+) ([sf]%l+)$')
    local interval, burst = string.match(last, '^(%d+) (%d+) paced$')
    local held_until, at_most = string.match(last, '^([sf]%l+) replace ?(%d*)$')
    local throttle_ms = string.match(last, '^throttled (%d+)$')
    if interval then most, word = number(1, GREATEST, interval), 'finished' end
    if not (kinds[word or held_until or last] or throttle_ms or RANKS[last]) then
      refuse('claim', 'started, finished, latest or ended', last)
    end
    if string.find(key, '\n', 1, true) then refuse('claim', 'a key of one line', key) end
    if RANKS[last] then
      wanted.needs.rank = last
    elseif throttle_ms then
      local throttle = { key = key, ms = number(1, GREATEST, throttle_ms) }
      wanted.throttles[#wanted.throttles + 1] = throttle
    elseif not most then
      local claim = { key, held_until or last, replaces = held_until ~= nil }
      if held_until and at_most ~= '' then claim.at_most = number(1, GREATEST, at_most) end
      wanted[#wanted + 1] = claim
    elseif not known[key] then
      local need = { word = string.sub(word, 1, 1), most = number(1, GREATEST, most), key = key }
      if interval then need.word, need.burst = 'p', number(1, GREATEST, burst) end
      known[key], wanted.needs[#wanted.needs + 1] = true, need
    end
  end
  return wanted
end

-- Returns the id of another job that holds one of these claims, or nil; moreover the claim if it is
-- one that may be replaced. A claim of kind "latest" goes over to the new job, and nobody holds one of
-- kind "ended": they keep no job out.
local function holder_of(wanted, id)
  local holder, replaceable
  for _, claim in ipairs(wanted) do
    local keeps_out = claim[2] ~= 'latest' and claim[2] ~= 'ended'
    local owner = keeps_out and call('HGET', claims, '>' .. claim[1])
    if owner and owner ~= id then
      if not claim.replaces then return owner end
      if not holder then holder, replaceable = owner, claim end
    end
  end
  return holder, replaceable
end

local function write_claims(id, wanted)
  if #wanted + #wanted.throttles == 0 then return end
  local lines, fields = {}, {}
  for n, claim in ipairs(wanted) do
    if claim[2] ~= 'ended' then fields[#fields + 1], fields[#fields + 2] = '>' .. claim[1], id end
    lines[n] = string.sub(claim[2], 1, 1) .. claim[1] .. '\n'
  end
  for _, throttle in ipairs(wanted.throttles) do lines[#lines + 1] = 't' .. throttle.key .. '\n' end
  fields[#fields + 1], fields[#fields + 2] = '<' .. id, table.concat(lines)
  send('HSET', claims, fields)
end
