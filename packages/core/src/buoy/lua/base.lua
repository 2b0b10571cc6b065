-- What every script begins with. Redis does not roll back what a script has written when it fails:
-- so all that can fail comes before the first write. The words are read and checked, and so are the
-- types of the keys; after that nothing is refused any more, and no number of words is too large.

local call = redis.call

-- Ends the script with an error. Only before the first write.
local function refuse(subject, expected, got)
  error('REFUSED ' .. subject .. ': expected ' .. expected .. ', got ' .. got, 0)
end

local cursor = 0

local function take()
  cursor = cursor + 1
  return ARGV[cursor] or refuse('word ' .. cursor, 'one more word', 'the end')
end

-- Text as a whole number between these; a float has room for no greater ones.
local GREATEST = 2 ^ 53 - 1
local function whole(text, least, most)
  local number = tonumber(text)
  if number and number >= least and number <= most and number == math.floor(number) then
    return number
  end
  refuse('number', string.format('a whole one from %.0f to %.0f', least, most), text)
end

local function number(least, most)
  return whole(take(), least or -GREATEST, most or GREATEST)
end

local function done_reading()
  if cursor < #ARGV then refuse('words', cursor, #ARGV) end
end

-- How many of anything one call may name. Who has more calls again.
local MANY = 100000
local function count(most)
  return number(0, most or MANY)
end

-- The first words of all pairs, where there is nothing else to read.
local function take_pairs()
  local firsts = {}
  if #ARGV == 0 or #ARGV % 2 > 0 or #ARGV > 2 * MANY then refuse('words', 'pairs', #ARGV) end
  for n = 1, #ARGV, 2 do firsts[#firsts + 1] = ARGV[n] end
  return firsts
end

-- So many words go into one command: Lua has no room on its stack for more than 8000.
local CHUNK = 4000

-- Sends a command on a key, with any number of words but none at all.
local function each(command, key, words)
  for first = 1, #words, CHUNK do
    call(command, key, unpack(words, first, math.min(first + CHUNK - 1, #words)))
  end
end

-- Asks for as many answers as there are words.
local function ask(command, key, words)
  local answers = {}
  for first = 1, #words, CHUNK do
    local last = math.min(first + CHUNK - 1, #words)
    local found = call(command, key, unpack(words, first, last))
    if first == 1 and last == #words then return found end
    for n, answer in ipairs(found) do answers[first + n - 1] = answer end
  end
  return answers
end

local TYPES = { LLEN = 'list', HLEN = 'hash', ZCARD = 'zset' }

-- The size of a key, asked by the command of its type.
local function size_of(command, key)
  local answer = redis.pcall(command, key)
  if type(answer) == 'number' then return answer end
  if not string.find(answer.err, 'WRONGTYPE', 1, true) then error(answer.err, 0) end
  local found = call('TYPE', key).ok
  refuse(key, 'a ' .. TYPES[command], 'a ' .. found .. '; something else writes there')
end
