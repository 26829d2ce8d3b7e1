-- KEYS: job, pending.  ARGV: publish ids.  Returns 1 where the job is complete now, else 0.
for _, publish_id in ipairs(ARGV) do
  redis.call('HDEL', KEYS[2], publish_id)
end
local known = redis.call('HMGET', KEYS[1], 'seq', 'ended')
if not known[1] or known[2] then
  return 0
end
return 1 - redis.call('EXISTS', KEYS[2])
