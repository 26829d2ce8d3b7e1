/** Functions to call, by the name of what happened. One that throws is reported, and disturbs nobody. */

export function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error(error);
}

export class Listeners {
  #all = new Map(); // name -> Set of {call}

  /** Returns the function that takes the listener away again. */
  add(name, call) {
    if (typeof call !== "function") throw new TypeError(`on("${name}", …): pass a function, not ${typeof call}`);
    const listener = { call };
    if (!this.#all.has(name)) this.#all.set(name, new Set());
    this.#all.get(name).add(listener);
    return () => void this.#all.get(name)?.delete(listener);
  }

  tell(name, ...values) {
    for (const { call } of [...(this.#all.get(name) ?? [])]) {
      try {
        call(...values);
      } catch (error) {
        report(error);
      }
    }
  }

  clear() {
    this.#all.clear();
  }
}
