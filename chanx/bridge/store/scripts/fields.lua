-- Sets the fields of a hash from a list of names and values. In portions, because Lua's stack bounds `unpack`.
local function set_fields(key, list, first)
  for from = first, #list, 1000 do
    redis.call('HSET', key, unpack(list, from, math.min(from + 999, #list)))
  end
end
