-- KEYS: suspects.  ARGV: seconds, limit.  Returns those that were remembered so long ago, the oldest first.
local time = redis.call('TIME')
local before = string.format('%.6f', time[1] + time[2] / 1000000 - ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before, 'LIMIT', 0, ARGV[2])
