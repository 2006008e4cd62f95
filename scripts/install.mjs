// What makes the page installable: icons as pictures, and the manifest that names them.

import { readFileSync } from "node:fs";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

/** The surface that the page lies on, light and dark, from the one file that has colors. */
export const paper = (() => {
  const found = /--paper: light-dark\((\S+), (\S+)\);/.exec(readFileSync("www/styles/tokens.css", "utf8"));
  if (!found) throw new Error("www/styles/tokens.css has no --paper in the form that scripts/install.mjs reads.");
  return { light: /** @type {string} */ (found[1]), dark: /** @type {string} */ (found[2]) };
})();

await initWasm(readFileSync(new URL(import.meta.resolve("@resvg/resvg-wasm/index_bg.wasm"))));

/**
 * The icon as a PNG of so many pixels. A system cuts a maskable one to a shape of its own and
 * leaves a circle of four fifths for sure: there the drawing stands on a ground, with room around it.
 *
 * @param {string} svg
 * @param {number} size
 * @param {boolean} isMaskable
 */
export function png(svg, size, isMaskable) {
  const [, side] = /viewBox="0 0 (\d+) \1"/.exec(svg) ?? [];
  if (!side) throw new Error("www/icon.svg is not a square that begins at 0 0.");
  const room = isMaskable ? Number(side) * 0.3 : 0;
  const drawn = isMaskable ? svg.replace(/viewBox="[^"]*"/, `viewBox="${-room} ${-room} ${Number(side) + 2 * room} ${Number(side) + 2 * room}"`) : svg;
  const ground = isMaskable ? { background: paper.light } : {};
  return Buffer.from(new Resvg(drawn, { fitTo: { mode: "width", value: size }, ...ground }).render().asPng());
}

/**
 * The manifest. Its addresses are relative to it, so that it holds under any path.
 *
 * @param {string} description
 * @param {{ any192: string, any512: string, maskable512: string }} icons
 */
export function manifest(description, icons) {
  return JSON.stringify({
    name: "Layerlab",
    short_name: "Layerlab",
    description,
    lang: "en",
    start_url: "./",
    scope: "./",
    display: "standalone",
    background_color: paper.light,
    theme_color: paper.light,
    categories: ["developer tools", "utilities"],
    icons: [
      { src: `./${icons.any192}`, sizes: "192x192", type: "image/png" },
      { src: `./${icons.any512}`, sizes: "512x512", type: "image/png" },
      { src: `./${icons.maskable512}`, sizes: "512x512", type: "image/png", purpose: "maskable" },
    ],
    shortcuts: [
      { name: "Simulate", url: "./#/simulate" },
      { name: "Inspect", url: "./#/inspect" },
    ],
  });
}
