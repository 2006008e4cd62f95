// What the page takes in Chromium: from a key press to its verdicts, and for
// reading a tarball next to what `sha256sum` takes for the same file.
// Run by `make bench`; it asserts nothing about speed, since machines differ.

import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { type Page, test } from "@playwright/test";
import { type LargeArchive, writeLargeArchive } from "../browser/fixtures/archive";
import { expectVerified, opener } from "../browser/fixtures/inspect";
import { note, pasteChanges } from "../browser/fixtures/project";
import { button, editor, openPage, paste, status } from "../browser/fixtures/simulate";

const N_KEYS = 100;
const N_MEGABYTES = 512;
const N_READS = 3;

/** The values at these parts of their order: 0.5 is the median. */
function quantiles(values: number[], ...parts: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return parts.map((part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN);
}

function table(title: string, rows: [string, string][]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log([title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join("\n"));
}

/** Notes, from now on, when each key went down, when the summary changed, and when that was painted. */
async function observeKeys(page: Page): Promise<() => Promise<{ told: number; painted: number }[]>> {
  const samples = await status(page).evaluateHandle((sentence) => {
    const samples: { told: number; painted: number }[] = [];
    let pressed = 0;
    addEventListener("keydown", (event) => (pressed = event.timeStamp), { capture: true });
    new MutationObserver(() => {
      const sample = { told: performance.now() - pressed, painted: NaN };
      const start = pressed;
      samples.push(sample);
      requestAnimationFrame(() => setTimeout(() => (sample.painted = performance.now() - start)));
    }).observe(sentence, { characterData: true, childList: true, subtree: true });
    return samples;
  });
  return () => samples.jsonValue();
}

test("from a key press to new verdicts", async ({ page }) => {
  await openPage(page);
  await editor(page).click();
  // Behind `npm install`: every second key changes the instruction, every other undoes that.
  await page.keyboard.press("ControlOrMeta+Home");
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "End"]) await page.keyboard.press(key);
  const read = await observeKeys(page);
  for (let n = 0; n < N_KEYS; n++) {
    await page.keyboard.press(n % 2 === 0 ? "x" : "Backspace");
    // A pause as between the keys of someone who types fast.
    await page.waitForTimeout(60);
  }
  const samples = await read();
  if (samples.length !== N_KEYS) throw new Error(`${samples.length} of ${N_KEYS} keys changed the verdicts`);
  const line = (values: number[]) => {
    const [median, most, worst] = quantiles(values, 0.5, 0.95, 1).map((value) => value.toFixed(1));
    return `median ${median} ms, 95% within ${most} ms, worst ${worst} ms`;
  };
  table(`key press to new verdicts, ${N_KEYS} keys in the worked example`, [
    ["in the document", line(samples.map((sample) => sample.told))],
    ["painted", line(samples.map((sample) => sample.painted))],
  ]);
});

