// Judges definitions of state machines: reads [[name, definition], …], prints what is wrong, a line each.
import { createRequire } from "node:module";

const validate = createRequire(import.meta.url)("asl-validator");
let text = "";
for await (const chunk of process.stdin) text += chunk;
const wrong = [];
for (const [name, definition] of JSON.parse(text)) {
  const { isValid, errorsText } = validate(definition);
  if (!isValid) wrong.push(`${name}: ${errorsText()}`);
}
process.stdout.write(JSON.stringify(wrong));
