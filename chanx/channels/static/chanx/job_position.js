/**
 * Where one subscription stands in a job's log: decides what each frame of the job is to it. No I/O.
 *
 * The log numbers its events 1, 2, 3, … within an epoch. The epoch changes when the log may have been rewound.
 */

import { isTerminal, TERMINAL_ACTIONS } from "./job_states.js";

export class JobPosition {
  epoch = null;
  seq = 0; // of the last event that was taken
  ended = false; // the job's last event was taken
  complete = false; // and a snapshot that holds it
  #snapshotSeq = 0;
  #snapshotRev = 0;
  #revs = new Map(); // action -> rev of the newest value since the snapshot

  /** Goes to where the next subscribe is to begin: after `seq`; without an epoch that is known, after `epoch`'s. */
  goTo({ epoch, seq }) {
    this.epoch ??= epoch;
    this.seq = seq;
    this.ended = this.complete = false;
  }

  /** What a subscribe says of it; undefined asks for everything. */
  get payload() {
    return this.epoch === null ? undefined : { epoch: this.epoch, after: this.seq };
  }

  /** Takes the `subscribed` answer: where the server's stream begins, and what the snapshot knows already. */
  subscribed({ epoch, seq, recovered, snapshot }) {
    if (!recovered) this.seq = Math.max(0, snapshot.oldest - 1);
    this.epoch = epoch;
    this.#snapshotSeq = seq;
    this.#snapshotRev = snapshot.rev;
    this.#revs.clear();
    this.complete = isTerminal(snapshot.state) && this.seq >= seq;
    this.ended = this.complete;
  }

  /**
   * "next": take it; "stale": seen already; "gap": something before it is missing; "latest": the newest value, without a
   * number; "plain": not of the log at all.
   */
  accept(event) {
    if (!Number.isInteger(event.seq)) return Number.isInteger(event.rev) ? this.#acceptLatest(event) : "plain";
    if (event.seq <= this.seq) return "stale";
    if (event.seq > this.seq + 1) return "gap";
    this.seq = event.seq;
    this.ended = TERMINAL_ACTIONS.has(event.action);
    this.complete = this.ended && this.inSnapshot(event);
    return "next";
  }

  #acceptLatest({ action, rev }) {
    if (!(rev > Math.max(this.#snapshotRev, this.#revs.get(action) ?? 0))) return "stale";
    this.#revs.set(action, rev);
    return "latest";
  }

  /** Whether the last snapshot was taken after this event, so that it holds the event's effect. */
  inSnapshot(event) {
    return event.seq <= this.#snapshotSeq;
  }
}
