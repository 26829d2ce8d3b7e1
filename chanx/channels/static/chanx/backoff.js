/** How long to wait before the next attempt: longer each time, and short again after it went well for a while. */

const FIRST_DELAY = 500; // milliseconds, like all of these
const LONGEST_DELAY = 15_000;
const STABLE_AFTER = 5_000;

export class Backoff {
  #clock;
  #random;
  #attempts = 0;
  #since = null;

  constructor({ clock, random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** It works now. */
  worked() {
    this.#since ??= this.#clock.now();
  }

  /** It failed: the milliseconds to wait. */
  next() {
    if (this.#since !== null && this.#clock.now() - this.#since >= STABLE_AFTER) this.#attempts = 0;
    this.#since = null;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++);
    // Half of it by chance, so that the pages of a restarted server do not all come back in the same moment.
    return longest / 2 + (this.#random() * longest) / 2;
  }
}