test("from an edit to verdicts, with 100,000 files and 250 instructions, next to sha256 of 10 MB", async ({ page }) => {
  test.setTimeout(300_000);
  await openPage(page);
  const folders = 60;
  const paths = Array.from({ length: 100_000 }, (_, n) => `dir${n % folders}/part${n % 97}/file${n}.js`);
  await pasteChanges(page, paths.join("\n"));
  await note(page).getByText("100000 files of the list are the context now.").waitFor({ timeout: 120_000 });
  const stages = Array.from({ length: folders }, (_, n) => `FROM debian:12 AS s${n}\nCOPY dir${n}/ /srv/\nRUN make ${n}\n`);
  const copies = Array.from({ length: folders }, (_, n) => `COPY --from=s${n} /srv /srv${n}\n`);
  await paste(page, `${stages.join("")}FROM scratch\n${copies.join("")}CMD ["a"]\n`);
  await button(page, "Build").click();
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+Home");
  for (const key of ["ArrowDown", "ArrowDown", "End"]) await page.keyboard.press(key);
  const measured = await page.evaluateHandle(() => {
    const measured: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) if (name === "verdicts") measured.push(duration);
    });
    observer.observe({ type: "measure" });
    return measured;
  });
  const read = await observeKeys(page);
  const hashes: number[] = [];
  const bytes = randomBytes(10_000_000);
  for (let n = 0; n < N_KEYS / 4; n++) {
    await page.keyboard.press(n % 2 === 0 ? "x" : "Backspace");
    await page.waitForTimeout(200);
    const start = performance.now();
    createHash("sha256").update(bytes).digest();
    hashes.push(performance.now() - start);
  }
  const samples = (await read()).map((sample) => sample.told);
  if (samples.length !== N_KEYS / 4) throw new Error(`${samples.length} of ${N_KEYS / 4} keys changed the verdicts`);
  const engine = await measured.jsonValue();
  const [hash] = quantiles(hashes, 0.5);
  const line = (values: number[]) => {
    const [median, most] = quantiles(values, 0.5, 0.95);
    return `median ${median?.toFixed(1)} ms (${((median ?? NaN) / (hash ?? NaN)).toFixed(2)}x), 95% within ${most?.toFixed(1)} ms`;
  };
  table(`an edit of the Dockerfile, ${N_KEYS / 4} keys with 100,000 files and 250 instructions`, [
    ["native sha256 of 10 MB", `median ${hash?.toFixed(1)} ms`],
    ["the engine in wasm, edit to verdicts", line(engine)],
    ["key press to rows in the document", line(samples)],
  ]);
});

/** A Dockerfile of moby's shape: 239 instructions in 59 stages, most of them one COPY and one RUN with mounts. */
function large(): string {
  const stages = Array.from({ length: 57 }, (_, n) => [
    `FROM ${n % 3 === 2 ? `stage${n - 1}` : "base"} AS stage${n}`,
    `ARG VERSION_${n}=v1.${n}`,
    `COPY hack/dockerfile/${n}.sh /x/`,
    `RUN --mount=type=cache,target=/root/.cache/go-build,id=build${n} ./x/${n}.sh "$VERSION_${n}"`,
  ]);
  return [
    "ARG GO_VERSION=1.23",
    "FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS base",
    "RUN apt-get update",
    "WORKDIR /go/src",
    ...stages.flat(),
    "FROM base",
    ...[0, 8, 16, 24, 32, 40].map((n) => `COPY --from=stage${n} /x /out${n}`),
    "COPY . .",
    'CMD ["sh"]',
    "",
  ].join("\n");
}

