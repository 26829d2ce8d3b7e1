/** The states of a job, and which of two is the newer one (the rule of the server's log). No I/O. */

const STATE_AFTER = {
  job_queued: "queued",
  job_started: "started",
  job_retrying: "retrying",
  job_succeeded: "succeeded",
  job_failed: "failed",
  job_cancelled: "cancelled",
};
const RANKS = { connecting: -1, queued: 0, started: 1, retrying: 2 };

export const TERMINAL_STATES = new Set(["succeeded", "failed", "cancelled"]);
export const TERMINAL_ACTIONS = new Set(["job_succeeded", "job_failed", "job_cancelled"]);

export const isTerminal = (state) => TERMINAL_STATES.has(state);

/** The state that an event tells of, or undefined. */
export const stateAfter = (event) => STATE_AFTER[event.action];

/** Whether `state` of `attempt` replaces the known one. A retry may start before the attempt before it has said so. */
export function isNewer({ state, attempt }, known) {
  if (isTerminal(known.state)) return false;
  if (isTerminal(state)) return true;
  if (attempt !== known.attempt) return attempt > known.attempt;
  return RANKS[state] >= RANKS[known.state];
}
