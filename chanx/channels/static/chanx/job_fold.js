/** A job as its last snapshot and the events since then tell it. No I/O. */

import { isNewer, stateAfter } from "./job_states.js";

export class JobFold {
  #snapshot = null;
  state = "connecting"; // or a state of the job, or "refused"
  attempt = 1;
  cancelRequested = false;
  cancelReason = null;
  fields = {};
  #seq = 0;
  #rev = 0;

  /** Takes a snapshot, which counts more than anything before it. */
  take(snapshot) {
    this.#snapshot = snapshot;
    this.state = snapshot.state;
    this.attempt = snapshot.attempt;
    this.cancelRequested = snapshot.cancel_requested;
    this.cancelReason = snapshot.cancel_reason ?? null;
    this.fields = { ...snapshot.fields };
    this.#seq = snapshot.seq;
    this.#rev = snapshot.rev;
  }

  /** Takes a numbered event that the snapshot does not know yet. */
  event(event) {
    const { action, payload, time } = event;
    this.#seq = event.seq;
    this.#followState(stateAfter(event), event.attempt ?? this.attempt);
    if (action === "job_cancel_requested") {
      this.cancelRequested = true;
      this.cancelReason ??= payload?.reason ?? null;
    }
    if (action === "job_started") Object.assign(this.fields, { started_at: time, job_progress: null }); // the bar begins anew
    if (action === "job_succeeded") Object.assign(this.fields, { ended_at: time, result_omitted: false, ...payload });
    if (action === "job_failed") Object.assign(this.fields, { ended_at: time, error: payload?.error });
    if (action === "job_cancelled") {
      this.fields.ended_at = time;
      this.cancelReason ??= payload?.reason ?? null;
    }
  }

  #followState(state, attempt) {
    if (state === undefined || !isNewer({ state, attempt }, this)) return;
    this.state = state;
    this.attempt = attempt;
  }

  /** Takes the newest value of an event of which only the newest counts. */
  latest({ action, payload, rev }) {
    this.fields[action] = payload;
    this.#rev = rev;
  }

  get progress() {
    return this.fields.job_progress ?? null;
  }

  /** The snapshot as it would be read now, or null before the first one. */
  get snapshot() {
    if (this.#snapshot === null) return null;
    return {
      ...this.#snapshot,
      state: this.state === "refused" ? this.#snapshot.state : this.state,
      attempt: this.attempt,
      cancel_requested: this.cancelRequested,
      cancel_reason: this.cancelReason,
      fields: { ...this.fields },
      seq: this.#seq,
      rev: this.#rev,
    };
  }
}
