/**
 * `<chanx-job>` shows a job without any code on the page: its state, a bar, its log, and a button that cancels it.
 *
 *   <script type="module" src="/static/chanx/chanx-job.js"></script>
 *   <chanx-job src="/ws/jobs/" job="{{ job.job_id }}"></chanx-job>
 *
 * Attributes: `src` of the consumer, `job` (its id), `token` (signed, where the viewer is not the owner), `label` (instead
 * of the job's own title), `no-cancel`. Elements with the same `src` share one WebSocket. Without a `job` nothing is shown.
 * Events: `chanx-state` ({state}) and `chanx-end` ({state, result, error}).
 * Looks: custom properties (`--chanx-accent`, …: job_element_style.js) and parts (`chanx-job::part(bar)`).
 */

import { drawer } from "./dom.js";
import { count } from "./format.js";
import { texts } from "./job_element_texts.js";
import { JobElementView } from "./job_element_view.js";
import { jobElementStyle } from "./job_element_style.js";
import { OutputText } from "./output_text.js";
import { shareClient } from "./shared_clients.js";

export class ChanxJob extends HTMLElement {
  static texts = texts;
  static observedAttributes = ["src", "job", "token", "label", "no-cancel"];

  #view = null;
  #job = null;
  #leave = () => {};
  #watched = ""; // what the job was opened with
  #output = new OutputText();
  #isEmpty = true; // nothing of the log was shown yet
  #cancelling = false;
  #draw = drawer(() => this.#show());
  #isDue = false;

  /** The Job that is shown, or null: for what the page wants to do with it beside. */
  get watched() {
    return this.#job;
  }

  connectedCallback() {
    this.#makeView();
    this.#updateSoon();
  }

  disconnectedCallback() {
    this.#updateSoon();
  }

  attributeChangedCallback() {
    this.#updateSoon();
  }

  /** Several changes at once, or an element that is moved, are one. */
  #updateSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#update();
    });
  }

  #update() {
    const [src, job, token] = ["src", "job", "token"].map((name) => this.getAttribute(name) ?? "");
    const wanted = this.isConnected && src && job ? JSON.stringify([src, job, token]) : "";
    if (wanted !== this.#watched) {
      this.#close();
      this.#watched = wanted;
      if (wanted) this.#open(src, job, token);
    }
    if (this.#view === null) return;
    this.#view.base.hidden = wanted === "";
    this.#draw();
  }

  #open(src, jobId, token) {
    const { client, leave } = shareClient(new URL(src, document.baseURI).href, (status) => this.#view.showConnection(status));
    this.#leave = leave;
    this.#job = client.job(jobId, { token: token || null });
    this.#follow(this.#job);
  }

  #close() {
    this.#job?.close();
    this.#job = null;
    this.#leave();
    this.#leave = () => {};
    this.#cancelling = false;
    this.#forget();
    this.#view?.complain("");
    this.#view?.showConnection({ state: "idle" });
  }

  #follow(job) {
    const { notes } = texts;
    const note = (level, text, { time }) => this.#view.add({ level, text, at: time });
    job.on("change", this.#draw);
    job.on("reset", () => this.#forget());
    job.on("snapshot", ({ oldest }) => {
      if (this.#isEmpty && oldest > 1) this.#view.add({ level: "warning", text: notes.trimmed });
      this.#isEmpty = false;
    });
    job.on("job_log", (event) => note(event.payload.level, event.payload.message, event));
    job.on("job_output", ({ payload }) => this.#print(payload));
    job.on("job_retrying", (event) => note("warning", notes.retrying(event.payload.reason), event));
    job.on("job_interrupted", (event) => note("warning", notes.interrupted, event));
    job.on("job_gap", (event) => note("warning", notes.gap(count(event.payload.lost)), event));
    job.on("job_task", (event) => {
      if (event.payload.state === "failed") note("warning", notes.taskFailed(event.payload.name.split(".").at(-1)), event);
    });
    job.on("refused", ({ detail }) => this.#view.complain(detail));
    job.on("state", (state) => {
      this.#send("chanx-state", { state });
      if (job.ended) this.#end(job);
    });
  }

  #end(job) {
    const { result, error } = job.snapshot.fields;
    this.#send("chanx-end", { state: job.state, result, error });
  }

  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  #print(piece) {
    const { begun, continued } = this.#output.add(piece);
    if (continued !== undefined) this.#view.change(continued);
    for (const line of begun) this.#view.add(line);
  }

  #forget() {
    this.#isEmpty = true;
    this.#output.reset();
    this.#view?.forget();
  }

  #show() {
    const job = this.#job;
    const snapshot = job?.snapshot ?? null;
    const isStopping = job !== null && !job.ended && (this.#cancelling || job.cancelRequested) && job.state !== "refused";
    this.#view.show({
      state: isStopping ? "cancelling" : (job?.state ?? "connecting"),
      title: this.getAttribute("label") ?? titleOf(snapshot),
      snapshot,
      progress: job?.progress ?? null,
      canCancel: !this.hasAttribute("no-cancel") && mayCancel(this.getAttribute("token")),
    });
  }

  #makeView() {
    if (this.#view !== null) return;
    const view = (this.#view = new JobElementView());
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [jobElementStyle()];
    root.append(view.base);
    view.cancel.addEventListener("click", () => view.ask(true));
    view.keep.addEventListener("click", () => view.ask(false));
    view.stop.addEventListener("click", () => this.#cancel());
    view.confirm.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") view.ask(false);
    });
  }

  async #cancel() {
    const job = this.#job;
    this.#view.confirm.hidden = true;
    this.#view.complain("");
    this.#cancelling = true;
    this.#draw();
    try {
      await job.cancel();
    } catch (error) {
      if (job !== this.#job) return; // another one is shown by now
      this.#cancelling = false;
      this.#view.complain(texts.notCancelled(error.message));
      this.#draw();
    }
  }
}

/** The title that the starter gave the job, or the name of its task. */
function titleOf(snapshot) {
  if (snapshot === null) return "";
  const { title } = snapshot.meta ?? {};
  return typeof title === "string" && title !== "" ? title : snapshot.name.split(".").at(-1).replaceAll("_", " ");
}

/** Whether a signed token (or none) lets its bearer cancel: the middle of its three parts says so. */
function mayCancel(token) {
  if (!token) return true;
  try {
    const { actions } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return actions.includes("cancel");
  } catch {
    return true; // the server knows
  }
}

if (!customElements.get("chanx-job")) customElements.define("chanx-job", ChanxJob);
