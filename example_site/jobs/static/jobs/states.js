/** The states of a job, as the page shows them. */

import { setText } from "./dom.js";

const LABELS = {
  queued: "Queued",
  started: "Running",
  retrying: "Retrying",
  cancelling: "Cancelling…",
  succeeded: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
};

const STATE_AFTER = {
  job_queued: "queued",
  job_started: "started",
  job_retrying: "retrying",
  job_succeeded: "succeeded",
  job_failed: "failed",
  job_cancelled: "cancelled",
};

export const label = (state) => LABELS[state] ?? state;

/** The state after an event, or undefined if it changes none. */
export const stateAfter = (event) => STATE_AFTER[event.action];

export function showState(pill, state) {
  pill.dataset.state = state;
  setText(pill, label(state));
}
