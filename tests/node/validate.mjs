// node validate.mjs A.json B.json: what the official parser says about AsyncAPI documents, as JSON by file.
// Runs in the directory that has node_modules (tests/node_tools.py).
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const { Parser } = createRequire(`${process.cwd()}/`)("@asyncapi/parser");

const found = {};
for (const file of process.argv.slice(2)) {
  const { diagnostics } = await new Parser().parse(await readFile(file, "utf8"));
  found[file] = diagnostics.map(({ code, severity, message, path }) => ({ code, severity, message, path: path.join(".") }));
}
console.log(JSON.stringify(found));
