/** A job as a page sees it. Made by `JobClient.job`. */

import { JobCancelledError, JobClosedError, JobFailedError, JobRefusedError } from "./errors.js";
import { EventReader } from "./event_reader.js";
import { JobReader } from "./job_reader.js";
import { isTerminal } from "./job_states.js";
import { Listeners } from "./listeners.js";

// What happens to the job on this page. An event of the same name is only told as "*".
const OWN_NAMES = new Set(["snapshot", "state", "reset", "refused", "change", "end", "*"]);

class ListenerReader extends JobReader {
  constructor(position, tell) {
    super(position);
    this.tell = tell;
  }

  reset() {
    this.tell.reset();
  }

  event(event, how) {
    this.tell.event(event, how);
  }

  latest(event) {
    this.tell.event(event, { replayed: false });
  }

  snapshot(snapshot) {
    this.tell.snapshot(snapshot);
  }

  changed() {
    this.tell.changed();
  }

  end(error) {
    this.tell.end(error);
  }

  close() {
    this.tell.close();
  }
}

export class Job {
  #channel;
  #reader;
  #start; // the position that the page gave
  #listeners = new Listeners();
  #loops = new Set();
  #results = []; // {resolve, reject}
  #told = "connecting"; // the last state that was told
  #isOver = false;
  #closed = false;

  constructor(channel, { position = null, token = null }) {
    this.#channel = channel;
    this.#start = position;
    this.#reader = new ListenerReader(position, {
      reset: () => {
        this.#isOver = false;
        this.#listeners.tell("reset", this);
      },
      event: (event, how) => this.#event(event, how),
      snapshot: (snapshot) => this.#listeners.tell("snapshot", snapshot, this),
      changed: () => this.#changed(),
      end: (error) => this.#end(error),
      close: () => this.close(),
    });
    channel.join(this.#reader, token);
  }

  get id() {
    return this.#channel.jobId;
  }

  get topic() {
    return this.#channel.topic;
  }

  /** "connecting" until something is known; "refused": no such job, or not yours. */
  get state() {
    return this.#channel.fold.state;
  }

  /** Whether it succeeded, failed or was cancelled. */
  get ended() {
    return isTerminal(this.state);
  }

  /** The job as it stands: owner, name, meta, state, fields, …; null before the first answer. */
  get snapshot() {
    return this.#channel.fold.snapshot;
  }

  /** The payload of the newest `job_progress`, or null. */
  get progress() {
    return this.#channel.fold.progress;
  }

  get cancelRequested() {
    return this.#channel.fold.cancelRequested;
  }

  /** Up to where the listeners were told the events: keep it, and pass it to `client.job` to go on from there. */
  get position() {
    return this.#reader.position;
  }

  /** Calls `listener` whenever that happens; returns the function that ends it. */
  on(name, listener) {
    return this.#listeners.add(name, listener);
  }

  /** Every event of the log in order, from the start or the position given: for `for await`. */
  events() {
    const loop = new EventReader(this.#channel, this.#start);
    if (this.#closed) {
      loop.close();
    } else {
      this.#loops.add(loop);
      this.#channel.join(loop);
    }
    return loop;
  }

  /** Resolves with what the task returned (undefined where it was too large to keep); rejects with a JobError. */
  result() {
    return new Promise((resolve, reject) => {
      this.#results.push({ resolve, reject });
      this.#settle();
    });
  }

  /** Asks the job to stop; resolves with its state once the server has taken the request. */
  cancel(reason = "") {
    return this.#closed ? Promise.reject(new JobClosedError(this.id)) : this.#channel.cancel(reason);
  }

  /** Ends the watching: nothing is told any more, and loops end. The job itself goes on. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#listeners.clear();
    for (const loop of this.#loops) loop.close();
    this.#channel.leave(this.#reader);
    this.#settle();
  }

  #event(event, how) {
    if (!OWN_NAMES.has(event.action)) this.#listeners.tell(event.action, event, how);
    this.#listeners.tell("*", event, how);
  }

  #changed() {
    if (this.#told !== this.state) {
      this.#told = this.state;
      this.#listeners.tell("state", this.state, this);
    }
    this.#listeners.tell("change", this);
    this.#settle();
  }

  #end(error) {
    if (error !== null) {
      this.#listeners.tell("refused", { reason: error.reason, detail: error.message }, this);
    } else if (!this.#isOver) {
      this.#isOver = true; // a loop that comes later reads the log once more
      this.#listeners.tell("end", this);
    }
  }

  #settle() {
    const outcome = this.#results.length > 0 ? this.#outcome() : null;
    if (outcome === null) return;
    for (const { resolve, reject } of this.#results.splice(0)) {
      if (outcome.error) reject(outcome.error);
      else resolve(outcome.result);
    }
  }

  #outcome() {
    const { state, fields, cancelReason } = this.#channel.fold;
    switch (state) {
      case "succeeded": return { result: fields.result_omitted ? undefined : fields.result };
      case "failed": return { error: new JobFailedError(this.id, fields.error) };
      case "cancelled": return { error: new JobCancelledError(this.id, cancelReason) };
      case "refused": return { error: new JobRefusedError(this.id, this.#channel.refusal) };
      default: return this.#closed ? { error: new JobClosedError(this.id) } : null;
    }
  }
}
