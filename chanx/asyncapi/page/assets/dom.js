/** Elements from data: texts are always texts. */

/** `properties`: attributes by name; true and false set and leave out; `on` has listeners by event. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { on = {}, ...attributes } = properties;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

let lastId = 0;

export function newId(prefix) {
  return `${prefix}-${++lastId}`;
}

export function button(text, onClick, properties = {}) {
  return element("button", { type: "button", ...properties, on: { click: onClick } }, text);
}

/** A labelled input: {whole, input}. */
export function labelled(text, input, { hint = null } = {}) {
  input.id ||= newId("field");
  const whole = element("div", { class: "labelled" }, element("label", { for: input.id }, text), input, hint === null ? null : element("p", { class: "hint" }, hint));
  return { whole, input };
}
