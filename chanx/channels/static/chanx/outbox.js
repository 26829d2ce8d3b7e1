/** What waits to be sent until it can be: in order, and no more than so many. */

import { ChanxError } from "./channel_error.js";

const MOST_WAITING = 100;

export class Outbox {
  #waiting = new Set(); // functions that send

  /** Takes something to send, as a function; returns the one that takes it back. Throws a ChanxError if it is too much. */
  add(send) {
    if (this.#waiting.size >= MOST_WAITING) {
      throw new ChanxError("too_many_waiting", `${MOST_WAITING} messages wait for the connection already.`);
    }
    const entry = { send };
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  flush() {
    for (const entry of [...this.#waiting]) {
      this.#waiting.delete(entry);
      entry.send();
    }
  }

  clear() {
    this.#waiting.clear();
  }
}
