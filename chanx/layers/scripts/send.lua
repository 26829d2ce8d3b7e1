-- RedisChannelLayer.send in one round trip.
-- KEYS: the queue. ARGV: the message, the time, the newest expired message, how long a message lives, the capacity.
-- Returns the number of queues and of full ones, which did not get the message.
local queue, now, expired = KEYS[1], ARGV[2], ARGV[3]
local full = redis.call('ZCOUNT', queue, '(' .. expired, '+inf') >= tonumber(ARGV[5])
if not full then
    redis.call('ZADD', queue, now, ARGV[1])
    redis.call('EXPIRE', queue, ARGV[4])
end
redis.call('ZREMRANGEBYSCORE', queue, 0, expired)
return {1, full and 1 or 0}
