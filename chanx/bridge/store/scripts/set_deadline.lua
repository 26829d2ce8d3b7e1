-- KEYS: deadlines.  ARGV: deadline, seconds from now.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1], 'NX', string.format('%.6f', now + ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ACTIVE_SECONDS)
local latest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
if latest then
  redis.call('EXPIREAT', KEYS[1], math.ceil(latest) + ACTIVE_SECONDS)
end
