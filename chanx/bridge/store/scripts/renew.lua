-- KEYS: workers.  ARGV: worker.  The field without a name counts on, so that a worker that comes back after it was dropped
-- has a number of its own.
redis.call('HSET', KEYS[1], ARGV[1], redis.call('HINCRBY', KEYS[1], '', 1))
redis.call('EXPIRE', KEYS[1], ACTIVE_SECONDS)
