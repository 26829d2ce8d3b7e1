/** The list of my jobs: as the page's HTML has it at first, then as they come, change and go. */

import { drawer, localTimes, part, setText } from "../chanx/dom.js";
import { dateTime, percent } from "../chanx/format.js";
import { connect, showSignedOut } from "./connection.js";
import { label, shownState, showState } from "./states.js";

const KINDS = { csv: "CSV profile", files: "CSV files", command: "Command" };

const root = document.querySelector("[data-jobs]");
const template = document.querySelector("[data-row]");
const older = document.querySelector("[data-older]");
const nothing = document.querySelector("[data-no-jobs]");
const announcement = document.querySelector("[data-announcement]");

class Row {
  constructor(node) {
    this.node = node;
    const { state, cancelRequested, fraction } = node.dataset;
    this.draw({ state, cancelRequested: cancelRequested === "true", fraction: fraction ? Number(fraction) : null });
  }

  /** A row for a job that came since. */
  static of({ job_id: jobId, name, meta, created_at: createdAt, state }) {
    const node = template.content.firstElementChild.cloneNode(true);
    const title = meta.title || name;
    Object.assign(node.dataset, { job: jobId, title, state });
    const link = part(node, "title");
    link.href = link.getAttribute("href").replace("JOB-ID", encodeURIComponent(jobId));
    setText(link, title);
    setText(part(node, "kind"), KINDS[meta.kind] ?? KINDS.command);
    part(node, "created").dateTime = createdAt;
    setText(part(node, "created"), dateTime(createdAt));
    return new Row(node);
  }

  show({ state, cancel_requested: cancelRequested, fields }) {
    const before = this.node.dataset.state;
    this.draw({ state, cancelRequested, fraction: fields.job_progress?.fraction ?? null });
    if (this.node.dataset.state !== before) setText(announcement, `${this.node.dataset.title}: ${label(this.node.dataset.state)}`);
  }

  draw({ state, cancelRequested, fraction }) {
    const share = state === "succeeded" ? 1 : fraction;
    this.node.dataset.state = shownState(state, cancelRequested);
    showState(part(this.node, "state"), this.node.dataset.state);
    part(this.node, "progress").hidden = share === null;
    part(this.node, "fill").style.width = `${(share ?? 0) * 100}%`;
    setText(part(this.node, "percent"), share === null ? "" : percent(share));
  }
}

localTimes(root, dateTime);
const rows = new Map([...root.children].map((node) => [node.dataset.job, new Row(node)]));
const list = connect().jobs();

list.on("change", drawer(show));
list.on("refused", () => showSignedOut(true));
older.addEventListener("click", () => list.more());

function show() {
  const { jobs } = list;
  const listed = new Set(jobs.map(({ job_id: jobId }) => jobId));
  for (const [jobId, row] of rows) if (!listed.has(jobId)) remove(jobId, row);
  jobs.forEach((job, place) => {
    const row = rows.get(job.job_id) ?? add(job);
    row.show(job);
    if (root.children[place] !== row.node) root.insertBefore(row.node, root.children[place] ?? null);
  });
  root.hidden = jobs.length === 0;
  nothing.hidden = jobs.length > 0;
  older.hidden = !list.hasMore;
}

function add(job) {
  const row = Row.of(job);
  rows.set(job.job_id, row);
  return row;
}

function remove(jobId, row) {
  row.node.remove();
  rows.delete(jobId);
}
