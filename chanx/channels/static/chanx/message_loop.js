/** Messages for a `for await`, from its beginning on. So many wait for it at most: a loop that is slower ends with an error. */

import { ChanxError } from "./channel_error.js";

export const MOST_WAITING = 1000;

export class MessageLoop {
  #leave;
  #waiting = [];
  #wanted = []; // {resolve, reject} of calls of next() that nothing was there for
  #over = false;
  #error = null;

  /** `leave(loop)` is called when the loop wants no more. */
  constructor(leave) {
    this.#leave = leave;
  }

  push(message) {
    const wanted = this.#wanted.shift();
    if (wanted !== undefined) wanted.resolve({ done: false, value: message });
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(message);
    else this.end(new ChanxError("too_slow", `The loop has not taken ${MOST_WAITING} messages: do less in it, or use on(…).`));
  }

  /** Nothing more comes; what waits is handed out first. */
  end(error) {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#leave(this);
    for (const { resolve, reject } of this.#wanted.splice(0)) this.#last().then(resolve, reject);
  }

  next() {
    if (this.#waiting.length > 0) return Promise.resolve({ done: false, value: this.#waiting.shift() });
    if (this.#over) return this.#last();
    return new Promise((resolve, reject) => this.#wanted.push({ resolve, reject }));
  }

  return(value) {
    this.#waiting = [];
    this.end(null);
    this.#error = null;
    return Promise.resolve({ done: true, value });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** The end, told once with its reason. */
  #last() {
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }
}
