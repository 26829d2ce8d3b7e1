/** A form built of a JSON Schema. What it holds is always one JSON value, which may also be set from outside. */

import { element } from "./dom.js";
import { fieldFor } from "./fields.js";

export class Form {
  #schema;
  #schemas;
  #onChange;
  #value;
  element = element("div", { class: "form" });

  /** `onChange(value)` is called whenever the person at the form changes something. */
  constructor(schema, schemas, onChange) {
    this.#schema = schema;
    this.#schemas = schemas;
    this.#onChange = onChange;
    this.value = schemas.initial(schema);
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    this.#value = value;
    const slot = {
      get: () => this.#value,
      set: (changed) => {
        this.#value = changed;
        this.#onChange(changed);
      },
    };
    this.element.replaceChildren(fieldFor(this.#schema, slot, { schemas: this.#schemas, path: "", label: null }));
  }

  /** Whether some field has text that is not yet JSON, and so is not a part of the value. */
  get isBroken() {
    return this.element.querySelector("[data-broken]") !== null;
  }

  /** Shows each problem beside the field it is about, or beside the nearest one around it. */
  showProblems(problems) {
    for (const shown of this.element.querySelectorAll(".problem:not([data-own])")) {
      shown.textContent = "";
      shown.hidden = true;
      this.#control(shown)?.removeAttribute("aria-invalid");
    }
    const places = new Map([...this.element.querySelectorAll("[data-path]")].map((place) => [pathOf(place), place]));
    for (const { path, text } of problems) this.#show(places, path, text);
  }

  /** Brings the first problem into sight, and what it is about to the keyboard. */
  showFirstProblem() {
    const shown = [...this.element.querySelectorAll(".problem:not([hidden])")].find(({ textContent }) => textContent);
    if (shown === undefined) return;
    this.#control(shown)?.focus({ preventScroll: true });
    shown.scrollIntoView({ block: "center" });
  }

  #show(places, path, text) {
    let at = path;
    while (!places.has(at) && at !== "") at = at.slice(0, at.lastIndexOf("/"));
    const shown = places.get(at)?.querySelector(":scope > .problem");
    if (!shown) return;
    const about = path === at ? "" : `${path.slice(at.length + 1)} `;
    shown.textContent = [shown.textContent, about + text].filter(Boolean).join("; ");
    shown.hidden = false;
    this.#control(shown)?.setAttribute("aria-invalid", "true");
  }

  #control(shown) {
    return this.element.querySelector(`[aria-describedby="${shown.id}"]`);
  }
}

/** The path of the value in a field; a row of a map has the name of its key for its own. */
function pathOf(place) {
  let { path } = place.dataset;
  for (let row = place.closest("[data-row]"); row !== null; row = row.parentElement.closest("[data-row]")) path = path.replace(row.dataset.row, () => row.dataset.key);
  return path;
}
