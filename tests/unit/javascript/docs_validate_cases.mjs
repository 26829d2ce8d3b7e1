// Says of each case on stdin, {value, schema, components}, whether the docs page's console finds it valid.

import { Schemas } from "../../../chanx/asyncapi/page/assets/schema.js";
import { problems } from "../../../chanx/asyncapi/page/assets/validate.js";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = JSON.parse(text).map(({ value, schema, components }) => problems(value, schema, new Schemas({ components: { schemas: components } })).length === 0);
console.log(JSON.stringify(found));
