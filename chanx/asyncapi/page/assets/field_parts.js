/** What all fields are made of: a line with a label, the control, and a place for what is wrong. */

import { button, element, newId } from "./dom.js";

/** A line with a label, the control, and below it what is said of it and what is wrong. */
export function fieldLine({ path, label, remove, schema, whole, schemas }, control) {
  const problem = problemPlace();
  control.id ||= newId("field");
  control.setAttribute("aria-describedby", problem.id);
  if (label === null) control.setAttribute("aria-label", "Value");
  const heading = element(
    "div",
    { class: "field-head" },
    label === null ? null : element("label", { for: control.id }, label),
    element("span", { class: "field-type" }, schemas.label(schema)),
    remove === null ? null : removeButton(label, remove),
  );
  const hint = whole.description && schemas.nameOf(schema) === null ? element("p", { class: "hint" }, whole.description) : null;
  return element("div", { class: "field", "data-path": path }, heading, control, hint, problem);
}

export function problemPlace() {
  return element("p", { class: "problem", id: newId("problem"), hidden: true });
}

export function removeButton(label, remove) {
  return button("×", remove, { class: "small", "aria-label": `Remove ${label}` });
}
