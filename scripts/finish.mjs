// Trunk's post_build hook: turns Trunk's output into what is served.
//
// - All files but the page are named after their content, so that a cache can
//   keep them for good and never mixes two builds.
// - The page starts by a script file and not by an inline script, because the
//   security policy, which goes first into its head, allows none.
// - The names of what the program itself fetches stand in the page as
//   `<meta name="layerlab-…">`, relative to the page.
// - The service worker, sw.js, knows all of these files and the build's version, and keeps them.
//   While the page is developed there is none, but one that takes an earlier one away.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, transform } from "esbuild";
import { manifest, paper, png } from "./install.mjs";

const dir = process.env.TRUNK_STAGING_DIR ?? misused();
const dev = process.env.LAYERLAB_DEV === "1";

const policy = {
  "default-src": ["'self'"],
  "script-src": ["'self'", "'wasm-unsafe-eval'"],
  "worker-src": ["'self'", "blob:"],
  "style-src": ["'self'"],
  "img-src": ["'self'", "data:", "blob:"],
  "connect-src": ["'self'", "blob:"],
  "manifest-src": ["'self'"],
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
};
if (dev) {
  // Trunk's script that reloads the page is inline and listens on a web socket.
  policy["script-src"].push("'unsafe-inline'");
  policy["connect-src"].push("ws:");
  console.log("dev: the page's security policy is relaxed (inline scripts, web sockets) for Trunk's reload script");
}

const css = store("layerlab", "css", take("layerlab.css"));
const editor = store("editor", "js", take("editor.js"));
const sample = store("sample", "tar", take("sample.tar"));
const appWasm = store("app", "wasm", take("app_bg.wasm"));
const workerWasm = store("worker", "wasm", take("worker_bg.wasm"));
const workerJs = store("worker", "js", await minified(take("worker.js").toString()));
const start = store("start", "js", await startScript(appWasm));
const icon = take("icon.svg").toString();
const touchIcon = store("icon-touch", "png", png(icon, 180, true));
rmSync(join(dir, "app.js"));
rmSync(join(dir, "snippets"), { recursive: true, force: true });

let page = readFileSync(join(dir, "index.html"), "utf8");
replaceOnce("./layerlab.css", `./${css}`);
const [, description = ""] = /<meta name="description" content="([^"]*)">/.exec(page) ?? [];
const installed = store(
  "manifest",
  "webmanifest",
  manifest(description, {
    any192: store("icon-192", "png", png(icon, 192, false)),
    any512: store("icon-512", "png", png(icon, 512, false)),
    maskable512: store("icon-maskable", "png", png(icon, 512, true)),
  }),
);
// As data: browsers ask for a file again when the place in the address changes.
replaceOnce("./icon.svg", `data:image/svg+xml,${encodeURIComponent(icon.replace(/\n\s*/g, ""))}`);
replaceOnce(
  "<!-- start -->",
  [
    `<script type="module" src="./${start}"></script>`,
    `<link rel="preload" href="./${appWasm}" as="fetch" type="application/wasm" crossorigin>`,
    // Loads beside the program, which would otherwise ask for it only once it runs.
    `<link rel="modulepreload" href="./${editor}">`,
    // Not preloaded: nothing of the worker may delay the first paint.
    `<meta name="layerlab-worker-js" content="./${workerJs}">`,
    `<meta name="layerlab-worker-wasm" content="./${workerWasm}">`,
    `<meta name="layerlab-editor" content="./${editor}">`,
    `<link rel="manifest" href="./${installed}">`,
    `<link rel="apple-touch-icon" href="./${touchIcon}">`,
    `<meta name="theme-color" media="(prefers-color-scheme: light)" content="${paper.light}">`,
    `<meta name="theme-color" media="(prefers-color-scheme: dark)" content="${paper.dark}">`,
    ...(dev ? [] : [`<meta name="layerlab-offline" content="./sw.js">`, `<meta name="layerlab-version" content="VERSION">`]),
    // Fetched beside the worker's code, so that nothing is asked for later.
    `<meta name="layerlab-sample" content="./${sample}">`,
  ].join("\n    "),
);
const directives = Object.entries(policy).map(([name, values]) => `${name} ${values.join(" ")}`);
replaceOnce("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${directives.join("; ")}">`);
const files = readdirSync(dir).filter((name) => name !== "index.html").sort();
const version = hashOf(page + files.join(" ") + readFileSync("www/offline/worker.ts", "utf8"));
if (!dev) replaceOnce(`content="VERSION"`, `content="${version}"`);
writeFileSync(join(dir, "index.html"), page);
writeFileSync(join(dir, "sw.js"), await serviceWorker());
check();

/** @returns {never} */
function misused() {
  throw new Error("This is a hook of Trunk; run `make build`.");
}

/**
 * Reads a file of Trunk's and removes it.
 *
 * @param {string} name
 */
function take(name) {
  const path = join(dir, name);
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
}

/**
 * Writes a file under a name made of its content, and returns that name.
 *
 * @param {string} stem
 * @param {string} ext
 * @param {string | Buffer} content
 */
function store(stem, ext, content) {
  const name = `${stem}-${hashOf(content)}.${ext}`;
  writeFileSync(join(dir, name), content);
  return name;
}

/** @param {string | Buffer} content */
function hashOf(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/**
 * A classic script: its global names stay as they are.
 *
 * @param {string} code
 */
async function minified(code) {
  if (dev) return code;
  return (await transform(code, { minify: true, target: "es2022", legalComments: "none" })).code;
}

/**
 * The program's glue and the lines that start it, as one module.
 *
 * @param {string} wasm
 */
async function startScript(wasm) {
  const result = await build({
    stdin: {
      contents: `import init from "./app.js";\ninit({ module_or_path: new URL("./${wasm}", import.meta.url) });\n`,
      resolveDir: dir,
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: !dev,
    legalComments: "none",
    write: false,
    logLevel: "warning",
  });
  return /** @type {import("esbuild").OutputFile} */ (result.outputFiles[0]).text;
}

/** Keeps this build, or, while the page is developed, takes away what was kept. */
async function serviceWorker() {
  const result = await build({
    entryPoints: [dev ? "www/offline/leave.ts" : "www/offline/worker.ts"],
    bundle: true,
    format: "iife",
    target: "es2022",
    minify: !dev,
    define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(version) },
    write: false,
    logLevel: "warning",
  });
  return /** @type {import("esbuild").OutputFile} */ (result.outputFiles[0]).text;
}

/**
 * @param {string} old
 * @param {string} text
 */
function replaceOnce(old, text) {
  const parts = page.split(old);
  if (parts.length !== 2) throw new Error(`Expected one ${old} in Trunk's page and found ${parts.length - 1}.`);
  page = parts.join(text);
}

/** Everything the page names is there, and nothing is there that only the build needed. */
function check() {
  for (const [, name] of page.matchAll(/(?:href|src|content)="\.\/([^"]*)"/g)) {
    if (!existsSync(join(dir, /** @type {string} */ (name)))) {
      throw new Error(`The page names ${name}, which was not built.`);
    }
  }
  if (!dev && /<script(?![^>]*\ssrc=)|<style|\sstyle=/.test(page)) {
    throw new Error("The page has an inline script or style, which its security policy forbids.");
  }
  const stray = readdirSync(dir).filter((name) => /\.(map|ts|d\.ts)$|_loader\.js$|_bg\./.test(name));
  if (stray.length > 0) throw new Error(`These files have no place in the page: ${stray.join(", ")}.`);
}
