/** Fields that hold other fields: objects, maps, lists and unions. */

import { button, element, newId } from "./dom.js";
import { problemPlace, removeButton } from "./field_parts.js";
import { put } from "./schema.js";
import { jsonField } from "./simple_fields.js";
import { fits, isObject, pointer, segment } from "./validate.js";

/** A group with a heading; the whole form's own has neither heading nor frame. */
function group({ path, label, remove, schema, schemas, isFirst }, ...children) {
  const problem = problemPlace();
  const heading = isFirst
    ? null
    : element("div", { class: "field-head" }, element("span", { class: "group-name", id: newId("group") }, label ?? "Value"), element("span", { class: "field-type" }, schemas.label(schema)), remove === null ? null : removeButton(label, remove));
  const made = element("div", { class: isFirst ? "group is-first" : "group", role: "group", "data-path": path }, heading, ...children, problem);
  if (heading) made.setAttribute("aria-labelledby", heading.firstElementChild.id);
  return made;
}

function focusFirst(place) {
  place?.querySelector("input, select, textarea, button")?.focus();
}

export function objectField(slot, about) {
  const { whole, schemas, path, fieldFor } = about;
  if (!isObject(slot.get())) return jsonField(slot, about);
  const required = new Set(whole.required ?? []);
  const body = element("div", { class: "group-body" });

  const set = (key, value) => {
    const next = {};
    for (const name of new Set([...Object.keys(whole.properties), ...Object.keys(slot.get())])) {
      const part = name === key ? value : slot.get()[name];
      if (part !== undefined && (name === key || Object.hasOwn(slot.get(), name))) put(next, name, part);
    }
    slot.set(next);
  };
  const remove = (key) => {
    set(key, undefined);
    draw();
    focusFirst(body.querySelector(":scope > .more"));
  };
  const add = (key) => {
    set(key, schemas.wanted(whole.properties[key]));
    draw();
    focusFirst(body.querySelector(`:scope > [data-path="${CSS.escape(pointer(path, key))}"]`));
  };
  const draw = () => {
    const [present, absent] = [[], []];
    for (const [key, schema] of Object.entries(whole.properties)) {
      const isThere = Object.hasOwn(slot.get(), key) || (required.has(key) && !isFixed(schema, schemas)); // nothing to type there
      if (!isThere) absent.push(button(`+ ${key}`, () => add(key), { class: "chip", title: schemas.resolve(schema).description ?? null }));
      else present.push(fieldFor(schema, { get: () => slot.get()[key], set: (value) => set(key, value) }, { schemas, path: pointer(path, key), label: key, remove: required.has(key) || isConstant(schema, schemas) ? null : () => remove(key) }));
    }
    const nothing = present.length + absent.length === 0 ? element("p", { class: "hint" }, "An empty object.") : null;
    body.replaceChildren(...present, ...(absent.length ? [element("div", { class: "more" }, ...absent)] : []), ...(nothing ? [nothing] : []));
  };
  draw();
  return group(about, body);
}

function isFixed(schema, schemas) {
  return isConstant(schema, schemas) || schemas.resolve(schema).type === "null";
}

function isConstant(schema, schemas) {
  return schemas.resolve(schema).const !== undefined;
}

/**
 * The keys are texts to fill in. Two that are the same would be one: the later wins, as in JSON.
 *
 * A row is not drawn anew while its key is typed, which would take the focus away: in the paths of what is in it stands
 * `data-row`, and `data-key` is what that is in the value.
 */
