/** The list of my jobs: every job that is not over is watched, from where the page's HTML stands. */

import { connect } from "./connection.js";
import { drawer, localTimes, part, setText } from "./dom.js";
import { dateTime, percent } from "./format.js";
import { TERMINAL_STATES } from "./job_position.js";
import { label, showState, stateAfter } from "./states.js";

class Row {
  constructor(root) {
    this.root = root;
    this.state = root.dataset.state;
    this.cancelRequested = root.dataset.cancelRequested === "true";
    this.fraction = root.dataset.fraction ? Number(root.dataset.fraction) : undefined;
    this.ask = drawer(() => this.#draw());
    this.ask();
  }

  get known() {
    const { epoch, seq, rev } = this.root.dataset;
    return epoch ? { epoch, seq: Number(seq), rev: Number(rev) } : undefined;
  }

  snapshot(snapshot) {
    this.state = snapshot.state;
    this.cancelRequested = snapshot.cancel_requested;
    this.fraction = snapshot.fields.job_progress?.fraction ?? undefined;
    this.ask();
  }

  event(event, { replayed }) {
    if (replayed) return;
    this.state = stateAfter(event) ?? this.state;
    if (event.action === "job_cancel_requested") this.cancelRequested = true;
    this.ask();
  }

  latest({ action, payload }) {
    if (action === "job_progress") this.fraction = payload.fraction ?? undefined;
    this.ask();
  }

  #draw() {
    const over = TERMINAL_STATES.has(this.state);
    const state = this.cancelRequested && !over ? "cancelling" : this.state;
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
  const streams = connect();
  for (const row of active) streams.watch(row.root.dataset.job, row, row.known);
}
