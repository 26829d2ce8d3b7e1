-- RedisChannelLayer.group_send in one round trip: one message for each server process that has members.
-- KEYS: the group. ARGV: the newest expired membership, the layer's prefix, the serializer, the message up to and from
-- the list of members, the time, the newest expired message, how long a message lives, the capacity.
-- Returns the number of processes and of those whose queue was full, which did not get the message.
local group = KEYS[1]
local expired_join, prefix, serializer, front, tail = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now, expired, expiry, capacity = ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
local encode = serializer == 'json' and cjson.encode or cmsgpack.pack

-- What has expired is passed over and removed at the end: a server out of memory refuses a script's first write only,
-- and a removal is one that it allows.
local processes, members = {}, {}
for _, channel in ipairs(redis.call('ZRANGEBYSCORE', group, '(' .. expired_join, '+inf')) do
    local bang = string.find(channel, '!', 1, true)
    local process = bang and string.sub(channel, 1, bang) or channel
    if not members[process] then
        members[process] = {}
        processes[#processes + 1] = process
    end
    table.insert(members[process], channel)
end

local full = 0
for _, process in ipairs(processes) do
    local queue = prefix .. process
    if redis.call('ZCOUNT', queue, '(' .. expired, '+inf') < capacity then
        redis.call('ZADD', queue, now, front .. encode(members[process]) .. tail)
        redis.call('EXPIRE', queue, expiry)
    else
        full = full + 1
    end
    redis.call('ZREMRANGEBYSCORE', queue, 0, expired)
end
redis.call('ZREMRANGEBYSCORE', group, 0, expired_join)
return {#processes, full}
