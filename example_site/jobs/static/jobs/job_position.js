/**
 * Where a page stands in one job's log: decides what each frame of the job is to this page. No I/O.
 *
 * The log numbers its events 1, 2, 3, … within an epoch. The epoch changes when the log may have been rewound;
 * the server then says `recovered: false`, and the page forgets what it has and takes the log from its start.
 */

export const TERMINAL_STATES = new Set(["succeeded", "failed", "cancelled"]);
const TERMINAL_ACTIONS = new Set(["job_succeeded", "job_failed", "job_cancelled"]);

export class JobPosition {
  /** @param {{epoch: string, seq: number, rev: number}} [known] what the page has already, e.g. from its HTML */
  constructor(known) {
    this.epoch = known?.epoch ?? null;
    this.seq = known?.seq ?? 0;
    this.rev = known?.rev ?? 0; // up to here the snapshot has every newest value
    this.revs = new Map(); // action -> rev of the newest value since
    this.ended = false; // the job's last event was seen
    this.complete = false; // and a snapshot that holds it
    this.snapshotSeq = 0;
    this.afterReset = true;
  }

  /** The payload of the next subscribe; undefined asks for everything. */
  subscribePayload() {
    return this.epoch === null ? undefined : { epoch: this.epoch, after: this.seq };
  }

  /** Takes the `subscribed` answer. Returns true when the page has to forget what it shows. */
  subscribed({ epoch, seq, recovered, snapshot }) {
    const first = this.epoch === null;
    if (!recovered) {
      this.seq = Math.max(0, (snapshot.oldest ?? 1) - 1);
      this.rev = 0;
      this.revs.clear();
    }
    this.afterReset = !recovered;
    this.epoch = epoch;
    this.rev = Math.max(this.rev, snapshot.rev ?? 0);
    this.snapshotSeq = seq;
    this.complete = TERMINAL_STATES.has(snapshot.state) && this.seq >= seq;
    return first || !recovered;
  }

  /**
   * What an event is to this page:
   * "next" – show it; "stale" – seen already; "gap" – something before it is missing; "latest" – newest value, no number.
   */
  accept(event) {
    if (event.seq === undefined || event.seq === null) {
      if (!(event.rev > Math.max(this.rev, this.revs.get(event.action) ?? 0))) return "stale";
      this.revs.set(event.action, event.rev);
      return "latest";
    }
    if (event.seq <= this.seq) return "stale";
    // The start of a log may be trimmed while it is read, so the first event after a reset may have any number.
    if (event.seq > this.seq + 1 && !this.afterReset) return "gap";
    this.afterReset = false;
    this.seq = event.seq;
    if (TERMINAL_ACTIONS.has(event.action)) this.ended = true;
    this.complete = this.ended && this.inSnapshot(event);
    return "next";
  }

  /** Whether the last snapshot was taken after this event, so that it holds the event's effect on the state. */
  inSnapshot(event) {
    return event.seq <= this.snapshotSeq;
  }
}
