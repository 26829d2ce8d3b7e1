// The docs page's console: values to begin with, and what is wrong with one.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { put, Schemas } from "../../../chanx/asyncapi/page/assets/schema.js";
import { fits, problems } from "../../../chanx/asyncapi/page/assets/validate.js";

const REF = "#/components/schemas/";
const schemas = new Schemas({
  components: {
    schemas: {
      Circle: { type: "object", properties: { kind: { const: "circle" }, radius: { type: "number", exclusiveMinimum: 0 } }, required: ["kind", "radius"] },
      Square: { type: "object", properties: { kind: { const: "square" }, side: { type: "number" } }, required: ["kind", "side"] },
      Tree: { type: "object", properties: { parent: { anyOf: [{ $ref: `${REF}Tree` }, { type: "null" }] }, name: { type: "string", minLength: 1 } }, required: ["parent", "name"] },
      Loop: { $ref: `${REF}Loop` },
      Endless: { type: "object", properties: { a: { $ref: `${REF}Endless` } }, required: ["a"] },
    },
  },
});
const shape = { oneOf: [{ $ref: `${REF}Circle` }, { $ref: `${REF}Square` }] };

describe("a value to begin with", () => {
  const cases = [
    [{ const: 1 }, 1],
    [{ type: "string", default: "x", examples: ["y"] }, "x"],
    [{ type: "string", examples: ["y"] }, "y"],
    [{ enum: ["a", "b"] }, "a"],
    [{ type: "integer", minimum: 3 }, 3],
    [{ type: "integer", exclusiveMaximum: 0 }, -1],
    [{ type: "number", minimum: 4, multipleOf: 5 }, 5],
    [{ type: "array", items: { type: "boolean" }, minItems: 2 }, [false, false]],
    [{ type: "array", prefixItems: [{ type: "string" }, { type: "null" }] }, ["", null]],
    [shape, { kind: "circle", radius: 1 }],
    [{ type: "object", properties: { a: { type: "string" }, b: { const: 2 }, c: { type: "string" } }, required: ["a"] }, { a: "", b: 2 }],
    [{ $ref: `${REF}Tree` }, { parent: null, name: "" }],
    [{}, null],
    [{ allOf: [{ $ref: `${REF}Circle` }], default: { kind: "circle", radius: 2 } }, { kind: "circle", radius: 2 }],
  ];
  for (const [schema, expected] of cases) test(JSON.stringify(schema), () => assert.deepEqual(schemas.initial(schema), expected));

  test("comes to an end in any case", () => {
    assert.equal(schemas.initial({ $ref: `${REF}Loop` }), null);
    assert.equal(typeof schemas.initial({ $ref: `${REF}Endless` }), "object");
  });

  test("is not shared between forms", () => {
    const schema = { default: [1] };
    schemas.initial(schema).push(2);
    assert.deepEqual(schemas.initial(schema), [1]);
  });
});

test("a word for a schema", () => {
  const words = [
    [{ $ref: `${REF}Circle` }, "Circle"],
    [{ type: "object", additionalProperties: { $ref: `${REF}Circle` } }, "map of Circle"],
    [{ type: "object", additionalProperties: true }, "object"],
    [{ type: "array", items: shape }, "list of Circle or Square"],
    [{ anyOf: [{ type: "string", format: "date" }, { type: "null" }] }, "date or null"],
    [{ type: ["integer", "null"] }, "integer or null"],
    [{ type: "array", items: {} }, "array"],
    [{}, "anything"],
  ];
  for (const [schema, word] of words) assert.equal(schemas.label(schema), word);
});

