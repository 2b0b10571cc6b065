-- Included by scripts to which plugins attach commands.

-- include queue

-- Reads the commands that plugins attached: how many there are, then for each: how many words it
-- has, the command, the number of its key in KEYS, the other words.
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

-- Attached commands run after everything else. Whatever they do, and even if Redis refuses one, no
-- transition stops halfway. The script returns the refusals.
local attached, refusals = {}, {}
local function attach(commands)
  for _, words in ipairs(commands) do attached[#attached + 1] = words end
end

local function apply_attached()
  for _, words in ipairs(attached) do
    local answer = redis.pcall(unpack(words))
    if type(answer) == 'table' and answer.err then
      refusals[#refusals + 1] = words[1] .. ' ' .. words[2] .. ': ' .. answer.err
    end
  end
end
