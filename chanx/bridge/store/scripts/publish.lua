-- Publishes a message to a group as channels_redis' pub/sub layer does. Returns whether the server let us.
local pack = SERIALIZER == 'json' and cjson.encode or cmsgpack.pack
local function publish(group, message)
  return type(redis.pcall('PUBLISH', CHANNELS .. group, pack(message))) == 'number'
end