describe("what is wrong", () => {
  const said = (value, schema) => problems(value, schema, schemas).map(({ path, text }) => `${path} ${text}`);

  test("is said with the place", () => {
    assert.deepEqual(said({ parent: { parent: null, name: "" }, name: "x" }, { $ref: `${REF}Tree` }), ["/parent/name must not be empty"]);
    assert.deepEqual(said({ name: 1 }, { $ref: `${REF}Tree` }), ["/parent is missing", "/name must be a text"]);
    assert.deepEqual(said({ "a/b": 1 }, { type: "object", additionalProperties: { type: "string" } }), ["/a~1b must be a text"]);
  });

  test("in a union is that of the nearest alternative", () => {
    assert.deepEqual(said({ kind: "circle", radius: -1 }, shape), ["/radius must be more than 0"]);
    assert.deepEqual(said({ kind: "star" }, shape), [" must be Circle or Square"]);
    assert.deepEqual(said("x", { anyOf: [{ type: "integer" }, { type: "null" }] }), [" must be integer or null"]);
  });

  test("covers every keyword", () => {
    const cases = [
      [1.5, { type: "integer" }, "must be a whole number"],
      ["x", { const: "y" }, 'must be "y"'],
      ["x", { enum: ["y", 1] }, 'must be one of "y", 1'],
      ["ab", { type: "string", maxLength: 1 }, "must have at most 1 characters"],
      ["ab", { type: "string", pattern: "^[0-9]+$" }, "must match ^[0-9]+$"],
      [7, { type: "integer", maximum: 6 }, "must be at most 6"],
      [0.3, { type: "number", multipleOf: 0.2 }, "must be a multiple of 0.2"],
      [[], { type: "array", minItems: 1 }, "must have at least 1 item"],
      [[1, 1], { type: "array", uniqueItems: true }, "has an item twice"],
      [{ a: 1 }, { type: "object", properties: {}, additionalProperties: false }, "must not be there"],
      [{ a: 1 }, { type: "object", propertyNames: { enum: ["b"] } }, 'has the key "a", which must be one of "b"'],
    ];
    for (const [value, schema, text] of cases) assert.deepEqual(problems(value, schema, schemas).map((problem) => problem.text), [text]);
  });

  test("is nothing where it is right, or cannot be told", () => {
    assert.deepEqual(said({ kind: "square", side: 1 }, shape), []);
    assert.deepEqual(said(0.3, { type: "number", multipleOf: 0.1 }), []);
    assert.deepEqual(said("👍", { type: "string", maxLength: 1 }), []); // as Python counts
    assert.deepEqual(said("x", { type: "string", pattern: "(?P<name>x)" }), []); // Python's dialect
    assert.deepEqual(said({ anything: [] }, {}), []);
  });
});

test("an alternative is known by what is fixed in it, right or not", () => {
  assert.equal(fits({ kind: "square" }, { $ref: `${REF}Square` }, schemas), true);
  assert.equal(fits({ kind: "circle" }, { $ref: `${REF}Square` }, schemas), false);
});

test("a union in a union is one choice", () => {
  const labels = schemas.choices({ anyOf: [shape, { type: "null" }] }).map(({ label }) => label);
  assert.deepEqual(labels, ["Circle", "Square", "null"]);
});

test("what somebody adds is not null", () => {
  assert.equal(schemas.wanted({ anyOf: [{ type: "null" }, { type: "string" }], default: null }), "");
  assert.equal(schemas.wanted({ type: "null" }), null);
  assert.equal(schemas.wanted({ anyOf: [{ type: "string" }, { type: "null" }], default: "x" }), "x");
});

test("labels", () => {
  assert.equal(schemas.label({ $ref: `${REF}Circle` }), "Circle");
  assert.equal(schemas.label({ type: "array", items: { $ref: `${REF}Circle` } }), "list of Circle");
  assert.equal(schemas.label({ type: "string", format: "date" }), "date");
  assert.equal(schemas.label({ type: "object", title: "Scores", additionalProperties: { type: "integer" } }), "map of integer");
  assert.equal(schemas.label({}), "anything");
});

test("a key may have any name", () => {
  const made = {};
  put(made, "__proto__", 1);
  assert.equal(JSON.stringify(made), '{"__proto__":1}');
});
