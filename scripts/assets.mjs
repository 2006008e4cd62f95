// Trunk's pre_build hook: makes target/web/{editor.js,layerlab.css,icons.svg} out of www/, and sample.tar.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { sample } from "./sample.mjs";

const out = "target/web";
const dev = process.env.LAYERLAB_DEV === "1";

mkdirSync(out, { recursive: true });

await build({
  entryPoints: { editor: "www/editor/editor.ts", layerlab: "www/styles/main.css" },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !dev,
  legalComments: "none",
  loader: { ".svg": "dataurl" },
  logLevel: "warning",
});

writeFileSync(`${out}/sample.tar`, sample());
writeFileSync(`${out}/icons.svg`, sprite(JSON.parse(readFileSync("www/icons.json", "utf8"))));

/**
 * One hidden SVG with a symbol for each of the Lucide icons, to be used as
 * `<svg class="icon"><use href="#icon-NAME"/></svg>`. The width of the stroke
 * is left to the style sheet.
 *
 * @param {string[]} names
 */
function sprite(names) {
  const symbols = [...new Set(names)].sort().map((name) => {
    const svg = readFileSync(`node_modules/lucide-static/icons/${name}.svg`, "utf8");
    const shape = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg)?.[1];
    if (!shape) throw new Error(`Lucide's icon ${name} has an unexpected form`);
    const paths = shape.replace(/\s+/g, " ").replaceAll("> <", "><").replaceAll(" />", "/>").trim();
    return `<symbol id="icon-${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">${paths}</symbol>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" display="none">${symbols.join("")}</svg>\n`;
}
