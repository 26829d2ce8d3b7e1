// Numbers as people read them. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { amountOf, cell, size, whereabouts } from "../../../chanx/channels/static/chanx/format.js";

const MB = 1024 * 1024;

test("sizes have as many digits as their neighbours, so that they do not jump about", () => {
  const shown = [0, 1023, 1024, 9 * 1024 + 700, MB - 1, MB, 1.04 * MB, 27.96 * MB, 28.3 * MB, 40 * MB, 99.96 * MB, 104.4 * MB].map(size);
  assert.deepEqual(shown, ["0 bytes", "1,023 bytes", "1 KB", "10 KB", "1 MB", "1 MB", "1.0 MB", "28.0 MB", "28.3 MB", "40 MB", "100 MB", "104 MB"]);
});

test("tasks are whole, and rounded down: the last one is only counted when it is done", () => {
  const { text, of } = amountOf("tasks");
  assert.equal(of(12.97, 61), "12 of 61 tasks");
  assert.equal(text(3), "3");
});

test("what has a unit of the job's own says it", () => {
  assert.equal(amountOf("rows").of(1200, 5000), "1,200 of 5,000 rows");
  assert.equal(amountOf("bytes").of(512 * 1024, 2.5 * MB), "512 KB of 2.5 MB");
  assert.equal(amountOf(null).of(3, null), "3");
});

test("open steps and the message read as a path", () => {
  assert.equal(whereabouts({ step: ["Render", "Page 3"], message: "2 of 5 pictures" }), "Render › Page 3 › 2 of 5 pictures");
  assert.equal(whereabouts({ step: ["Render"], message: null }), "Render");
  assert.equal(whereabouts({ message: "12 rows" }), "12 rows"); // from a worker that knows no steps
  assert.equal(whereabouts({ step: [], message: null }), "");
});

test("no whole number is rounded, and half of an amount is not all of it", () => {
  assert.deepEqual([1234567, 12345.5, 0.4, 1234567.25, true, "x"].map(cell), ["1,234,567", "12,345.5", "0.4", "1,234,567", "true", "x"]);
  assert.equal(amountOf(null).of(0.5, 1), "0.5 of 1");
  assert.equal(amountOf("rows").of(1500, 20000), "1,500 of 20,000 rows");
});
