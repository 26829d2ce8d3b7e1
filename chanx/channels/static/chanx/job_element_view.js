/** The parts of `<chanx-job>`, and how they show a job. Data only ever becomes text here, never markup. */

import { setText } from "./dom.js";
import { amountOf, cell, duration, percent, time, whereabouts } from "./format.js";
import { texts } from "./job_element_texts.js";
import { Lines } from "./lines.js";

const ROLES = { section: "base", button: "button" };

/** An element with a class of the same name as its part. */
function part(tag, name, attributes = {}, ...children) {
  const node = document.createElement(tag);
  node.className = name;
  node.setAttribute("part", tag === "button" ? `${ROLES.button} ${name}-button` : name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const hidden = { hidden: "" };

export class JobElementView {
  #lines;
  #said = texts.working;

  constructor() {
    const bar = { role: "progressbar", "aria-label": texts.progress, "aria-valuemin": "0", "aria-valuemax": "100" };
    this.title = part("span", "title", { dir: "auto" });
    this.state = part("span", "state");
    this.cancel = part("button", "cancel", { type: "button", ...hidden });
    this.stop = part("button", "stop", { type: "button" }, texts.stop);
    this.keep = part("button", "keep", { type: "button" }, texts.keep);
    const question = part("span", "question", {}, texts.confirm);
    this.confirm = part("span", "confirm", { role: "group", "aria-label": texts.confirm, ...hidden }, question, this.stop, this.keep);
    this.fill = part("div", "fill");
    this.bar = part("div", "bar", bar, this.fill);
    [this.percent, this.figures, this.left] = ["percent", "figures", "left"].map((name) => part("span", name, { dir: "auto", ...hidden }));
    this.message = part("span", "message", { dir: "auto" });
    this.progress = part("div", "progress", {}, this.bar, part("p", "details", {}, this.percent, this.message, this.figures, this.left));
    this.errorText = part("span", "error-text", { dir: "auto" });
    this.reference = part("span", "reference");
    this.error = part("p", "error", { role: "alert", ...hidden }, this.errorText, this.reference);
    this.result = part("p", "result", { dir: "auto", ...hidden });
    this.connection = part("p", "connection", hidden);
    this.announcement = part("p", "announcement", { role: "status", "aria-live": "polite" });
    const header = part("div", "header", {}, this.title, this.state, this.cancel, this.confirm);
    const said = [this.error, this.result, this.connection, this.#log(), this.announcement];
    this.base = part("section", "base", { "data-state": "connecting" }, header, this.progress, ...said);
    this.cancel.classList.add("danger");
  }

  #log() {
    const total = part("span", "count");
    const box = part("ol", "log", { tabindex: "0", "aria-label": texts.log });
    const toEnd = part("button", "newest", { type: "button", ...hidden }, texts.newest);
    const summary = part("summary", "summary", {}, texts.log, total);
    this.log = part("details", "log-section", { open: "", ...hidden }, summary, part("div", "box", {}, box, toEnd));
    this.#lines = new Lines({ box, empty: document.createElement("p"), total, toEnd, line: lineNode, update: updateLine });
    return this.log;
  }

  /** A line of the log: {text, level?, stream?, at?}. */
  add(line) {
    this.log.hidden = false;
    this.#lines.add(line);
  }

  /** A line that was added has become longer. */
  change(line) {
    this.#lines.change(line);
  }

  forget() {
    this.#lines.reset();
    this.log.hidden = true;
    this.#said = texts.working;
  }

  /** @param {{state: string, title: string, snapshot: object | null, progress: object | null, canCancel: boolean}} job */
  show({ state, title, snapshot, progress, canCancel }) {
    const ended = ["succeeded", "failed", "cancelled", "refused"].includes(state);
    if (this.base.dataset.state !== state) setText(this.announcement, title ? `${title}: ${texts.states[state]}` : texts.states[state]);
    this.base.dataset.state = state;
    this.base.setAttribute("aria-busy", String(!ended));
    this.base.setAttribute("aria-label", title);
    setText(this.title, title);
    setText(this.state, texts.states[state] ?? state);
    this.#showCancel(state, canCancel && !ended && state !== "connecting");
    this.#showProgress(state, ended, progress ?? {});
    this.#showOutcome(state, snapshot);
  }

  complain(text) {
    setText(this.errorText, text);
    setText(this.reference, "");
    this.error.hidden = text === "";
  }

  /** Asks whether to cancel, or takes the question back. */
  ask(asks) {
    this.confirm.hidden = !asks;
    this.cancel.hidden = asks;
    (asks ? this.stop : this.cancel).focus();
  }

  showConnection(status) {
    const text = { waiting: texts.reconnecting, refused: texts.signedOut }[status.state] ?? "";
    // Every attempt is short: what is shown does not flicker.
    if (status.state === "connecting") return;
    setText(this.connection, text);
    this.connection.hidden = text === "";
    if (text !== "") setText(this.announcement, text);
  }

  #showCancel(state, can) {
    if (!can) this.confirm.hidden = true;
    this.cancel.hidden = !can || !this.confirm.hidden;
    this.cancel.disabled = state === "cancelling";
    setText(this.cancel, state === "cancelling" ? texts.states.cancelling : texts.cancel);
  }

  #showProgress(state, ended, { current, total, unit, rate, eta, fraction, message, step }) {
    const share = state === "succeeded" ? 1 : fraction;
    const isKnown = Number.isFinite(share);
    const amount = amountOf(unit);
    this.progress.hidden = ended && !isKnown;
    this.#showBar(isKnown ? Math.min(Math.max(share, 0), 1) : null, state);
    showText(this.percent, isKnown ? percent(share) : "");
    showText(this.message, ended ? "" : this.#sentence(state, whereabouts({ step, message })));
    const speed = !ended && Number.isFinite(rate) && rate > 0 ? amount.speed(rate) : "";
    showText(this.figures, [Number.isFinite(current) ? amount.of(current, total) : "", speed].filter(Boolean).join(" · "));
    showText(this.left, !ended && Number.isFinite(eta) ? texts.left(duration(eta)) : "");
  }

  #showBar(share, state) {
    this.bar.classList.toggle("is-unknown", share === null);
    this.fill.style.width = share === null ? "" : `${share * 100}%`;
    if (share === null) this.bar.removeAttribute("aria-valuenow");
    else this.bar.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
    this.bar.setAttribute("aria-valuetext", share === null ? (texts.states[state] ?? state) : percent(share));
  }

  #sentence(state, text) {
    if (state === "connecting") return "";
    if (state === "queued" || state === "retrying") return texts[state];
    this.#said = text || this.#said;
    return this.#said;
  }

  #showOutcome(state, snapshot) {
    const { error, result } = snapshot?.fields ?? {};
    if (state === "failed") {
      this.complain(error?.message || texts.failed);
      setText(this.reference, error?.reference ? texts.reference(error.reference) : "");
    }
    if (state === "succeeded" || state === "cancelled") this.complain("");
    const isPlain = ["string", "number", "boolean"].includes(typeof result);
    const said = state === "succeeded" && isPlain ? `${texts.result}: ${cell(result)}` : "";
    showText(this.result, state === "cancelled" && snapshot.cancel_reason ? texts.cancelled(snapshot.cancel_reason) : said);
  }
}

function showText(node, text) {
  setText(node, text);
  node.hidden = text === "";
}

function lineNode(line) {
  const node = part("li", "line");
  if (line.level) node.dataset.level = line.level;
  if (line.stream) node.dataset.stream = line.stream;
  if (line.at) {
    const at = part("time", "time", { datetime: line.at });
    at.textContent = time(line.at);
    node.append(at);
  }
  node.append(part("span", "text", { dir: "auto" }));
  updateLine(line, node);
  return node;
}

function updateLine(line, node) {
  // A line without characters would have no height.
  setText(node.lastElementChild, line.text || "\u00a0");
}
