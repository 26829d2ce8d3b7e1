-- KEYS: what a worker holds.  ARGV: run id, then publish ids.  Releases those that are held for that run.
for i = 2, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if held and cjson.decode(held).run_id == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
