/**
 * Somebody who reads a job's events on this page, at a pace of their own: each has a place in the log.
 *
 * The job's channel calls the methods below in the order of the log; `taken` says up to where the reader has dealt with it.
 */

import { TERMINAL_ACTIONS } from "./job_states.js";

export class JobReader {
  /** @param {{epoch: string, seq: number} | null} position what the reader has already */
  constructor(position) {
    this.epoch = position?.epoch ?? null;
    this.seq = position?.seq ?? 0;
    this.ended = false; // it has the job's last event
  }

  /** Where the reader is, or null before anything is known. */
  get position() {
    return this.epoch === null ? null : { epoch: this.epoch, seq: this.seq };
  }

  /** The last event that was dealt with: the server sends 500 beyond it. */
  get taken() {
    return this.seq;
  }

  /** Takes an event unless the reader has it already; the channel sees to it that none is left out. */
  offer(event, replayed) {
    if (event.seq <= this.seq) return;
    this.seq = event.seq;
    this.ended = TERMINAL_ACTIONS.has(event.action);
    this.event(event, { replayed });
  }

  /** Takes where the server's log stands; what a reader has of a log that is no more is void. */
  stand({ epoch, oldest, seq }) {
    const fits = (this.seq === 0 || this.epoch === epoch) && this.seq >= oldest - 1 && this.seq <= seq;
    const hadSomething = this.epoch !== null;
    this.epoch = epoch;
    if (!fits) {
      this.seq = oldest - 1;
      this.ended = false;
      if (hadSomething) this.reset();
    }
  }

  // What a reader makes of it

  reset() {}
  event() {}
  /** A value of which only the newest counts, or an event that is not of the log. */
  latest() {}
  snapshot() {}
  /** The state of the job, or another field of it, is a new one. */
  changed() {}
  /** No more comes: the job is over, or `error` says what else it is. */
  end() {}
  /** The page is done with it. */
  close() {}
}
