-- Included by scripts that look after groups which are not complete. One worker looks at each of them
-- every SEEN_MS, see group_unseen.lua. Scores of the zset of names: see group.lua.

local SEEN_MS = 10 * 60 * 1000