test("a key press with 20,000 files and a Dockerfile of moby's shape", async ({ page }) => {
  test.setTimeout(300_000);
  // Frames of an animation are no answer to a key.
  await page.emulateMedia({ reducedMotion: "reduce" });
  await openPage(page);
  const paths = Array.from({ length: 20_000 }, (_, n) => `hack/dockerfile/${n < 57 ? `${n}.sh` : `part${n % 200}/file${n}.go`}`);
  await pasteChanges(page, paths.join("\n"));
  await note(page).getByText("20000 files of the list are the context now.").waitFor({ timeout: 120_000 });
  await paste(page, large());
  await button(page, "Build").click();
  await editor(page).click();
  // At the end of the RUN of a stage in the middle, which others build on.
  await page.keyboard.press("ControlOrMeta+Home");
  for (let n = 1; n < 4 + 4 * 25; n++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const spent = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (name: string) => 1000 * (metrics.find((metric) => metric.name === name)?.value ?? NaN);
  };
  // Words are typed and taken back.
  const press = (n: number) => page.keyboard.press(n % 40 < 20 ? String.fromCharCode(97 + (n % 26)) : "Backspace");
  const hashes: number[] = [];
  const bytes = randomBytes(10_000_000);
  const parts = ["TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration"];
  const keys: Record<string, number>[] = [];
  for (let n = 0; n < N_KEYS; n++) {
    const before = await spent();
    await press(n);
    await page.waitForTimeout(200);
    const after = await spent();
    const start = performance.now();
    createHash("sha256").update(bytes).digest();
    hashes.push(performance.now() - start);
    keys.push(Object.fromEntries(parts.map((name) => [name, after(name) - before(name)])));
  }
  // Apart from that, since counting frames makes the page draw each of them.
  const frames: number[] = [];
  for (let n = 0; n < N_KEYS / 4; n++) {
    const told = await page.evaluateHandle(() => {
      const told = { frames: 0, isThere: false };
      const count = () => {
        if (told.isThere) return;
        told.frames += 1;
        requestAnimationFrame(count);
      };
      addEventListener("keydown", () => requestAnimationFrame(count), { once: true, capture: true });
      const observer = new MutationObserver(() => ((told.isThere = true), observer.disconnect()));
      observer.observe(document.querySelector(".picture") ?? document.body, { attributes: true, childList: true, characterData: true, subtree: true });
      return told;
    });
    await press(n);
    await page.waitForTimeout(200);
    frames.push((await told.jsonValue()).frames + 1);
  }
  const line = (values: number[]) => {
    const [median, most, worst] = quantiles(values, 0.5, 0.95, 1).map((value) => value.toFixed(1));
    return `median ${median}, 95% within ${most}, worst ${worst}`;
  };
  table(`the page's thread for a key press, ${N_KEYS} keys, 20,000 files, moby's shape, in ms`, [
    ...parts.map((name): [string, string] => [name, line(keys.map((key) => key[name] ?? NaN))]),
    ["frames to the new verdicts", line(frames)],
    ["native sha256 of 10 MB meanwhile", line(hashes)],
  ]);
});

test.describe("reading", () => {
  let archive: LargeArchive;
  test.beforeAll(() => {
    archive = writeLargeArchive(N_MEGABYTES, randomBytes(1 << 20));
  });
  test.afterAll(() => archive.remove());

  test("a tarball in the worker, next to sha256sum", async ({ page }) => {
    test.setTimeout(300_000);
    await openPage(page);
    await page.getByRole("link", { name: "Inspect" }).click();
    const inWorker: number[] = [];
    const native: number[] = [];
    for (let n = 0; n < N_READS; n++) {
      // From the moment that the file is chosen to the last word about it.
      const took = await page.evaluateHandle(() => {
        const took = { ms: NaN };
        let start = NaN;
        addEventListener("change", () => (start = performance.now()), { capture: true, once: true });
        const observer = new MutationObserver(() => {
          const isDone = [...document.querySelectorAll("[role=status]")].some((told) => told.textContent?.startsWith("Every layer"));
          if (Number.isNaN(start) || !isDone || document.querySelector("progress")) return;
          took.ms = performance.now() - start;
          observer.disconnect();
        });
        observer.observe(document.body, { childList: true, subtree: true });
        return took;
      });
      await opener(page).setInputFiles(archive.path);
      await page.getByRole("progressbar").waitFor({ state: "attached" });
      await page.getByRole("progressbar").waitFor({ state: "detached", timeout: 120_000 });
      await expectVerified(page);
      inWorker.push((await took.jsonValue()).ms);

      const start = performance.now();
      execFileSync("sha256sum", [archive.path]);
      native.push(performance.now() - start);
    }
    const speed = (ms: number) => archive.bytes / 1e6 / (ms / 1000);
    const [worker] = quantiles(inWorker, 0.5).map(speed);
    const [sum] = quantiles(native, 0.5).map(speed);
    if (!worker || !sum) throw new Error("nothing was measured");
    table(`reading a docker-archive of ${(archive.bytes / 1e6).toFixed(0)} MB, median of ${N_READS}`, [
      ["worker, every layer hashed", `${worker.toFixed(0)} MB/s`],
      ["native sha256sum of the file", `${sum.toFixed(0)} MB/s`],
      ["ratio", (worker / sum).toFixed(2)],
    ]);
  });
});
