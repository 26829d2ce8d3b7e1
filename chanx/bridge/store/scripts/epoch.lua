-- The epoch of a job's log: the server that wrote it first, and from where on. It changes when the server is not that of
-- the last write: it may have come back, or been promoted, with an older copy, so positions that clients hold may mean
-- other events now. SERVER is a constant of the script: another server does not know a script of this text.
local function current_epoch(job, known_epoch, seq)
  if string.sub(known_epoch, 1, 8) == SERVER then
    return known_epoch
  end
  local epoch = SERVER .. '-' .. seq
  redis.call('HSET', job, 'epoch', epoch)
  return epoch
end
