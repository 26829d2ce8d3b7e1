/** Somebody's jobs as a page sees them. Made by `JobClient.jobs`. */

import { JobRefusedError } from "./errors.js";
import { Listeners } from "./listeners.js";

export class JobList {
  #channel;
  #listeners = new Listeners();
  #closed = false;

  constructor(channel) {
    this.#channel = channel;
    channel.join(this);
  }

  /** Snapshots, newest first; empty until the server has answered. */
  get jobs() {
    return this.#channel.jobs;
  }

  /** Whether there are older jobs than these. */
  get hasMore() {
    return this.#channel.hasMore;
  }

  /** Asks for the next older jobs; a change tells that they are there. */
  more() {
    this.#channel.more();
  }

  /** "change": (jobs, list) whenever a job came, changed or went; "refused": ({reason, detail}, list). */
  on(name, listener) {
    return this.#listeners.add(name, listener);
  }

  /** The list whenever it has changed; for a slow loop only the newest. */
  async *[Symbol.asyncIterator]() {
    const news = new News(this.#channel.known);
    const unsubscribes = ["change", "refused", "closed"].map((name) => this.on(name, () => news.tell()));
    try {
      for (;;) {
        await news.wait();
        if (this.#closed) return;
        if (this.#channel.refusal !== null) throw new JobRefusedError(null, this.#channel.refusal);
        yield this.jobs;
      }
    } finally {
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.leave(this);
    this.#listeners.tell("closed");
    this.#listeners.clear();
  }

  // What the channel tells

  changed() {
    this.#listeners.tell("change", this.jobs, this);
  }

  refused(reason) {
    this.#listeners.tell("refused", reason, this);
  }
}

/** Whether there is something new, for one who waits. */
class News {
  #isNew;
  #wake = () => {};

  constructor(isNew) {
    this.#isNew = isNew;
  }

  tell() {
    this.#isNew = true;
    this.#wake();
  }

  async wait() {
    if (!this.#isNew) await new Promise((resolve) => (this.#wake = resolve));
    this.#isNew = false;
  }
}
