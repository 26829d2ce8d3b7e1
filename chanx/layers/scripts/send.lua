-- RedisChannelLayer.send in one round trip.
-- KEYS: the queue. ARGV: the message, the time, the newest expired message, how long a message lives, the capacity.
-- Returns the number of queues and of full ones, which did not get the message.
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[3])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) then
    return {1, 1}
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, 0}
