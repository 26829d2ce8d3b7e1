/** The list of my jobs: every job that is not over is watched, from where the page's HTML stands. */

import { TERMINAL_STATES } from "../chanx/chanx.js";
import { connect } from "./connection.js";
import { drawer, localTimes, part, setText } from "../chanx/dom.js";
import { dateTime, percent } from "../chanx/format.js";
import { label, shownState, showState } from "./states.js";

class Row {
  constructor(root) {
    this.root = root;
    this.state = root.dataset.state;
    this.cancelRequested = root.dataset.cancelRequested === "true";
    this.fraction = root.dataset.fraction ? Number(root.dataset.fraction) : undefined;
    this.ask = drawer(() => this.#draw());
    this.ask();
  }

  get position() {
    const { epoch, seq } = this.root.dataset;
    return epoch ? { epoch, seq: Number(seq) } : null;
  }

  follow(job) {
    job.on("change", () => {
      this.state = job.state;
      this.cancelRequested = job.cancelRequested;
      this.fraction = job.progress?.fraction ?? undefined;
      this.ask();
    });
  }

  #draw() {
    const state = shownState(this.state, this.cancelRequested);
    const fraction = this.state === "succeeded" ? 1 : this.fraction;
    const changed = this.root.dataset.state !== state;
    this.root.dataset.state = state;
    showState(part(this.root, "state"), state);
    part(this.root, "progress").hidden = fraction === undefined;
    part(this.root, "fill").style.width = `${(fraction ?? 0) * 100}%`;
    setText(part(this.root, "percent"), fraction === undefined ? "" : percent(fraction));
    if (changed) setText(document.querySelector("[data-announcement]"), `${this.root.dataset.title}: ${label(state)}`);
  }
}

localTimes(document, dateTime);
const rows = [...document.querySelectorAll("[data-job]")].map((root) => new Row(root));
const active = rows.filter((row) => !TERMINAL_STATES.has(row.state));
if (active.length > 0) {
  const client = connect();
  for (const row of active) row.follow(client.job(row.root.dataset.job, { position: row.position }));
}
