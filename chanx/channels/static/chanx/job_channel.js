/**
 * One job on the connection: keeps where the stream and the job stand, and hands its events to all who read it here.
 *
 *   frames ─> position (next, stale, gap?) ─> fold (state, fields) ─> readers, each from its own place on
 *
 * The stream begins where the reader that has least stands; the others have what comes again already.
 */

import { CancelRequests } from "./cancel_requests.js";
import { JobClosedError, JobRefusedError } from "./errors.js";
import { JobFold } from "./job_fold.js";
import { JobPosition } from "./job_position.js";
import { isTerminal } from "./job_states.js";

const ACK_EVERY = 100; // the server sends 500 events beyond the last acknowledged one

export class JobChannel {
  #subscriptions;
  #position = new JobPosition();
  #readers = new Set();
  #cancels;
  #acked = 0;
  #isListed = false; // among the subscriptions
  #token = null;
  #onEmpty;
  fold = new JobFold();
  refusal = null; // {reason, detail} of the server

  /** `onEmpty` is called when nobody reads the job any more. */
  constructor(jobId, subscriptions, { clock, onEmpty }) {
    this.jobId = jobId;
    this.topic = `job:${jobId}`;
    this.#subscriptions = subscriptions;
    this.#onEmpty = onEmpty;
    this.#cancels = new CancelRequests(jobId, clock, (reason, answered) => this.#askToCancel(reason, answered));
  }

  /** Begins to hand events to a reader, from its place on. */
  join(reader, token) {
    this.#readers.add(reader);
    this.#token = token ?? this.#token;
    this.#begin();
  }

  leave(reader) {
    if (!this.#readers.delete(reader)) return;
    if (this.#readers.size > 0) {
      this.taken();
      return;
    }
    this.#end();
    this.#onEmpty();
    this.#cancels.fail(new JobClosedError(this.jobId));
  }

  /** A reader has dealt with more than before: the server may send more. */
  taken() {
    const taken = Math.min(this.#leastTaken(), this.#position.seq);
    if (taken - this.#acked < ACK_EVERY) return;
    this.#acked = taken;
    this.#subscriptions.send(this, "ack", { seq: taken });
  }

  cancel(reason) {
    if (isTerminal(this.fold.state)) return Promise.resolve(this.fold.state);
    if (this.fold.state === "refused") return Promise.reject(new JobRefusedError(this.jobId, this.refusal));
    return this.#cancels.add(reason);
  }

  /** The page is done with the job. */
  close() {
    for (const reader of [...this.#readers]) reader.close();
  }

  // What the subscriptions ask and tell

  token() {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  payload(token) {
    this.#goBack();
    if (!token) return this.#position.payload;
    return { ...this.#position.payload, token };
  }

  misplaced() {
    for (const reader of this.#readers) Object.assign(reader, { epoch: null, seq: 0 });
    this.#position = new JobPosition();
  }

  /** The readers wait; the next `subscribed` goes on from where they are. */
  lost() {}

  subscribed(payload) {
    const { epoch, seq, snapshot } = payload;
    this.#position.subscribed(payload);
    this.#acked = this.#position.seq;
    this.fold.take(snapshot);
    for (const reader of [...this.#readers]) {
      reader.stand({ epoch, oldest: snapshot.oldest, seq });
      reader.snapshot(snapshot);
    }
    this.#cancels.send();
    this.#changed();
    const first = Math.min(...[...this.#readers].map((reader) => reader.seq));
    if (first < this.#position.seq) this.#subscriptions.again(this);
    else if (this.#position.complete) this.#finish();
  }

  frame(frame) {
    const meaning = this.#position.accept(frame);
    if (meaning === "next") {
      this.#next(frame);
    } else if (meaning === "gap") {
      this.#subscriptions.later(this);
    } else if (meaning === "latest") {
      this.fold.latest(frame);
      for (const reader of [...this.#readers]) reader.latest(frame);
      this.#changed();
    } else if (meaning === "plain") {
      for (const reader of [...this.#readers]) reader.latest(frame);
    }
  }

  refused(reason) {
    this.#isListed = false;
    this.refusal = reason;
    if (!isTerminal(this.fold.state)) this.fold.state = "refused";
    const error = new JobRefusedError(this.jobId, reason);
    this.#cancels.fail(error);
    this.#changed();
    for (const reader of [...this.#readers]) reader.end(reader.ended ? null : error);
  }

  // The stream

  #begin() {
    if (this.#isListed) {
      this.#subscriptions.again(this);
      return;
    }
    this.#isListed = true;
    if (this.fold.state === "refused") this.fold.state = "connecting";
    this.#subscriptions.add(this);
  }

  #end() {
    if (!this.#isListed) return;
    this.#isListed = false;
    this.#subscriptions.release(this);
  }

  #goBack() {
    const [first] = this.#readers;
    this.#position.goTo({ epoch: first?.epoch ?? null, seq: this.#leastTaken() });
  }

  #leastTaken() {
    return Math.min(...[...this.#readers].map((reader) => reader.taken));
  }

  #next(event) {
    const replayed = this.#position.inSnapshot(event);
    if (!replayed) this.fold.event(event);
    for (const reader of [...this.#readers]) reader.offer(event, replayed);
    if (!replayed) this.#changed();
    if (this.#position.complete) this.#finish();
    // The newest progress is not in the log and may have been overtaken by the end: the last snapshot has it.
    else if (this.#position.ended) this.#subscriptions.again(this);
    else this.taken();
  }

  #changed() {
    if (isTerminal(this.fold.state)) this.#cancels.ended(this.fold.state);
    for (const reader of [...this.#readers]) reader.changed();
  }

  #finish() {
    this.#end();
    for (const reader of [...this.#readers]) reader.end(null);
  }

  #askToCancel(reason, answered) {
    if (!this.#subscriptions.isOpen(this)) return false;
    this.#subscriptions.request(this, "cancel", reason ? { reason } : {}, answered);
    return true;
  }
}
