-- KEYS: job.  ARGV: record, active seconds.  Returns 1, or 0 where the id is taken.
local job = KEYS[1]
if redis.call('EXISTS', job) == 1 then
  return 0
end
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('HSET', job, 'record', ARGV[1], 'state', 'queued', 'rank', 0, 'attempt', 0, 'seq', 0, 'rev', 0,
  'server', server, 'epoch', string.sub(server, 1, 8) .. '-0')
redis.call('EXPIRE', job, ARGV[2])
return 1
