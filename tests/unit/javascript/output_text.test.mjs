// How a page puts the pieces of a job's output together. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { OutputText } from "../../../chanx/channels/static/chanx/output_text.js";

function shown(...pieces) {
  const output = new OutputText();
  const lines = [];
  for (const [text, stream = "stdout"] of pieces) lines.push(...output.add({ text, stream }).begun);
  return lines.map(({ stream, text }) => (stream === "stdout" ? text : `${stream}: ${text}`));
}

test("pieces become lines, wherever they were cut", () => {
  const text = "one\ntwo\n\nthree";
  const whole = ["one", "two", "", "three"];
  for (let first = 0; first <= text.length; first += 1) {
    for (let second = first; second <= text.length; second += 1) {
      const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)].map((piece) => [piece]);
      assert.deepEqual(shown(...pieces), whole, `cut at ${first} and ${second}`);
    }
  }
});

test("a line is there before its end, and grows", () => {
  const output = new OutputText();
  const { begun } = output.add({ text: "Hel", stream: "stdout" });
  assert.equal(begun[0].text, "Hel");
  const { begun: none, continued } = output.add({ text: "lo", stream: "stdout" });
  assert.deepEqual([none, continued], [[], begun[0]]);
  assert.equal(begun[0].text, "Hello");
});

test("two streams do not tear each other's lines apart", () => {
  assert.deepEqual(shown(["one, "], ["oh\n", "stderr"], ["two\n"]), ["one, two", "stderr: oh"]);
});

test("a carriage return writes over the line, and at its end means nothing", () => {
  assert.deepEqual(shown(["10 %\r"], ["20 %\r30 %"], ["\nnext\r\n"]), ["30 %", "next"]);
});

test("a line without an end takes no more than its share", () => {
  const [line] = shown(...Array.from({ length: 100 }, () => ["x".repeat(1000)]), ["\n"]);
  assert.equal(line, `${"x".repeat(4000)} … (cut)`);
});

test("after a reset nothing is continued", () => {
  const output = new OutputText();
  output.add({ text: "half", stream: "stdout" });
  output.reset();
  assert.equal(output.add({ text: "new", stream: "stdout" }).continued, undefined);
});
