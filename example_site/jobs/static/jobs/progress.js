/** The progress bar with its figures. */

import { part, setText } from "./dom.js";
import { count, duration, percent, rate, size } from "./format.js";

const NOTHING = "–";

export class Progress {
  constructor(root) {
    this.root = root;
    this.bar = part(root, "bar");
    this.fill = part(root, "fill");
  }

  /** @param {{state: string, ended: boolean, progress?: object}} job */
  show({ state, ended, progress = {} }) {
    const { current, total, unit, rate: perSecond, eta, message } = progress;
    const amount = unit === "bytes" ? size : count;
    const speed = unit === "bytes" ? (bytes) => `${size(bytes)}/s` : rate;
    const fraction = state === "succeeded" ? 1 : progress.fraction;
    this.#showBar(fraction, ended);
    this.root.dataset.state = state;
    this.root.hidden = ended && !Number.isFinite(fraction);
    part(this.root, "percent").hidden = !Number.isFinite(fraction);
    setText(part(this.root, "percent"), Number.isFinite(fraction) ? percent(fraction) : "");
    part(this.root, "figures").hidden = !Number.isFinite(current);
    setText(part(this.root, "message"), this.#sentence(state, message));
    const ofTotal = Number.isFinite(total) ? ` of ${amount(total)}` : "";
    setText(part(this.root, "done"), Number.isFinite(current) ? amount(current) + ofTotal : NOTHING);
    setText(part(this.root, "rate"), Number.isFinite(perSecond) && perSecond > 0 ? speed(perSecond) : NOTHING);
    setText(part(this.root, "eta"), !ended && Number.isFinite(eta) ? duration(eta) : NOTHING);
  }

  #showBar(fraction, ended) {
    const known = Number.isFinite(fraction);
    const width = known ? Math.min(Math.max(fraction, 0), 1) * 100 : 0;
    this.bar.classList.toggle("is-unknown", !known && !ended);
    this.fill.style.width = `${width}%`;
    if (known) this.bar.setAttribute("aria-valuenow", String(Math.floor(width)));
    else this.bar.removeAttribute("aria-valuenow");
  }

  #sentence(state, message) {
    if (state === "queued") return "Waiting for a worker";
    if (state === "succeeded") return "All done";
    if (state === "failed") return "Stopped by an error";
    if (state === "cancelled") return "Stopped on request";
    if (state === "retrying") return "Waiting to try again";
    return message || "Working";
  }
}
