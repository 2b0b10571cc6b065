-- Included by every script. Redis does not undo the writes of a script that fails. So everything
-- that can fail comes before the first write: the script reads and checks all its words, and reads
-- each key that it may write to, because Redis refuses to read a key of a wrong type. After that
-- nothing is refused, and no number of words is too large.

local call = redis.call
local GREATEST = 2 ^ 53 - 1 -- up to here a float holds every whole number
local MANY = 100000 -- how many items one call may name; with more, the caller calls again
local CHUNK = 4000 -- how many words one command may have: the stack of Lua has no room for 8000
local cursor = 0

local function refuse(subject, expected, got)
  got = string.gsub(got, '%c', '.') -- a line end would end the reply
  error('REFUSED ' .. subject .. ': expected ' .. expected .. ', got ' .. string.sub(got, 1, 80), 0)
end

local function take()
  cursor = cursor + 1
  return ARGV[cursor] or refuse('word ' .. cursor, 'one more', 'the end')
end

-- Returns the next word, or the given text, as a whole number.
local function number(least, most, text)
  text = text or take()
  local n = tonumber(text)
  if n and n >= least and n <= most and n % 1 == 0 then return n end
  refuse('number', string.format('a whole one from %.0f to %.0f', least, most), text)
end

local function done_reading()
  if cursor < #ARGV then refuse('words', cursor, #ARGV) end
end

-- Sends a command with any number of words in chunks. Sends nothing if there are no words.
local function send(command, key, words)
  for first = 1, #words, CHUNK do
    call(command, key, unpack(words, first, math.min(first + CHUNK - 1, #words)))
  end
end

-- Sends a command that answers each word, in chunks; returns all answers.
local function ask(command, key, words)
  if #words == 0 then return {} end
  if #words <= CHUNK then return call(command, key, unpack(words)) end
  local answers = {}
  for first = 1, #words, CHUNK do
    local last = math.min(first + CHUNK - 1, #words)
    for _, answer in ipairs(call(command, key, unpack(words, first, last))) do
      answers[#answers + 1] = answer
    end
  end
  return answers
end
