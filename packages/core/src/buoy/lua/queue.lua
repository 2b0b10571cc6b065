-- What every script over a queue begins with: its keys by name, the time, and the moves that
-- several acts share.
--
-- KEYS  1-11 the keys of the queue in the order of keys.py; then those that plugins attached
-- ARGV  1    milliseconds to add to the clock of the server (0 outside tests); the rest is taken
--            in order, one by one
local ready, jobs, leases, runs, delayed, failed, claims, crashes, recent, meta, bell =
  unpack(KEYS, 1, 11)
local call = redis.call
local cursor = 0

local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end

local function count()
  return tonumber(take())
end

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + count()

-- A full Redis refuses writes that grow until a script has removed something, be it nothing. All
-- acts but enqueueing must go through, so each begins with a removal of its own, or with this.
local function make_way()
  call('HDEL', meta, '-')
end

-- Wakes one idle worker. One token is enough: who takes it and leaves jobs behind rings on.
local function ring()
  if call('LLEN', bell) > 0 then return end
  make_way()
  call('RPUSH', bell, 1)
end

-- Frees the claims of jobs: all, or only those that last until a job starts. What another job holds
-- by now (an operator had released it, or it was the key of the latest) is let be.
local function free(ids, started_only)
  local lists, held, owners, gone, kept = {}, {}, {}, {}, {}
  for n, id in ipairs(ids) do lists[n] = '<' .. id end
  for n, list in ipairs(call('HMGET', claims, unpack(lists))) do
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
      kept[#kept + 1], kept[#kept + 2] = lists[n], rest
    end
  end
  if #held > 0 then
    for n, owner in ipairs(call('HMGET', claims, unpack(held))) do
      if owner == owners[n] then gone[#gone + 1] = held[n] end
    end
  end
  if #gone > 0 then call('HDEL', claims, unpack(gone)) end
  if #kept > 0 then call('HSET', claims, unpack(kept)) end
end

-- Reads claims (pairs of key and "started", "finished" or "latest"). If another job holds one,
-- answers that job's id; else nothing is held against this one, and the claims to be written. The
-- key of the latest is held against nobody.
local function read_claims(id)
  local wanted, holder = {}, nil
  for _ = 1, count() do
    local key, last = take(), take()
    wanted[#wanted + 1] = { key, last }
    local owner = last ~= 'latest' and call('HGET', claims, '>' .. key)
    if owner and owner ~= id then holder = holder or owner end
  end
  return holder, wanted
end

local function write_claims(id, wanted)
  if #wanted == 0 then return end
  local fields, lines = {}, {}
  for index, claim in ipairs(wanted) do
    fields[#fields + 1], fields[#fields + 2] = '>' .. claim[1], id
    lines[index] = string.sub(claim[2], 1, 1) .. claim[1] .. '\n'
  end
  call('HSET', claims, '<' .. id, table.concat(lines), unpack(fields))
end

-- Reads the commands that plugins attached: how many, then for each the number of its words, the
-- command, the number of its key, the other words.
local function read_commands()
  local commands = {}
  for n = 1, count() do
    local size = count()
    local words = { unpack(ARGV, cursor + 1, cursor + size) }
    cursor = cursor + size
    words[2] = KEYS[tonumber(words[2])]
    commands[n] = words
  end
  return commands
end

-- An attached command that Redis refuses must not stop a transition halfway: it is reported.
local refusals = {}
local function apply(commands)
  for _, words in ipairs(commands) do
    local answer = redis.pcall(unpack(words))
    if type(answer) == 'table' and answer.err then
      refusals[#refusals + 1] = words[1] .. ' ' .. words[2] .. ': ' .. answer.err
    end
  end
end
