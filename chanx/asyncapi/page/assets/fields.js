/**
 * The fields of a form. Each is an element with `data-path`, a place for its problem, and a slot for its value:
 * {get(), set(value)}. Fields that hold others draw themselves anew when a part is added or removed.
 */

import { listField, mapField, objectField, unionField } from "./compound_fields.js";
import { checkField, choiceField, fixedField, jsonField, numberField, textField } from "./simple_fields.js";

const BY_TYPE = { string: textField, integer: numberField, number: numberField, boolean: checkField, null: fixedField, array: listField };

/** `label` null: the whole form's, without a heading; `remove`: what to call to leave the value out, if one may. */
export function fieldFor(schema, slot, { schemas, path, label, remove = null }) {
  const whole = schemas.resolve(schema);
  return kindOf(whole, schemas)(slot, { schemas, path, label, remove, schema, whole, isFirst: path === "", fieldFor });
}

function kindOf(whole, schemas) {
  if (whole.const !== undefined) return fixedField;
  if (whole.enum) return choiceField;
  if (schemas.options(whole)) return unionField;
  if (whole.properties) return objectField;
  if (whole.type === "object") return mapField;
  return BY_TYPE[whole.type] ?? jsonField;
}
