/** The page of one job. */

import { OutputText } from "../chanx/chanx.js";
import { connect, showSignedOut } from "./connection.js";
import { COLUMN_CELLS, FILE_CELLS, rows } from "./csv_cells.js";
import { drawer, element, localTimes, part, setText } from "../chanx/dom.js";
import { count, dateTime, duration, percent, time } from "../chanx/format.js";
import { Lines } from "../chanx/lines.js";
import { Progress } from "./progress.js";
import { showOutcome } from "./result.js";
import { label, shownState, showState } from "./states.js";
import { Table } from "./table.js";
import { TaskStates } from "./task_states.js";

const root = document.querySelector("[data-job]");
const find = (name) => part(root, name);
const lines = (name, line, update) =>
  new Lines({ box: find(name), empty: find(`${name}-empty`), total: find(`${name}-total`), toEnd: find(`${name}-end`), line, update });
const table = (name, cells) =>
  new Table({ head: find(`${name}-head`), body: find(`${name}-body`), table: find(name), empty: find(`${name}-empty`), total: find(`${name}-total`) }, cells);

// The parts that this kind of job has on its page.
const has = (name) => find(name) !== null;
const progress = new Progress(find("progress"));
const log = lines("log", logLine);
const badRows = has("bad-rows") ? lines("bad-rows", badRowLine) : null;
const output = has("output") ? lines("output", outputLine, updateOutputLine) : null;
const columns = has("columns") ? table("columns", COLUMN_CELLS) : null;
const files = has("files") ? table("files", FILE_CELLS) : null;

const job = connect().job(root.dataset.job);
let cancelling = false; // asked for, but not yet taken
const outputText = new OutputText();
const tasks = new TaskStates();
let profiles = [];
const seen = { first: 0, last: 0, events: 0 };
const ask = drawer(draw);

// What the lines look like

function logLine({ at, level, text }) {
  const node = element("li", "line");
  node.dataset.level = level;
  node.append(element("time", "", time(at)), element("span", "level", level), element("span", "text", text));
  return node;
}

function badRowLine({ line, reason, text }) {
  const node = element("li", "bad-row");
  node.append(element("span", "place", `Line ${count(line)}`), element("span", "reason", reason), element("code", "text", text));
  return node;
}

function outputLine(line) {
  const node = element("li", "line");
  node.dataset.stream = line.stream;
  node.append(element("span", "text"));
  updateOutputLine(line, node);
  return node;
}

function updateOutputLine(line, node) {
  // A line without characters would have no height.
  setText(node.lastElementChild, line.text || "\u00a0");
}

/** What a life-cycle event says in the log; undefined for events that are shown elsewhere. */
function note({ action, payload, attempt }) {
  switch (action) {
    case "job_log": return [payload.level, payload.message];
    case "job_task": return taskNote(payload);
    case "job_queued": return ["state", "Queued"];
    case "job_started": return ["state", attempt > 1 ? `Started, attempt ${attempt}` : "Started"];
    case "job_retrying": return ["warning", `Trying again: ${payload.reason ?? "the attempt did not work"}`];
    case "job_interrupted": return ["warning", "A worker died; its task waits to be run again"];
    case "job_cancel_requested": return ["state", payload.reason ? `Cancel requested: ${payload.reason}` : "Cancel requested"];
    case "job_gap": return ["warning", `${count(payload.lost)} events were lost on the way`];
    case "job_succeeded": return ["state", "Finished"];
    case "job_failed": return ["error", `Failed: ${payload.error?.message ?? ""}`];
    case "job_cancelled": return ["state", "Cancelled"];
    default: return undefined;
  }
}

/** Of a job's many tasks the log names those that did not go well. */
function taskNote({ name, state }) {
  const task = name.split(".").at(-1);
  if (state === "failed") return ["warning", `A task failed: ${task}`];
  return state === "retrying" ? ["warning", `A task is tried again: ${task}`] : undefined;
}

// What arrives

job.on("reset", forget);
job.on("change", ask);
job.on("job_output", ({ payload }) => print(payload));
job.on("job_task", (event) => tasks.add(event));
job.on("bad_row", ({ payload }) => badRows?.add(payload));
job.on("file_profiled", ({ payload }) => profiles.push(payload));
job.on("refused", ({ detail }) => {
  // What was shown until now is not so by itself.
  if (job.snapshot === null) complain(detail);
  else showSignedOut(true);
});
job.on("*", (event) => {
  const text = note(event);
  if (text !== undefined) log.add({ at: event.time, level: text[0], text: text[1] });
  if (event.seq !== undefined) tally(event);
  ask();
});

function tally({ seq, action }) {
  seen.first ||= seq;
  seen.last = seq;
  seen.events += 1;
  root.dispatchEvent(new CustomEvent("job:event", { bubbles: true, detail: { seq, action } }));
}

function print(piece) {
  const { begun, continued } = outputText.add(piece);
  if (continued !== undefined) output?.change(continued);
  for (const line of begun) output?.add(line);
}

function forget() {
  Object.assign(seen, { first: 0, last: 0, events: 0 });
  for (const part of [log, badRows, output, outputText, tasks]) part?.reset();
  profiles = [];
}

// What is shown

function draw() {
  if (job.snapshot === null) return;
  const { ended } = job;
  const { result, error, column_stats: stats } = job.snapshot.fields;
  const state = shownState(job.state, cancelling || job.cancelRequested);
  if (root.dataset.state !== state) setText(find("announcement"), label(state));
  root.dataset.state = state;
  showState(find("state"), state);
  progress.show({ state: job.state, ended, progress: job.progress ?? undefined, tasks: tasks.summary(ended) });
  showOutcome(find("outcome"), { state: job.state, result, error });
  const profile = Array.isArray(result?.columns) ? result : stats;
  columns?.show(profile?.columns ?? [], rows(profile?.rows ?? 0));
  files?.show(profiles, count(profiles.length));
  find("cancel").hidden = ended || state === "refused";
  find("cancel").disabled = state === "cancelling";
  setText(find("cancel"), state === "cancelling" ? "Cancelling…" : "Cancel");
  for (const node of root.querySelectorAll("[data-while-running]")) setText(node, ended ? node.dataset.afterwards : node.dataset.whileRunning);
  Object.assign(root.dataset, { first: seen.first, seq: seen.last, events: seen.events });
  drawTimes();
  const share = job.progress?.fraction;
  document.title = `${ended || !Number.isFinite(share) ? label(state) : percent(share)} · ${root.dataset.title}`;
}

function drawTimes() {
  const { attempt, fields } = job.snapshot;
  const { started_at: startedAt, ended_at: endedAt } = fields;
  const end = endedAt ? new Date(endedAt) : new Date();
  const took = startedAt ? duration((end - new Date(startedAt)) / 1000) : "";
  setText(find("took"), took);
  setText(find("attempt"), attempt > 1 ? `attempt ${attempt}` : "");
}

function complain(text) {
  find("complaint").hidden = false;
  setText(find("complaint"), text);
}

localTimes(root, dateTime);
setInterval(() => {
  if (job.snapshot !== null && !job.ended) drawTimes();
}, 1000);

find("cancel").addEventListener("click", async () => {
  find("complaint").hidden = true;
  cancelling = true;
  ask();
  try {
    await job.cancel();
  } catch (error) {
    cancelling = false;
    complain(`The job was not cancelled. ${error.message}`);
    ask();
  }
});
