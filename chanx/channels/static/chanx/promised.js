/** Something that many may wait for: settled anew whenever it changes, and pending until then. */

export class Promised {
  #waiting = []; // {resolve, reject}
  #settled = null; // a function that makes the promise

  get() {
    if (this.#settled !== null) return this.#settled();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  resolve(value) {
    this.#settle(() => Promise.resolve(value));
  }

  reject(error) {
    this.#settle(() => Promise.reject(error));
  }

  /** Who asks from now on waits. */
  reset() {
    this.#settled = null;
  }

  #settle(make) {
    this.#settled = make;
    for (const { resolve, reject } of this.#waiting.splice(0)) make().then(resolve, reject);
  }
}
