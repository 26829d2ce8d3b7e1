-- KEYS: job, pending.  ARGV: publish ids.  Returns 1 where the job is complete now, else 0.
local job, pending = unpack(KEYS)
local known = redis.call('HMGET', job, 'seq', 'ended')
if not known[1] or known[2] then
  return 0
end
for _, publish_id in ipairs(ARGV) do
  redis.call('HDEL', pending, publish_id)
end
local waits = redis.call('HLEN', pending)
redis.call('HSET', job, 'waits', waits)
return waits == 0 and 1 or 0
