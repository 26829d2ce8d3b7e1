/**
 * Every event of a job, one after the other, for a loop: `for await (const event of job.events())`.
 *
 * The server sends 500 events beyond the last one that the loop has taken, so no more than that wait here.
 */

import { JobReader } from "./job_reader.js";

export class EventReader extends JobReader {
  #channel;
  #waiting = [];
  #wanted = []; // {resolve, reject} of calls of next() that nothing was there for
  #over = false;
  #error = null;

  constructor(channel, position) {
    super(position);
    this.#channel = channel;
  }

  /** Up to where the loop has taken the events. */
  get taken() {
    const first = this.#waiting.find(({ seq }) => seq !== null);
    return first === undefined ? this.seq : first.seq - 1;
  }

  get position() {
    return this.epoch === null ? null : { epoch: this.epoch, seq: this.taken };
  }

  reset() {
    this.#waiting = [];
    this.#hand({ action: "reset", seq: null, payload: null });
  }

  event(event) {
    this.#hand(event);
    if (this.ended) this.end(null);
  }

  end(error) {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    if (this.#waiting.length > 0) return;
    for (const { resolve } of this.#wanted.splice(1)) resolve({ done: true, value: undefined });
    const first = this.#wanted.shift();
    if (first !== undefined) this.#last().then(first.resolve, first.reject);
  }

  next() {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve(this.#take(event));
    if (this.#over) return this.#last();
    return new Promise((resolve, reject) => this.#wanted.push({ resolve, reject }));
  }

  return(value) {
    this.#channel.leave(this);
    this.#waiting = [];
    this.#error = null;
    this.end(null);
    return Promise.resolve({ done: true, value });
  }

  close() {
    void this.return();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  #hand(event) {
    const wanted = this.#wanted.shift();
    if (wanted === undefined) this.#waiting.push(event);
    else wanted.resolve(this.#take(event));
  }

  #take(event) {
    this.#channel.taken();
    return { done: false, value: event };
  }

  /** The end, told once with its reason. */
  #last() {
    this.#channel.leave(this);
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }
}
