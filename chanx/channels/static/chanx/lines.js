/** A box of lines that stays fast: draws in batches, keeps the newest, follows the end unless the reader scrolled up. */

import { drawer, setText } from "./dom.js";
import { count } from "./format.js";

const KEPT = 2000;
const NEAR_THE_END = 24; // pixels

export class Lines {
  /**
   * @param {object} parts
   * @param {HTMLElement} parts.box the scrolling list
   * @param {HTMLElement} parts.empty shown instead of the list while there is no line
   * @param {HTMLElement} parts.total where the number of lines is written
   * @param {HTMLElement} parts.toEnd the button that brings a reader back to the end
   * @param {(item: object) => HTMLElement} parts.line makes the element of an item
   * @param {(item: object, node: HTMLElement) => void} [parts.update] writes an item that has changed into its element
   */
  constructor({ box, empty, total, toEnd, line, update }) {
    Object.assign(this, { box, empty, total, toEnd, line, update });
    this.all = 0;
    this.pending = [];
    this.nodes = new WeakMap(); // item -> element
    this.changed = new Set();
    this.follows = true;
    this.ask = drawer(() => this.#draw());
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    toEnd.addEventListener("click", () => this.#goToEnd());
  }

  add(item) {
    this.all += 1;
    this.pending.push(item);
    if (this.pending.length >= 2 * KEPT) this.pending.splice(0, this.pending.length - KEPT);
    this.ask();
  }

  /** Shows what an item that was added before has become. */
  change(item) {
    if (!this.nodes.has(item)) return; // still pending, or not among the newest any more
    this.changed.add(item);
    this.ask();
  }

  reset() {
    this.all = 0;
    this.pending = [];
    this.changed.clear();
    this.box.replaceChildren();
    this.#goToEnd();
    this.ask();
  }

  #draw() {
    for (const item of this.changed) {
      this.update(item, this.nodes.get(item));
    }
    this.changed.clear();
    const fresh = document.createDocumentFragment();
    for (const item of this.pending.splice(0).slice(-KEPT)) {
      const node = this.line(item);
      this.nodes.set(item, node);
      fresh.append(node);
    }
    this.box.append(fresh);
    const tooMany = this.box.childElementCount - KEPT;
    if (tooMany > 0) {
      const range = document.createRange();
      range.setStartBefore(this.box.firstElementChild);
      range.setEndAfter(this.box.children[tooMany - 1]);
      range.deleteContents();
    }
    const hidden = this.all - this.box.childElementCount;
    setText(this.total, hidden > 0 ? `newest ${count(KEPT)} of ${count(this.all)}` : this.all > 0 ? count(this.all) : "");
    this.box.hidden = this.all === 0;
    this.empty.hidden = this.all > 0;
    if (this.follows) this.box.scrollTop = this.box.scrollHeight;
  }

  #scrolled() {
    this.follows = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR_THE_END;
    this.toEnd.hidden = this.follows;
  }

  #goToEnd() {
    this.follows = true;
    this.toEnd.hidden = true;
    this.box.scrollTop = this.box.scrollHeight;
  }
}
