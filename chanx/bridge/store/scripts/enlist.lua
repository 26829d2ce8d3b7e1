-- KEYS: the active jobs of an owner.  ARGV: job id, '1' if those that came before it are asked for.
-- Returns those before it, or else at times some at random, to be looked at; each with its age in seconds.
local active, job_id, before_it = KEYS[1], ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- Whoever comes later ranks later, whatever the clock does.
local last = redis.call('ZREVRANGE', active, 0, 0, 'WITHSCORES')[2]
redis.call('ZADD', active, 'NX', string.format('%.0f', math.max(now, (tonumber(last) or 0) + 1)), job_id)
redis.call('EXPIRE', active, ACTIVE_SECONDS)

local listed = {}
if before_it == '1' then
  listed = redis.call('ZRANGEBYSCORE', active, '-inf', '(' .. redis.call('ZSCORE', active, job_id), 'WITHSCORES')
elseif redis.call('ZCARD', active) % 16 == 0 then
  listed = redis.call('ZRANDMEMBER', active, 64, 'WITHSCORES')
end
for i = 2, #listed, 2 do
  listed[i] = math.floor((now - listed[i]) / 1000000)
end
return listed
