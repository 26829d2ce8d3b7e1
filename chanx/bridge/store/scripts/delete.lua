-- KEYS: all keys of a job.  Returns 1; 0 where it has not ended, or is unknown.
if redis.call('HEXISTS', KEYS[1], 'ended') == 0 then
  return 0
end
redis.call('DEL', unpack(KEYS))
return 1
