// What does not load, does not last or is not what it was: the page says so and goes on.

import { utimesSync } from "node:fs";
import { corpusImage, writeLargeArchive } from "./fixtures/archive";
import { expectVerified, openFile, opener, progress } from "./fixtures/inspect";
import { button, cached, editor, expectSteps, METADATA, openPage, showSteps, slab, status } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

test("without its editor's code the page has a plain text area", async ({ page, complaints }) => {
  // Else it would be had from what the browser keeps.
  await page.context().route("**/sw.js", (route) => route.abort());
  await page.route(/\/editor-[^/]*\.js$/, (route) => route.abort());
  await openPage(page);
  await showSteps(page);
  await expect(editor(page)).toHaveValue(/^FROM node:alpine\n/);
  await editor(page).fill('FROM node:alpine\nWORKDIR /app\nRUN npm ci\nCMD ["npm"]\n');
  await expectSteps(page, [
    ...cached("FROM node:alpine", "WORKDIR /app"),
    ["RUN npm ci", "rebuilds", "no build has had this step yet"],
    ['CMD ["npm"]', "metadata only", METADATA],
  ]);
  await slab(page, "RUN npm ci").click();
  await expect(page.getByRole("region", { name: "Why" })).toContainText("Rebuilds because no build has had this step yet.");
  await page.reload();
  await expect(editor(page)).toHaveValue(/RUN npm ci/);
  complaints.length = 0;
});

test("without the worker's code images cannot be read, and edits are still judged", async ({ page, complaints }) => {
  await page.route(/\/worker-[^/]*\.wasm$/, (route) => route.fulfill({ status: 404, body: "gone" }));
  await openPage(page);
  await button(page, "Edit index.js").click();
  await expect(status(page)).toHaveText(/^4 of 5 steps cached, 1 rebuilds\./);
  await openFile(page, corpusImage("docker20-sample").file);
  await expect(page.getByRole("alert").filter({ hasText: "Images cannot be read" })).toContainText("answered 404");
  await expect(page.getByRole("alert").filter({ hasText: "docker20-sample.tar cannot be opened" })).toBeVisible();
  await expect(progress(page)).toHaveCount(0);
  complaints.length = 0;
});

test("what was saved and cannot be read is told, and edits are kept again", async ({ page }) => {
  await openPage(page);
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("layerlab");
        request.onerror = reject;
        request.onsuccess = () => {
          const transaction = request.result.transaction("session", "readwrite");
          transaction.objectStore("session").put('{"version":', "texts");
          transaction.oncomplete = resolve;
          localStorage.setItem("texts", '{"version":');
        };
      }),
  );
  await page.reload();
  await expect(page.getByRole("alert")).toContainText("what was saved here cannot be read");
  await expect(status(page)).toHaveText("Nothing rebuilds: all 5 steps are cached.");
  await button(page, "Edit index.js").click();
  await page.reload();
  await expect(status(page)).toHaveText(/^4 of 5 steps cached, 1 rebuilds\./);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a file that changed on disk before the rest of it is read is told, and the next one is read", async ({ page }) => {
  const archive = writeLargeArchive(1024);
  try {
    await openPage(page);
    await openFile(page, archive.path);
    await expect.poll(async () => Number(await progress(page).getAttribute("value"))).toBeGreaterThan(0);
    await button(page, "Cancel").click();
    utimesSync(archive.path, 1, 1);
    await button(page, "Go on").click();
    await expect(page.getByRole("alert")).toHaveText("Something is wrong with one layer: it says what.");
    const layer = page.getByRole("region", { name: "Layer", exact: true });
    await expect(layer).toContainText("if the file changed on disk, open it again");
    await opener(page).setInputFiles(corpusImage("podman-oci-archive").file);
    await expectVerified(page);
  } finally {
    archive.remove();
  }
});
