/** Fields with one control: texts, numbers, choices, and JSON as text. `slot`: {get(), set(value)}. */

import { element } from "./dom.js";
import { fieldLine } from "./field_parts.js";

const LONG_TEXT = 80;

export function fixedField(_, about) {
  const value = about.whole.const === undefined ? "null" : JSON.stringify(about.whole.const);
  return fieldLine(about, element("output", { class: "fixed" }, value));
}

export function choiceField(slot, about) {
  const values = about.whole.enum;
  const chosen = values.findIndex((value) => JSON.stringify(value) === JSON.stringify(slot.get()));
  const options = values.map((value, index) => element("option", { value: String(index), selected: index === chosen }, typeof value === "string" ? value : JSON.stringify(value)));
  if (chosen === -1) options.unshift(element("option", { value: "-1", selected: true, disabled: true }, "Choose…"));
  return fieldLine(about, element("select", { on: { change: ({ target }) => slot.set(values[Number(target.value)]) } }, ...options));
}

export function textField(slot, about) {
  const { maxLength = Infinity, format } = about.whole;
  const isLine = format !== undefined || maxLength <= LONG_TEXT;
  const on = { input: ({ target }) => slot.set(target.value) };
  const control = isLine ? element("input", { type: "text", autocomplete: "off", placeholder: placeholder(format), on }) : element("textarea", { rows: "1", on });
  control.value = typeof slot.get() === "string" ? slot.get() : "";
  return fieldLine(about, control);
}

function placeholder(format) {
  return { "date-time": "2026-01-31T09:30:00Z", date: "2026-01-31", time: "09:30:00Z", duration: "PT1H30M", uuid: "00000000-0000-0000-0000-000000000000", email: "name@example.com", uri: "https://" }[format] ?? null;
}

export function numberField(slot, about) {
  const control = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", on: { input: ({ target }) => slot.set(numberIn(target.value)) } });
  control.value = slot.get() === undefined || slot.get() === null ? "" : String(slot.get());
  return fieldLine(about, control);
}

/** The number that a text says, or the text itself, which the schema then complains about. */
function numberIn(text) {
  return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

export function checkField(slot, about) {
  const control = element("input", { type: "checkbox", checked: slot.get() === true, on: { change: ({ target }) => slot.set(target.checked) } });
  const field = fieldLine(about, control);
  field.classList.add("is-check");
  return field;
}

/** Any JSON. What cannot be read is kept in the field and marked, and the value stays as it was. */
export function jsonField(slot, about) {
  const own = element("p", { class: "problem", "data-own": true, hidden: true });
  const control = element("textarea", { rows: "2", class: "json", spellcheck: "false" });
  control.value = slot.get() === undefined ? "null" : JSON.stringify(slot.get(), null, 2);
  control.addEventListener("input", () => {
    let problem = null;
    try {
      slot.set(JSON.parse(control.value));
    } catch (error) {
      problem = `is no JSON: ${error.message}`;
    }
    own.textContent = problem ?? "";
    own.hidden = problem === null;
    control.toggleAttribute("data-broken", problem !== null);
  });
  const field = fieldLine(about, control);
  field.append(own);
  return field;
}
