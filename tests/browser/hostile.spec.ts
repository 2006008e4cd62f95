// Archives that mean harm, and tars that are no images.

import { hostile } from "./fixtures/archive";
import { entries, entry, layers, openFile, opener } from "./fixtures/inspect";
import { button, openPage } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

test("a layer that inflates without end is stopped by its limit, kept, and read on when asked", async ({ page }) => {
  test.slow();
  await openPage(page);
  await openFile(page, hostile("bomb-gzip.tar.gz"));
  await expect(page.getByRole("alert")).toHaveText("Something is wrong with one layer: it says what.", { timeout: 60_000 });
  const layer = page.getByRole("region", { name: "Layer", exact: true });
  await expect(layer).toContainText("it inflates beyond the limit");
  await expect(layers(page)).toContainText("problem");
  await expect(entries(page)).not.toHaveCount(0);
  await expectAccessible(page);
  await button(page, "Read on past the limit").press("Enter");
  const progress = page.getByRole("progressbar");
  await expect(progress).toBeVisible();
  await button(page, "Cancel").click();
  await expect(progress).toHaveCount(0);
  await expect(page.getByRole("region", { name: "Overview" })).toContainText("Reading was cancelled");
  await expect(entries(page)).not.toHaveCount(0);
  await expectAccessible(page);
});

test("names with HTML, control characters and turned direction are shown as what they are", async ({ page }) => {
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.message());
    return dialog.dismiss();
  });
  await openPage(page);
  for (const [file, names] of Object.entries({
    "html-names.tar": ["<img src=x onerror=alert(1)>", "javascript:alert(3)"],
    "rtl-override.tar": ["invoice⟨U+202E⟩fdp.exe", "⟨U+2066⟩⟨U+202E⟩abc⟨U+2069⟩", "admin⟨U+200B⟩"],
    "terminal-escapes.tar": ["⟨U+001B⟩[2J⟨U+001B⟩[1;1Hcleared", "a⟨U+000D⟩b", "⟨U+0008⟩⟨U+0008⟩⟨U+0008⟩bs"],
  })) {
    await openFile(page, hostile(file));
    for (const name of names) await expect(entry(page, name)).toBeVisible();
    await expect(page.locator("main img, main script")).toHaveCount(0);
  }
  expect(asked).toEqual([]);
});

test("a tar of files, as docker export writes it, opens as one layer", async ({ page }) => {
  await openPage(page);
  await openFile(page, hostile("rootfs.tar.gz"));
  await expect(page.getByRole("alert")).toContainText("this tar archive holds no image");
  await expectAccessible(page);
  await button(page, "Open it as one layer").press("Enter");
  await expect(page.getByRole("region", { name: "Overview" }).getByRole("status")).toHaveText(
    "It was hashed. No configuration names it.",
  );
  await expect(layers(page)).toHaveCount(1);
  await expect(entry(page, "etc")).toBeVisible();
  await expect(opener(page)).toBeEnabled();
  await expectAccessible(page);
});
