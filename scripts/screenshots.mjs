// Takes pictures of the page as it was built: every place and main state, in both themes, wide and
// narrow, into screenshots/; and the one that the README shows.
//
//   screenshots.mjs [WORDS]    only states whose name has the words

import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { chromium } from "@playwright/test";
import sirv from "sirv";

/** @import { Page } from "@playwright/test" */

const out = "screenshots";
const words = process.argv.slice(2).join(" ");
const widths = { wide: { width: 1440, height: 900 }, narrow: { width: 400, height: 800 } };

/** @type {(page: Page, name: string) => Promise<void>} */
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/**
 * On a narrow screen one pane is shown at a time.
 *
 * @param {Page} page
 * @param {string} name
 */
async function pane(page, name) {
  const tab = page.getByRole("tab", { name, exact: true });
  if (await tab.isVisible()) await tab.click();
}

/**
 * @param {Page} page
 * @param {string} text
 */
async function paste(page, text) {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.getByRole("textbox", { name: "Dockerfile", exact: true }).click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("ControlOrMeta+V");
}

/** Of the shape of a large project's: stages for tools, each built from a common one, joined at the end. */
function bigFile() {
  const lines = ["# syntax=docker/dockerfile:1", "FROM golang:1.24 AS base", "WORKDIR /src", "RUN apt-get update && apt-get install -y file"];
  const tools = ["containerd", "runc", "tini", "rootlesskit", "crun", "buildx", "compose", "cli", "dlv", "gotestsum", "shfmt", "golangci"];
  for (const tool of tools) {
    lines.push("", `FROM base AS ${tool}-src`, `ARG ${tool.toUpperCase()}_VERSION=1.0`, `RUN git clone https://example.com/${tool} /tmp/src`);
    lines.push("", `FROM base AS ${tool}`, `COPY --from=${tool}-src /tmp /tmp`, `RUN --mount=type=cache,target=/root/.cache make -C /tmp/${tool}`);
  }
  lines.push("", "FROM base AS dev", ...tools.map((tool) => `COPY --from=${tool} /build/ /usr/local/bin/`), "COPY . .", "RUN make binary");
  lines.push("", "FROM scratch AS binary", "COPY --from=dev /src/bundles /");
  return `${lines.join("\n")}\n`;
}

const diff = `diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,6 +1,6 @@
 FROM node:alpine
 WORKDIR /app
 COPY package*.json ./
-RUN npm install
+RUN npm ci
 COPY ./ ./
 CMD ["npm", "start"]
`;

/** @type {(page: Page) => Promise<void>} */
const edited = (page) => press(page, "Edit package.json");

/** @type {(page: Page) => Promise<void>} */
async function openImage(page) {
  await page.getByRole("link", { name: "Inspect" }).click();
  await page.getByRole("button", { name: "Open image tarball" }).setInputFiles("tests/corpus/images/docker20-sample.tar");
  await page.getByText("Every layer was hashed").waitFor();
}

