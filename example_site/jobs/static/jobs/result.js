/** How a job ended: its result, or what went wrong. */

import { element, part, setText } from "../chanx/dom.js";
import { cell } from "../chanx/format.js";

const isPlain = (value) => value === null || typeof value !== "object";
const DELIMITERS = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar" };
const words = (key) => key.replaceAll("_", " ");

function figures(result) {
  if (isPlain(result)) return result === null || result === undefined ? [] : [["result", result]];
  return Object.entries(result).filter(([, value]) => isPlain(value) && value !== null);
}

/** @param {{state: string, result?: unknown, error?: {message: string, code?: string, reference?: string}}} job */
export function showOutcome(root, { state, result, error }) {
  const failed = state === "failed";
  root.hidden = !failed && !(state === "succeeded" && figures(result).length > 0);
  root.dataset.state = state;
  if (root.hidden) return;
  setText(part(root, "outcome-title"), failed ? "The job failed" : "Result");
  setText(part(root, "outcome-message"), failed ? (error?.message ?? "Something went wrong.") : "");
  const rows = failed ? Object.entries({ code: error?.code, reference: error?.reference }).filter(([, value]) => value) : figures(result);
  part(root, "outcome-figures").replaceChildren(...rows.map(([key, value]) => figure(words(key), failed ? String(value) : (DELIMITERS[value] ?? cell(value)))));
}

function figure(name, value) {
  const group = element("div");
  group.append(element("dt", "", name), element("dd", "", value));
  return group;
}
