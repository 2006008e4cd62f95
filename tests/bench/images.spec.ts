// Large images in Chromium, next to what native tools take for the same files in the same run.
//
// LAYERLAB_IMAGES names the folder that `make-images.sh` filled: medium.docker.tar and the
// like. Tools that are not installed are left out; the spec says so.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Page, test } from "@playwright/test";
import { opener } from "../browser/fixtures/inspect";
import { openPage } from "../browser/fixtures/simulate";

const FOLDER = process.env.LAYERLAB_IMAGES ?? "";
const N_RUNS = 3;

/** Milliseconds of a shell command, the best of some runs; null where its tool is not there. */
function native(tool: string, command: string): number | null {
  try {
    execFileSync("sh", ["-c", `command -v ${tool}`]);
  } catch {
    return null;
  }
  let best = Infinity;
  for (let n = 0; n < N_RUNS; n++) {
    const start = performance.now();
    execFileSync("bash", ["-c", `set -o pipefail; ${command}`], { stdio: "ignore", env: { ...process.env, CI: "true" } });
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

interface Times {
  images: number;
  listed: number;
  read: number;
}

/** The most memory that a page's process has held so far, the browser's own share of it included. */
function peakMiB(): number {
  const pids = execFileSync("pgrep", ["-f", "type=renderer"]).toString().trim().split("\n");
  const peaks = pids.map((pid) => {
    const path = `/proc/${pid}/status`;
    const status = existsSync(path) ? readFileSync(path, "utf8") : "";
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  });
  return Math.max(...peaks);
}

/** From the moment that a file is chosen. */
async function inPage(page: Page, path: string): Promise<Times> {
  await openPage(page);
  await page.getByRole("link", { name: "Inspect" }).click();
  await page.evaluate(() => {
    addEventListener("change", () => performance.mark("chosen"), { capture: true, once: true });
    new MutationObserver((_, observer) => {
      const told = document.querySelector("[aria-label=Overview] [role=status], main [role=alert]");
      if (!told || document.querySelector("progress")) return;
      performance.mark("read");
      observer.disconnect();
    }).observe(document.body, { childList: true, subtree: true });
  });
  await opener(page).setInputFiles(path);
  await page.waitForFunction(() => performance.getEntriesByName("read").length > 0, null, { timeout: 300_000 });
  return page.evaluate(() => {
    const since = (name: string) => {
      const at = (name: string) => performance.getEntriesByName(name).at(-1)?.startTime ?? NaN;
      return at(name) - at("chosen");
    };
    return { images: since("images found"), listed: since("layers listed"), read: since("read") };
  });
}

for (const size of ["medium", "large"]) {
  for (const form of ["docker.tar", "oci-gzip.tar", "oci-zstd.tar", "docker.tar.gz"]) {
    const path = join(FOLDER, `${size}.${form}`);
    test(`${size}.${form}`, async ({ page }) => {
      test.skip(!existsSync(path), "LAYERLAB_IMAGES names no folder that has it");
      test.setTimeout(600_000);
      const runs: Times[] = [];
      for (let n = 0; n < N_RUNS; n++) runs.push(await inPage(page, path));
      const best = (read: (times: Times) => number) => Math.min(...runs.map(read));
      const isPlain = form === "docker.tar";
      const [listed, read] = [best((run) => run.listed), best((run) => run.read)];
      const peers: [string, number | null, number][] = [
        ["sha256sum", native("sha256sum", `sha256sum ${path}`), read],
        ["diving", isPlain ? native("diving", `diving file://${path} -o /dev/null --no-verify-dup --no-ai-history || true`) : null, listed],
        ["gzip -dc | sha256sum", form === "docker.tar.gz" ? native("gzip", `gzip -dc ${path} | sha256sum`) : null, read],
        ["dive", isPlain ? native("dive", `dive --ci docker-archive://${path} || true`) : null, read],
      ];
      console.log(
        [
          `${size}.${form}: layers named after ${best((run) => run.images).toFixed(0)} ms, listed after ${listed.toFixed(0)} ms, all read after ${read.toFixed(0)} ms; peak of the page's process ${peakMiB().toFixed(0)} MiB`,
          ...peers.filter(([, ms]) => ms !== null).map(([name, ms, ours]) => `  ${name} ${ms?.toFixed(0)} ms: ${(ours / (ms ?? NaN)).toFixed(2)}x`),
        ].join("\n"),
      );
    });
  }
}
