-- KEYS: an owner's idempotency key.  ARGV: job id.  Forgets the key if it is the job's.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
