-- KEYS: an owner's idempotency key.  ARGV: job id.  Returns the id of the job that has the key.
local earlier = redis.call('GET', KEYS[1])
if earlier then
  return earlier
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ENDED_SECONDS)
return ARGV[1]
