// A file of a gigabyte is read without disturbing whoever types.

import { type LargeArchive, writeLargeArchive } from "./fixtures/archive";
import { entry, expectVerified, facts, openFile, opener, progress } from "./fixtures/inspect";
import { button, editor, openPage, status, typeNearEnd } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

let archive: LargeArchive;
test.beforeAll(() => {
  archive = writeLargeArchive(1024);
});
test.afterAll(() => archive.remove());

test("one gigabyte: typing goes on meanwhile, cancel ends it, and it is read in full", async ({ page }) => {
  test.slow();
  await openPage(page);
  await openFile(page, archive.path);
  await expect(progress(page)).toBeVisible();

  await test.step("twenty keys, each shown before the file is read", async () => {
    await page.getByRole("link", { name: "Simulate" }).click();
    await expect(editor(page)).toContainText('"start"]');
    await typeNearEnd(page, 2, "-abcdefghijklmnopqrs");
    await expect(editor(page)).toContainText('CMD ["npm", "start-abcdefghijklmnopqrs"]');
    await expect(page.getByRole("region", { name: "Summary" })).toContainText("CMD changed");
    await expect(status(page)).toHaveText("Nothing rebuilds: all 5 steps are cached.");
    await page.getByRole("link", { name: "Inspect" }).click();
    await expect(progress(page)).toBeVisible();
    const read = Number(await progress(page).getAttribute("value"));
    expect(read).toBeLessThan(archive.bytes);
  });

  await test.step("cancel", async () => {
    await button(page, "Cancel").click();
    await expect(progress(page)).toHaveCount(0);
    await expect(page.getByRole("region", { name: "Overview" }).getByRole("status")).toContainText(
      "Reading was cancelled: 0 of 1 layers are hashed.",
    );
    // What is listed stays of use.
    await expect(entry(page, "data")).toBeVisible();
  });

  await test.step("go on", async () => {
    await button(page, "Go on").click();
    await expect(progress(page)).toBeVisible();
    await expectVerified(page);
  });

  await test.step("again, with progress in bytes, to the end", async () => {
    await opener(page).setInputFiles(archive.path);
    await expect(progress(page)).toHaveAttribute("max", /^10737\d{5}$/);
    const read = async () => Number(await progress(page).getAttribute("value"));
    await expect.poll(read).toBeGreaterThan(0);
    const before = await read();
    await expect.poll(read).toBeGreaterThan(before);
    await expectVerified(page);
    expect(await facts(page, "Layer")).toMatchObject({ Files: "1,073,741,824 bytes", diffID: archive.diffId });
  });
});
