-- KEYS: suspects.  ARGV: suspect.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1], 'NX', string.format('%.6f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ACTIVE_SECONDS)
redis.call('EXPIRE', KEYS[1], ACTIVE_SECONDS)
