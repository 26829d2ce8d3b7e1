-- The epoch of a job's log. It changes when the server is not the one of the last write: that server may have come
-- back, or been promoted, with an older copy, so positions that clients hold may mean other events now.
local function current_epoch(job, known_epoch, known_server, seq)
  local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  if server == known_server then
    return known_epoch
  end
  local epoch = string.sub(server, 1, 8) .. '-' .. seq
  redis.call('HSET', job, 'epoch', epoch, 'server', server)
  return epoch
end
