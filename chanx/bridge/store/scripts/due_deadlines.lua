-- KEYS: deadlines.  ARGV: limit.  Returns those whose time has come, the oldest first.
local time = redis.call('TIME')
local now = string.format('%.6f', time[1] + time[2] / 1000000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