export function mapField(slot, about) {
  const { whole, schemas, path, fieldFor } = about;
  if (!isObject(slot.get()) || !isObject(whole.additionalProperties)) return jsonField(slot, about);
  let rows = Object.entries(slot.get());
  const body = element("div", { class: "group-body" });

  const tell = () => {
    const next = {};
    for (const [key, value] of rows) put(next, key, value);
    slot.set(next);
  };
  const row = (entry, index) => {
    const key = element("input", { type: "text", autocomplete: "off", "aria-label": "Key", class: "map-key" });
    key.value = entry[0];
    key.addEventListener("input", () => {
      entry[0] = key.value;
      made.dataset.key = segment(entry[0]);
      tell();
    });
    const drop = () => {
      rows.splice(index, 1);
      tell();
      draw();
      focusFirst(body.querySelector(":scope > .more"));
    };
    const set = (value) => {
      entry[1] = value;
      tell();
    };
    const name = newId("\ue000row"); // a private character: no key
    const made = element("div", { class: "row", "data-row": name, "data-key": segment(entry[0]) }, key, fieldFor(whole.additionalProperties, { get: () => entry[1], set }, { schemas, path: pointer(path, name), label: "value", remove: drop }));
    return made;
  };
  const add = () => {
    rows.push([`key${rows.length + 1}`, schemas.initial(whole.additionalProperties)]);
    tell();
    draw();
    focusFirst([...body.querySelectorAll(":scope > .row")].at(-1));
  };
  const draw = () => body.replaceChildren(...rows.map(row), element("div", { class: "more" }, button("+ key", add, { class: "chip" })));
  draw();
  return group(about, body);
}

export function listField(slot, about) {
  const { whole, schemas, path, fieldFor } = about;
  if (!Array.isArray(slot.get())) return jsonField(slot, about);
  const places = whole.prefixItems ?? [];
  const canGrow = whole.items !== false && (places.length === 0 || isObject(whole.items)) && places.length !== whole.maxItems;
  const body = element("div", { class: "group-body" });

  const set = (index, value) => slot.set(slot.get().map((each, at) => (at === index ? value : each)));
  const drop = (index) => {
    slot.set(slot.get().filter((_, at) => at !== index));
    draw();
    focusFirst(body.querySelector(":scope > .more"));
  };
  const add = () => {
    slot.set([...slot.get(), schemas.initial(whole.items ?? {})]);
    draw();
    focusFirst([...body.querySelectorAll(":scope > [data-path]")].at(-1));
  };
  const item = (_, index) =>
    fieldFor(places[index] ?? whole.items ?? {}, { get: () => slot.get()[index], set: (value) => set(index, value) }, { schemas, path: pointer(path, index), label: String(index + 1), remove: index < places.length ? null : () => drop(index) });
  const draw = () => body.replaceChildren(...slot.get().map(item), ...(canGrow ? [element("div", { class: "more" }, button("+ item", add, { class: "chip" }))] : []));
  draw();
  return group(about, body);
}

/** A choice between the alternatives, and the field of the chosen one below; null has none. */
export function unionField(slot, about) {
  const { whole, schemas, path, label, remove, fieldFor } = about;
  const options = schemas.choices(whole);
  const fitting = options.findIndex(({ schema }) => fits(slot.get(), schema, schemas));
  const body = element("div", { class: "union" });
  const choose = element("select", { "aria-label": `${label ?? "Value"}: which kind`, on: { change: ({ target }) => take(Number(target.value)) } });
  choose.append(...options.map((option, index) => element("option", { value: String(index), selected: index === Math.max(fitting, 0) }, option.label)));

  const take = (index) => {
    slot.set(schemas.initial(options[index].schema));
    draw(index);
  };
  const draw = (index) => {
    const chosen = options[index].schema;
    const isNull = schemas.resolve(chosen).type === "null";
    body.replaceChildren(...(isNull ? [] : [fieldFor(chosen, slot, { schemas, path, label: label ?? "Value" })]));
  };
  const head = element("div", { class: "field-head" }, element("span", { class: "group-name" }, label ?? "Value"), choose, remove === null ? null : removeButton(label, remove));
  draw(Math.max(fitting, 0));
  return element("div", { class: "group is-union", role: "group", "aria-label": label ?? "Value", "data-path": path }, head, body, problemPlace());
}
