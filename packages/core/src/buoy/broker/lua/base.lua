-- What every script begins with. Redis does not roll back what a script has written when it fails:
-- so all that can fail comes before the first write. The words are read and checked, and each key
-- that may be written to is read, for that is refused if its type is wrong. After that nothing is
-- refused any more, and no number of words is too large.

local call = redis.call
local GREATEST = 2 ^ 53 - 1 -- of the whole numbers that a float can hold, one by one
local MANY = 100000 -- how many of anything one call may name; who has more calls again
local CHUNK = 4000 -- how many words go into one command: Lua's stack has no room for 8000
local cursor = 0

local function refuse(subject, expected, got)
  got = string.gsub(got, '%c', '.') -- a line's end would end the reply
  error('REFUSED ' .. subject .. ': expected ' .. expected .. ', got ' .. string.sub(got, 1, 80), 0)
end

local function take()
  cursor = cursor + 1
  return ARGV[cursor] or refuse('word ' .. cursor, 'one more', 'the end')
end

-- The next word, or this text, as a whole number.
local function number(least, most, text)
  text = text or take()
  local n = tonumber(text)
  if n and n >= least and n <= most and n % 1 == 0 then return n end
  refuse('number', string.format('a whole one from %.0f to %.0f', least, most), text)
end

local function done_reading()
  if cursor < #ARGV then refuse('words', cursor, #ARGV) end
end

-- Sends a command on a key, with any number of words but none at all.
local function each(command, key, words)
  for first = 1, #words, CHUNK do
    call(command, key, unpack(words, first, math.min(first + CHUNK - 1, #words)))
  end
end

-- Asks for as many answers as there are words.
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