/** @type {Record<string, (page: Page) => Promise<unknown>>} What is done to come to each state. */
const states = {
  "simulate": async () => {},
  "simulate edited": edited,
  "stack": async (page) => {
    await edited(page);
    await pane(page, "Stack");
  },
  "why": async (page) => {
    await edited(page);
    await pane(page, "Stack");
    await page.getByRole("region", { name: "Stack" }).getByRole("button", { name: "RUN npm install: " }).click();
    await pane(page, "Why");
  },
  "steps and impact": async (page) => {
    await edited(page);
    await pane(page, "Stack");
    await page.getByText("Steps as a table").click();
    await page.getByText("Impact map").click();
  },
  "builders": async (page) => {
    await edited(page);
    await pane(page, "Stack");
    await page.getByText("BuildKit and the legacy builder").click();
  },
  "image sketch": async (page) => {
    await pane(page, "Stack");
    await page.getByText("The image that this build yields").click();
  },
  "big file": async (page) => {
    await paste(page, bigFile());
    await press(page, "Build");
    await paste(page, bigFile().replace("RUNC_VERSION=1.0", "RUNC_VERSION=1.1"));
    await pane(page, "Stack");
  },
  "every verdict": async (page) => {
    await paste(page, "FROM node AS a\nRUN a\nFROM node AS b\nRUN b\nFROM node\nCOPY --from=a /x /x\nADD https://example.com/x /x\nCMD [\"x\"]\n");
    await press(page, "Build");
    await paste(page, "FROM node AS a\nRUN c\nFROM node AS b\nRUN b\nFROM node\nCOPY --from=a /x /x\nADD https://example.com/x /x\nCMD [\"x\"]\n");
    await pane(page, "Stack");
  },
  "problems": async (page) => {
    await paste(page, "from node as Build\nRUNN x\nMAINTAINER x\nCOPY . .\nENV A b\n");
    await page.getByRole("list", { name: "Problems" }).waitFor();
  },
  "compare": async (page) => {
    await paste(page, "FROM node:alpine\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY ./ ./\nCMD [\"npm\", \"start\"]\n");
    await press(page, "Compare with build 1");
  },
  "options": (page) => page.getByRole("tab", { name: "Options" }).click(),
  "timeline": async (page) => {
    await edited(page);
    await press(page, "Build");
    await page.getByText("Timeline", { exact: true }).click();
  },
  "before committing": async (page) => {
    await page.getByText("Paste changes or a list of files").click();
    await page.getByRole("textbox", { name: "Changes or a list of files" }).fill(diff);
  },
  "judged": async (page) => {
    await states["before committing"]?.(page);
    await press(page, "Judge this change");
  },
  "examples": (page) => page.locator("summary", { has: page.locator(".icon") }).filter({ visible: true }).first().click(),
  "share": async (page) => {
    await edited(page);
    await press(page, "Share");
    await page.getByRole("dialog").waitFor();
  },
  "palette": (page) => page.keyboard.press("ControlOrMeta+K"),
  "palette npm": async (page) => {
    await page.keyboard.press("ControlOrMeta+K");
    await page.getByRole("combobox").fill("npm");
  },
  "shortcuts": (page) => press(page, "Keyboard shortcuts"),
  "privacy": (page) => press(page, "How to check it"),
  "start over": (page) => press(page, "Start over"),
  "inspect": (page) => page.getByRole("link", { name: "Inspect" }).click(),
  "inspect image": openImage,
  "inspect layer": async (page) => {
    await openImage(page);
    await page.getByRole("list", { name: "Layers" }).getByRole("button").filter({ hasText: "RUN rm -rf /root/.aws" }).click();
    await page.getByRole("treeitem", { name: /^root / }).click();
  },
  "inspect no image": async (page) => {
    await page.getByRole("link", { name: "Inspect" }).click();
    const file = { name: "notes.tar", mimeType: "application/x-tar", buffer: Buffer.from("text\n".repeat(200)) };
    await page.getByRole("button", { name: "Open image tarball" }).setInputFiles(file);
    await page.getByRole("alert").waitFor();
  },
  "print": async (page) => {
    await edited(page);
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
  },
};

const files = sirv("dist", { dev: true });
const server = createServer((request, response) => files(request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const address = server.address();
if (!address || typeof address === "string") throw new Error("the server has no port");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || undefined, args: ["--no-sandbox"] });

/**
 * @param {string} name
 * @param {"light" | "dark"} colorScheme
 * @param {{ width: number, height: number }} viewport
 * @param {string} path
 * @param {boolean} isWhole
 */
async function take(name, colorScheme, viewport, path, isWhole) {
  const context = await browser.newContext({
    colorScheme,
    viewport,
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    baseURL: `http://localhost:${/** @type {import("node:net").AddressInfo} */ (address).port}`,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto("/", { waitUntil: "networkidle" });
  await page.getByText("Works offline").waitFor();
  await states[name]?.(page);
  // Menus and the editor draw in a frame of their own.
  await page.waitForTimeout(150);
  if (isWhole) {
    // Rather than a picture of the whole page: what sticks to an edge stands where it belongs.
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: viewport.width, height: Math.max(viewport.height, Math.min(height, 2400)) });
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path });
  await context.close();
}

mkdirSync(out, { recursive: true });
if (!words) for (const old of readdirSync(out)) rmSync(`${out}/${old}`);
let failed = 0;
const names = Object.keys(states).filter((name) => name.includes(words));
for (const name of names) {
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    for (const [width, viewport] of Object.entries(widths)) {
      const path = `${out}/${name.replaceAll(" ", "-")}-${theme}-${width}.png`;
      try {
        await take(name, theme, viewport, path, true);
      } catch (error) {
        failed += 1;
        console.error(`error: ${path}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
      }
    }
  }
  console.log(name);
}
if (names.includes("why")) await take("why", "light", { width: 1440, height: 900 }, ".github/screenshot.png", false);
await browser.close();
server.closeAllConnections();
server.close();
if (failed > 0) {
  console.error(`error: ${failed} of the pictures could not be taken.`);
  process.exit(1);
}
console.log(`The pictures are in ${out}/.`);
