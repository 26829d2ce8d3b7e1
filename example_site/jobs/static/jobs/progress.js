/** The progress bar with its figures. */

import { part, setText } from "../chanx/dom.js";
import { amountOf, duration, percent, whereabouts } from "../chanx/format.js";

export class Progress {
  constructor(root) {
    this.root = root;
    this.bar = part(root, "bar");
    this.fill = part(root, "fill");
    this.said = "Working";
  }

  /** @param {{state: string, ended: boolean, progress?: object, tasks?: string}} job */
  show({ state, ended, progress = {}, tasks = "" }) {
    const { current, total, unit, rate, eta, message, step } = progress;
    const amount = amountOf(unit);
    const fraction = state === "succeeded" ? 1 : progress.fraction;
    this.#showBar(fraction, ended);
    this.root.dataset.state = state;
    this.root.hidden = ended && !Number.isFinite(fraction);
    part(this.root, "percent").hidden = !Number.isFinite(fraction);
    setText(part(this.root, "percent"), Number.isFinite(fraction) ? percent(fraction) : "");
    setText(part(this.root, "message"), this.#sentence(state, whereabouts({ step, message })));
    const shown = [
      this.#figure("done", Number.isFinite(current) ? amount.of(current, total) : ""),
      this.#figure("tasks", tasks),
      this.#figure("rate", Number.isFinite(rate) && rate > 0 ? amount.speed(rate) : ""),
      this.#figure("eta", !ended && Number.isFinite(eta) ? duration(eta) : ""),
    ];
    part(this.root, "figures").hidden = !shown.some(Boolean);
  }

  /** A figure is only there while it says something. */
  #figure(name, text) {
    const node = part(this.root, name);
    node.parentElement.hidden = text === "";
    setText(node, text);
    return text !== "";
  }

  #showBar(fraction, ended) {
    const known = Number.isFinite(fraction);
    const width = known ? Math.min(Math.max(fraction, 0), 1) * 100 : 0;
    this.bar.classList.toggle("is-unknown", !known && !ended);
    this.fill.style.width = `${width}%`;
    if (known) this.bar.setAttribute("aria-valuenow", String(Math.floor(width)));
    else this.bar.removeAttribute("aria-valuenow");
  }

  #sentence(state, text) {
    if (state === "queued") return "Waiting for a worker";
    if (state === "succeeded") return "All done";
    if (state === "failed") return "Stopped by an error";
    if (state === "cancelled") return "Stopped on request";
    if (state === "retrying") return "Waiting to try again";
    // Of many tasks, some say nothing.
    this.said = text || this.said;
    return this.said;
  }
}
