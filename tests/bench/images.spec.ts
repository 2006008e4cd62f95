// Large images in Chromium, next to what native tools take for the same files in the same run.
//
// LAYERLAB_IMAGES names the folder that `make-images.sh` filled: medium.docker.tar and the
// like. Tools that are not installed are left out; the spec says so.

import { execFileSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** The memory of each worker's program, which never shrinks. */
async function workersMiB(page: Page): Promise<string> {
  const sizes = page.workers().map((worker) => worker.evaluate("self.memory?.buffer.byteLength ?? 0"));
  return (await Promise.all(sizes)).map((bytes) => (Number(bytes) / 2 ** 20).toFixed(0)).join(", ");
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
          `${size}.${form}: layers named after ${best((run) => run.images).toFixed(0)} ms, listed after ${listed.toFixed(0)} ms, all read after ${read.toFixed(0)} ms; workers' memory ${await workersMiB(page)} MiB; peak of the page's process ${peakMiB().toFixed(0)} MiB`,
          ...peers.filter(([, ms]) => ms !== null).map(([name, ms, ours]) => `  ${name} ${ms?.toFixed(0)} ms: ${(ours / (ms ?? NaN)).toFixed(2)}x`),
        ].join("\n"),
      );
    });
  }
}

/** The header of a member. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits - 1, "0")}\0`;
  block.write(name);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  // Beyond eight gigabytes the digits do not suffice: base 256 then.
  if (size < 8 ** 11) block.write(octal(size, 12), 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write(octal(0, 12), 136);
  block.write("        0", 148);
  block.write("ustar\u000000", 257);
  block.write(octal(block.reduce((sum, byte) => sum + byte, 0), 8), 148);
  return block;
}

/** An image of layers that hold so many empty files, or one file of zeros that long. */
function made(layers: { files: number; zeros: number }[]): { path: string; forget: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "layerlab-"));
  const path = join(folder, "made.docker.tar");
  const file = openSync(path, "w");
  let at = 0;
  const put = (bytes: Buffer) => {
    writeSync(file, bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  for (const [idx, { files, zeros }] of layers.entries()) {
    put(header(`layer${idx}.tar`, 512 * (files + 1) + zeros + 1024));
    for (let n = 0; n < files; n += 1000) {
      put(Buffer.concat(Array.from({ length: 1000 }, (_, idx) => header(`usr/share/of/${n}/an/ordinary/length/file-${idx}`, 0))));
    }
    put(header("zeros", zeros));
    // A hole of the file: it takes no room on the disk.
    at += zeros + 1024;
  }
  const config = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: layers.map(() => `sha256:${"0".repeat(64)}`) } });
  const manifest = JSON.stringify([{ Config: "config.json", RepoTags: ["made:1"], Layers: layers.map((_, idx) => `layer${idx}.tar`) }]);
  for (const [name, text] of [["config.json", config], ["manifest.json", manifest]] as const) {
    put(header(name, text.length));
    put(Buffer.from(text.padEnd(Math.ceil(text.length / 512) * 512, "\0")));
  }
  ftruncateSync(file, at + 1024);
  closeSync(file);
  return { path, forget: () => rmSync(folder, { recursive: true }) };
}

for (const [title, layers] of [
  ["a layer of 1,000,000 entries", [{ files: 1_000_000, zeros: 0 }]],
  ["an archive of 10 GB", Array.from({ length: 5 }, () => ({ files: 1000, zeros: 2e9 - (2e9 % 512) }))],
] as const) {
  test(title, async ({ page }) => {
    test.skip(FOLDER === "", "it takes long");
    test.setTimeout(600_000);
    const { path, forget } = made([...layers]);
    const times = await inPage(page, path);
    console.log(
      `${title}: listed after ${times.listed.toFixed(0)} ms, all read after ${times.read.toFixed(0)} ms; workers' memory ${await workersMiB(page)} MiB; peak of the page's process ${peakMiB().toFixed(0)} MiB`,
    );
    forget();
  });
}
