-- KEYS: the jobs of an owner or a watcher.  ARGV: job id, the time it was created.
-- Returns at times some of the list, at random, to be looked at: the rest have to leave as fast as new ones come.
redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2] - ACTIVE_SECONDS)
redis.call('EXPIRE', KEYS[1], ACTIVE_SECONDS)
if redis.call('ZCARD', KEYS[1]) % 16 == 0 then
  return redis.call('ZRANDMEMBER', KEYS[1], 64)
end
return {}
