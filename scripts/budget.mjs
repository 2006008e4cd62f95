// Compares the compressed size of the built files with tests/budget.json.
//
// The numbers there are a promise to people on slow connections: raise one
// only in a commit that says what is gained for it.

import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** What is loaded before the page shows its first verdict, then the rest. */
const files = {
  page: /^index\.html$/,
  css: /^layerlab-\w+\.css$/,
  start: /^start-\w+\.js$/,
  app: /^app-\w+\.wasm$/,
  editor: /^editor-\w+\.js$/,
  workerJs: /^worker-\w+\.js$/,
  workerWasm: /^worker-\w+\.wasm$/,
  sample: /^sample-\w+\.tar$/,
};

/** @type {Record<string, number>} */
const budget = JSON.parse(readFileSync("tests/budget.json", "utf8"));
const names = readdirSync("dist");
/** @type {Record<string, number>} */
const sizes = {};
for (const [part, pattern] of Object.entries(files)) {
  const found = names.filter((name) => pattern.test(name));
  if (found.length !== 1) {
    console.error(`error: Expected one file for "${part}" in dist/ and found ${found.length}. Run \`make build\`.`);
    process.exit(1);
  }
  sizes[part] = gzipSync(readFileSync(`dist/${found[0]}`), { level: 9 }).length;
}
const sum = (/** @type {string[]} */ parts) => parts.reduce((total, part) => total + (sizes[part] ?? 0), 0);
const all = Object.keys(files);
sizes.firstVerdict = sum(all.filter((part) => !part.startsWith("worker") && part !== "sample"));
sizes.total = sum(all);

const over = [];
for (const [part, size] of Object.entries(sizes)) {
  const max = budget[part];
  if (max === undefined) {
    console.error(`error: tests/budget.json has no number for "${part}".`);
    process.exit(1);
  }
  console.log(`${part.padEnd(14)}${String(size).padStart(9)} of ${String(max).padStart(7)} bytes, gzip -9`);
  if (size > max) over.push(`${part} by ${size - max} bytes`);
}
if (over.length > 0) {
  console.error(
    `error: Over the size budget: ${over.join(", ")}. ` +
      "Make it smaller, or raise the number in tests/budget.json in a commit that says why.",
  );
  process.exit(1);
}
