// A box of lines in a page that is not drawn. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Lines } from "../../../chanx/channels/static/chanx/lines.js";

test("while nothing is drawn, what waits to be does not grow without bound", () => {
  const node = { addEventListener() {} };
  globalThis.document = { hidden: false };
  globalThis.requestAnimationFrame = () => {};
  const lines = new Lines({ box: node, toEnd: node, line: () => assert.fail("drawn") });
  for (let number = 0; number < 20_000; number += 1) {
    const item = { text: "" };
    lines.add(item);
    lines.change(item);
  }
  assert.ok(lines.pending.length <= 4000, String(lines.pending.length));
  assert.equal(lines.changed.size, 0);
  delete globalThis.document;
});
