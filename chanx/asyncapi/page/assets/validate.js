/**
 * What is wrong with a value: each problem with the path of the value that has it, as a JSON pointer.
 *
 * The keywords are those of the schemas that Pydantic writes. Formats are left to the server.
 */

export function problems(value, schema, schemas) {
  return check(value, schema, schemas, "");
}

export function pointer(path, key) {
  return `${path}/${segment(key)}`;
}

/** A key as it stands in a pointer. */
export function segment(key) {
  return String(key).replaceAll("~", "~0").replaceAll("/", "~1");
}

function check(value, schema, schemas, path) {
  if (schema === false) return [{ path, text: "must not be there" }];
  const whole = schemas.resolve(schema);
  const options = schemas.options(whole);
  if (options) return checkOptions(value, options, whole, schemas, path);
  const wrong = wrongKind(value, whole);
  if (wrong) return [{ path, text: wrong }];
  const found = [];
  for (const part of whole.allOf ?? []) found.push(...check(value, part, schemas, path));
  if (typeof value === "string") found.push(...textProblems(value, whole, path));
  else if (typeof value === "number") found.push(...numberProblems(value, whole, path));
  else if (Array.isArray(value)) found.push(...listProblems(value, whole, schemas, path));
  else if (isObject(value)) found.push(...objectProblems(value, whole, schemas, path));
  return found;
}

function checkOptions(value, options, whole, schemas, path) {
  const attempts = options.map(({ schema }) => check(value, schema, schemas, path));
  const fitting = attempts.filter((found) => found.length === 0).length;
  if (fitting === 1 || (fitting > 1 && !whole.oneOf)) return [];
  if (fitting > 1) return [{ path, text: "fits more than one of the alternatives" }];
  const nearest = options.findIndex(({ schema }) => fits(value, schema, schemas));
  const chosen = nearest === -1 ? [] : attempts[nearest];
  return chosen.length > 0 ? chosen : [{ path, text: `must be ${options.map(({ label }) => label).join(" or ")}` }];
}

/** Whether a value is of the kind that a schema is for, be it right or not: the type, and what is fixed in it. */
export function fits(value, schema, schemas) {
  const whole = schemas.resolve(schema);
  const options = schemas.options(whole);
  if (options) return options.some((option) => fits(value, option.schema, schemas));
  if (wrongKind(value, whole)) return false;
  if (!isObject(value)) return true;
  return Object.entries(whole.properties ?? {}).every(([key, part]) => {
    const fixed = schemas.resolve(part);
    return fixed.const === undefined || !Object.hasOwn(value, key) || same(fixed.const, value[key]);
  });
}

function wrongKind(value, whole) {
  if (value === undefined) return "is missing";
  if (whole.type && !isOfType(value, whole.type)) return `must be ${article(whole.type)}`;
  if (whole.const !== undefined && !same(whole.const, value)) return `must be ${JSON.stringify(whole.const)}`;
  if (whole.enum && !whole.enum.some((each) => same(each, value))) return `must be one of ${whole.enum.map((each) => JSON.stringify(each)).join(", ")}`;
  return null;
}

function isOfType(value, type) {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "null") return value === null;
  return typeof value === type;
}

function textProblems(value, { minLength = 0, maxLength = Infinity, pattern }, path) {
  const found = [];
  const { length } = [...value];
  if (length < minLength) found.push({ path, text: minLength === 1 ? "must not be empty" : `must have at least ${minLength} characters` });
  if (length > maxLength) found.push({ path, text: `must have at most ${maxLength} characters` });
  if (pattern !== undefined && matches(pattern, value) === false) found.push({ path, text: `must match ${pattern}` });
  return found;
}

/** Null where JavaScript cannot tell: Python's patterns have more signs. */
function matches(pattern, value) {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return null;
  }
}

function numberProblems(value, schema, path) {
  const rules = [
    [value < schema.minimum, `must be at least ${schema.minimum}`],
    [value <= schema.exclusiveMinimum, `must be more than ${schema.exclusiveMinimum}`],
    [value > schema.maximum, `must be at most ${schema.maximum}`],
    [value >= schema.exclusiveMaximum, `must be less than ${schema.exclusiveMaximum}`],
    [!isMultiple(value, schema.multipleOf), `must be a multiple of ${schema.multipleOf}`],
  ];
  return rules.filter(([broken]) => broken).map(([, text]) => ({ path, text }));
}

function isMultiple(value, step) {
  if (step === undefined) return true;
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}

function listProblems(value, whole, schemas, path) {
  const found = [];
  const { minItems = 0, maxItems = Infinity, prefixItems = [], items, uniqueItems } = whole;
  if (value.length < minItems) found.push({ path, text: `must have at least ${minItems} item${minItems === 1 ? "" : "s"}` });
  if (value.length > maxItems) found.push({ path, text: `must have at most ${maxItems} item${maxItems === 1 ? "" : "s"}` });
  if (uniqueItems && value.some((each, index) => value.slice(0, index).some((other) => same(each, other)))) found.push({ path, text: "has an item twice" });
  value.forEach((each, index) => {
    const schema = prefixItems[index] ?? items;
    if (schema !== undefined) found.push(...check(each, schema, schemas, pointer(path, index)));
  });
  return found;
}

function objectProblems(value, whole, schemas, path) {
  const found = [];
  const { properties = {}, required = [], additionalProperties, propertyNames, minProperties = 0, maxProperties = Infinity } = whole;
  for (const key of required) if (!Object.hasOwn(value, key)) found.push({ path: pointer(path, key), text: "is missing" });
  const keys = Object.keys(value);
  if (keys.length < minProperties) found.push({ path, text: `must have at least ${minProperties} keys` });
  if (keys.length > maxProperties) found.push({ path, text: `must have at most ${maxProperties} keys` });
  for (const key of keys) {
    const schema = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (schema !== undefined) found.push(...check(value[key], schema, schemas, pointer(path, key)));
    if (propertyNames !== undefined) found.push(...check(key, propertyNames, schemas, path).map(({ text }) => ({ path, text: `has the key ${JSON.stringify(key)}, which ${text}` })));
  }
  return found;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const keys = Object.keys(one);
  return Array.isArray(one) === Array.isArray(other) && keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}

function article(type) {
  const words = { integer: "a whole number", array: "a list", object: "an object", null: "null", boolean: "true or false" };
  return words[type] ?? `a ${type === "string" ? "text" : type}`;
}
