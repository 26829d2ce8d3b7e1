/** JSON Schemas of a document: following references, telling alternatives apart, and a value to begin with. */

const COMPONENTS = "#/components/schemas/";

export class Schemas {
  #components;

  constructor(document) {
    this.#components = document.components?.schemas ?? {};
  }

  has(name) {
    return Object.hasOwn(this.#components, name);
  }

  /** The name of the component that a schema stands for, or null. */
  nameOf(schema) {
    const reference = schema?.$ref;
    return typeof reference === "string" && reference.startsWith(COMPONENTS) ? reference.slice(COMPONENTS.length) : null;
  }

  /** The schema itself in place of a reference; what stands beside the reference is kept. */
  resolve(schema) {
    let whole = schema === true || schema === undefined ? {} : schema;
    const seen = new Set();
    while (true) {
      if (whole.allOf?.length === 1) {
        const { allOf, ...own } = whole;
        whole = { ...allOf[0], ...own };
      } else if (this.has(this.nameOf(whole)) && !seen.has(whole.$ref)) {
        const { $ref, ...own } = whole;
        seen.add($ref);
        whole = { ...this.#components[this.nameOf({ $ref })], ...own };
      } else {
        return whole;
      }
    }
  }

  /** The alternatives of a union, each with a label; null for another schema. */
  options(schema) {
    const { anyOf, oneOf, type, ...own } = this.resolve(schema);
    const alternatives = anyOf ?? oneOf ?? (Array.isArray(type) ? type.map((each) => ({ ...own, type: each })) : null);
    return alternatives?.map((each) => ({ schema: each, label: this.label(each) })) ?? null;
  }

  /** The alternatives with those of a union in a union in its place, as a person chooses. */
  choices(schema) {
    return this.options(schema).flatMap((option) => (this.nameOf(option.schema) === null && this.options(option.schema) ? this.choices(option.schema) : [option]));
  }

  /** A word for a schema: its component's name, its title, or its type; for an unnamed union those of its alternatives. */
  label(schema) {
    const whole = this.resolve(schema);
    const name = this.nameOf(schema) ?? (whole.properties ? whole.title : null);
    if (name) return name;
    if (whole.type === "object" && !whole.properties && isSchema(whole.additionalProperties)) return `map of ${this.label(whole.additionalProperties)}`;
    if (whole.type === "array" && isSchema(whole.items)) return `list of ${this.label(whole.items)}`;
    if (whole.const !== undefined) return JSON.stringify(whole.const);
    if (whole.enum) return whole.type ?? "one of some";
    const options = this.options(whole)?.map(({ label }) => label);
    return options?.join(" or ") ?? whole.format ?? whole.type ?? "anything";
  }

  /** What a form starts with: what has to be there, as its examples and defaults say; empty texts and lists else. */
  initial(schema, depth = 0) {
    const whole = this.resolve(schema);
    if (whole.const !== undefined) return whole.const;
    if (whole.default !== undefined) return structuredClone(whole.default);
    if (whole.examples?.length > 0) return structuredClone(whole.examples[0]);
    if (whole.enum) return whole.enum[0];
    const options = this.options(whole);
    if (options) return this.#first(options, depth);
    if (whole.type === "object" || whole.properties) return this.#object(whole, depth);
    if (whole.type === "array") return this.#array(whole, depth);
    if (whole.type === "integer" || whole.type === "number") return number(whole);
    return { string: "", boolean: false, null: null }[whole.type] ?? null;
  }

  /** A value for somebody who wants to say something: where null would be the first one, that of another alternative. */
  wanted(schema) {
    const value = this.initial(schema);
    const other = value === null && this.options(schema) ? this.choices(schema).find((option) => this.resolve(option.schema).type !== "null") : undefined;
    return other === undefined ? value : this.initial(other.schema);
  }

  #first(options, depth) {
    const nullable = options.some(({ schema }) => this.resolve(schema).type === "null");
    return nullable && depth > 0 ? null : this.initial(options[0].schema, depth + 1);
  }

  #object(whole, depth) {
    const required = new Set(whole.required ?? []);
    const made = {};
    for (const [key, schema] of Object.entries(whole.properties ?? {})) {
      const isFixed = this.resolve(schema).const !== undefined;
      if ((required.has(key) || isFixed) && depth < 20) put(made, key, this.initial(schema, depth + 1));
    }
    return made;
  }

  #array(whole, depth) {
    const made = (whole.prefixItems ?? []).map((each) => this.initial(each, depth + 1));
    while (made.length < (whole.minItems ?? 0) && made.length < 50 && depth < 20) made.push(this.initial(whole.items ?? {}, depth + 1));
    return made;
  }
}

/** Whether it says something: neither true, false, nor empty. */
function isSchema(schema) {
  return typeof schema === "object" && Object.keys(schema).length > 0;
}

/** Sets a key that may have any name: by assignment `__proto__` would not become one. */
export function put(object, key, value) {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

function number({ minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf = 1 }) {
  const low = Math.max(minimum ?? -Infinity, (exclusiveMinimum ?? -Infinity) + multipleOf);
  const high = Math.min(maximum ?? Infinity, (exclusiveMaximum ?? Infinity) - multipleOf);
  const near = Math.min(Math.max(0, low), high);
  return Math.ceil(near / multipleOf) * multipleOf;
}
