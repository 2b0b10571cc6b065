-- What every script over a queue begins with: its keys by name, the time, and the moves that
-- several acts share.
--
-- KEYS  1-11 the keys of the queue in the order of keys.py; then those that plugins attached
-- ARGV  1    milliseconds to add to the clock of the server (0 outside tests); the rest is taken
--            in order, one by one

-- include base

local OWN = 11
local ready, jobs, leases, runs, delayed, failed, claims, crashes, recent, meta, bell =
  unpack(KEYS, 1, OWN)
local size = {
  ready = size_of('LLEN', ready),
  jobs = size_of('HLEN', jobs),
  leases = size_of('ZCARD', leases),
  runs = size_of('HLEN', runs),
  delayed = size_of('ZCARD', delayed),
  failed = size_of('ZCARD', failed),
  claims = size_of('HLEN', claims),
  crashes = size_of('HLEN', crashes),
  recent = size_of('ZCARD', recent),
  meta = size_of('HLEN', meta),
  bell = size_of('LLEN', bell),
}
local NAMED = 1000 -- how many jobs one call may name that are looked for in a long list
local RECENT_SECONDS, RECENT_MOST = 120, 100000

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + number()

-- A number that Redis holds; what is none there counts as 0.
local function kept(text)
  local number = tonumber(text) or 0
  return math.abs(number) <= GREATEST and number or 0
end

-- A full Redis refuses writes that grow until a script has removed something, be it nothing. All
-- acts but enqueueing must go through, so each begins with a removal of its own, or with this.
local function make_way()
  call('HDEL', meta, '-')
end

-- Wakes one idle worker. One token is enough: who takes it and leaves jobs behind rings on.
local function ring()
  if size.bell > 0 then return end
  make_way()
  size.bell = call('RPUSH', bell, 1)
end

-- Whether jobs may have claims, or lost leases.
local marked = size.claims + size.crashes > 0

-- Counts a lost lease of a job.
local function lose(id)
  call('HSET', crashes, id, kept(call('HGET', crashes, id)) + 1)
  marked = true
end

-- Frees the claims of jobs: all, or only those that last until a job starts. What another job holds
-- by now (an operator had released it, or it was the key of the latest) is let be.
local function free(ids, started_only)
  local lists, held, owners, gone, left = {}, {}, {}, {}, {}
  for n, id in ipairs(ids) do lists[n] = '<' .. id end
  for n, list in ipairs(ask('HMGET', claims, lists)) do
    local rest = ''
    if not list or (started_only and not string.find('\n' .. list, '\ns', 1, true)) then
      list = nil -- there is nothing to free
    end
    for kind, key in string.gmatch(list or '', '(%l)([^\n]*)\n') do
      if started_only and kind ~= 's' then
        rest = rest .. kind .. key .. '\n'
      else
        held[#held + 1], owners[#owners + 1] = '>' .. key, ids[n]
      end
    end
    if list and rest == '' then
      gone[#gone + 1] = lists[n]
    elseif list then
      left[#left + 1], left[#left + 2] = lists[n], rest
    end
  end
  for n, owner in ipairs(ask('HMGET', claims, held)) do
    if owner == owners[n] then gone[#gone + 1] = held[n] end
  end
  each('HDEL', claims, gone)
  each('HSET', claims, left)
end

-- Reads claims: pairs of key and "started", "finished" or "latest".
local function read_claims()
  local wanted = {}
  for n = 1, count() do wanted[n] = { take(), take() } end
  return wanted
end

-- The id of another job that holds one of these claims. The key of the latest is held against
-- nobody.
local function holder_of(wanted, id)
  for _, claim in ipairs(wanted) do
    local owner = claim[2] ~= 'latest' and call('HGET', claims, '>' .. claim[1])
    if owner and owner ~= id then return owner end
  end
end

local function write_claims(id, wanted)
  if #wanted == 0 then return end
  local lines, fields = {}, {}
  for n, claim in ipairs(wanted) do
    fields[#fields + 1], fields[#fields + 2] = '>' .. claim[1], id
    lines[n] = string.sub(claim[2], 1, 1) .. claim[1] .. '\n'
  end
  fields[#fields + 1], fields[#fields + 2] = '<' .. id, table.concat(lines)
  each('HSET', claims, fields)
end

-- Reads the commands that plugins attached: how many, then for each the number of its words, the
-- command, the number of its key, the other words.
local function read_commands()
  local commands = {}
  for n = 1, count() do
    local words = {}
    for word = 1, number(2, CHUNK) do words[word] = take() end
    words[2] = KEYS[whole(words[2], OWN + 1, #KEYS)]
    commands[n] = words
  end
  return commands
end

-- Attached commands are applied when all else is done: whatever one of them does or is refused,
-- no transition stops halfway. Refusals are reported.
local attached, refusals = {}, {}
local function attach(commands)
  for _, words in ipairs(commands) do attached[#attached + 1] = words end
end

local function apply()
  for _, words in ipairs(attached) do
    local answer = redis.pcall(unpack(words))
    if type(answer) == 'table' and answer.err then
      refusals[#refusals + 1] = words[1] .. ' ' .. words[2] .. ': ' .. answer.err
    end
  end
end
