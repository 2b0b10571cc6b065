-- Included where plugins may attach commands.

-- include queue

-- Reads the commands that plugins attached: how many, then for each the number of its words, the
-- command, the number of its key, the other words.
local function read_commands()
  local commands = {}
  for n = 1, number(0, MANY) do
    local words = {}
    for word = 1, number(2, CHUNK) do words[word] = take() end
    words[2] = KEYS[number(OWN + 1, #KEYS, words[2])]
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
