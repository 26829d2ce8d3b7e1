/** The log of frames as a list that follows its end, drawn once for each picture the browser paints. */

import { button, element } from "./dom.js";
import { FrameLog, isFound, MAX_ENTRIES } from "./frame_log.js";
import { isObject } from "./validate.js";

const PREVIEW = 160;
const ARROWS = { sent: "↑", received: "↓", note: "•" };

export class LogView {
  #log = new FrameLog();
  #list = element("ol", { class: "log", tabindex: "0", "aria-label": "Frames" });
  #count = element("span", { class: "muted log-count" });
  #words = "";
  #waiting = [];
  element;

  constructor() {
    const filter = element("input", { type: "search", autocomplete: "off", placeholder: "Filter", "aria-label": "Filter frames by name, topic or text", on: { input: ({ target }) => this.#filter(target.value) } });
    const clear = button("Clear", () => this.#clear(), { class: "small" });
    this.element = element("section", { class: "console-part log-part" }, element("div", { class: "part-head" }, element("h3", {}, "Frames"), this.#count, filter, clear), this.#list);
    this.#filter("");
  }

  addFrame(direction, text, read) {
    return this.#draw(this.#log.addFrame(direction, text, read, new Date()));
  }

  addNote(text) {
    return this.#draw(this.#log.addNote(text, new Date()));
  }

  #clear() {
    this.#log.clear();
    this.#filter(this.#words);
  }

  #filter(words) {
    this.#words = words.trim();
    this.#waiting = [];
    this.#list.replaceChildren(...this.#log.entries.filter((entry) => isFound(entry, this.#words)).map(item));
    this.#told();
  }

  #draw(entry) {
    if (this.#waiting.push(entry) === 1) requestAnimationFrame(() => this.#flush());
    if (this.#waiting.length > 2 * MAX_ENTRIES) this.#waiting.splice(0, MAX_ENTRIES); // nothing is painted in the background
    return entry;
  }

  #flush() {
    const list = this.#list;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(...this.#waiting.splice(0).filter((entry) => isFound(entry, this.#words)).slice(-MAX_ENTRIES).map(item));
    while (list.childElementCount > MAX_ENTRIES) list.firstElementChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    this.#told();
  }

  #told() {
    const { length } = this.#log.entries;
    this.#count.textContent = length === MAX_ENTRIES ? `the newest ${MAX_ENTRIES}` : `${length}`;
    this.#list.dataset.empty = length === 0 ? "Nothing yet. Connect, then send a message." : "No frame has these words.";
  }
}

function item(entry) {
  const { direction, time, text, number } = entry;
  const clock = element("time", { datetime: time.toISOString() }, time.toTimeString().slice(0, 8));
  if (direction === "note") return element("li", { class: "entry is-note", value: String(number) }, element("span", { class: "entry-head" }, ARROWS.note, clock, element("span", {}, text)));
  return element("li", { class: `entry is-${direction}`, "data-kind": entry.kind, "data-name": entry.name }, details(entry, clock));
}

/** The whole frame is drawn once somebody opens it: 500 large ones would be too much. */
function details(entry, clock) {
  const made = element("details", { on: { toggle: () => made.open && made.lastElementChild.tagName !== "PRE" && made.append(pretty(entry)) } }, summary(entry, clock), ...problemsOf(entry));
  return made;
}

function summary({ direction, kind, name, schemaName, topic, number, answers, isAutomatic, problems, frame, text }, clock) {
  const link = schemaName ? element("a", { href: `#schema-${encodeURIComponent(schemaName)}` }, name) : element("span", {}, name);
  const way = direction === "sent" ? "Sent" : "Received";
  const arrow = element("span", { class: `arrow is-${direction}`, role: "img", "aria-label": way, title: way }, ARROWS[direction]);
  const marks = [
    kind === "unknown" ? element("span", { class: "mark is-bad" }, "unknown") : null,
    kind === "system" ? element("span", { class: "mark" }, "system") : null,
    problems.length > 0 ? element("span", { class: "mark is-bad" }, "not as its schema") : null,
    isAutomatic ? element("span", { class: "mark" }, "by the console") : null,
    answers ? element("span", { class: "mark is-good" }, `answers #${answers}`) : null,
  ];
  return element("summary", {}, element("span", { class: "entry-head" }, arrow, element("span", { class: "number" }, `#${number}`), clock, element("strong", {}, link), topic === null ? null : element("span", { class: "entry-topic" }, topic), ...marks), glance(frame, text));
}

/** The beginning of what a frame carries, on one line. */
function glance(frame, text) {
  const payload = isObject(frame) ? JSON.stringify(frame.payload ?? null) : text;
  return isObject(frame) && payload === "null" ? null : element("span", { class: "glance" }, payload.slice(0, PREVIEW));
}

function problemsOf({ problems }) {
  return problems.slice(0, 5).map(({ path, text }) => element("p", { class: "problem" }, `${path || "the frame"} ${text}`));
}

function pretty({ frame, text }) {
  return element("pre", { class: "code" }, frame === undefined ? text : JSON.stringify(frame, null, 2));
}
