// Inspect: the tree of a layer and of all up to it, files, and what they were in other layers.

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { corpusImage, largeTree, upload } from "./fixtures/archive";
import { cell, entries, entry, expectVerified, layers, openFile, tree, viewTab } from "./fixtures/inspect";
import { button, openPage } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

test("open: a sample image that came with the page is looked into without a request", async ({ page }) => {
  await openPage(page);
  await page.getByRole("link", { name: "Inspect" }).click();
  const sample = button(page, "Look into the sample image");
  await expect(sample).toBeVisible();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await sample.click();
  await expectVerified(page);
  expect(asked.filter((url) => !url.startsWith("blob:"))).toEqual([]);
  await layers(page).filter({ hasText: "rm .env" }).click();
  await expect(cell(entry(page, ".env"), "change")).toContainText("removed");
  await expect(cell(entry(page, "config.yaml"), "change")).toContainText("content");
  await entry(page, ".env").click();
  // Whoever has the image reads it all the same.
  await expect(page.getByRole("textbox", { name: /read only/ })).toContainText("not-for-everyone");
});

test("open: several images at once, each with its own layers, and one is closed", async ({ page }) => {
  const [one, two] = [corpusImage("docker20-sample"), corpusImage("podman-oci-archive")];
  await openPage(page);
  await openFile(page, one.file);
  await expectVerified(page);
  await openFile(page, two.file);
  await expectVerified(page);
  const archives = page.getByRole("list", { name: "Archives" });
  await expect(archives.getByRole("listitem")).toHaveCount(2);
  await expect(layers(page)).toHaveCount(two.truth.images[0]?.layers.length ?? 0);
  await archives.getByRole("button", { name: "docker20-sample.tar", exact: true }).click();
  await expect(layers(page)).toHaveCount(one.truth.images[0]?.layers.length ?? 0);
  await expect(entry(page, "busybox")).toBeVisible();
  await button(page, "Close docker20-sample.tar").click();
  await expect(archives.getByRole("listitem")).toHaveCount(1);
  await expect(layers(page)).toHaveCount(two.truth.images[0]?.layers.length ?? 0);
  await expect(entries(page)).not.toHaveCount(0);
});

test("tree: changes by kind, filter, order, and folds", async ({ page }) => {
  await openPage(page);
  await openFile(page, corpusImage("docker20-sample").file);
  await expectVerified(page);
  await layers(page).filter({ hasText: "chmod 600" }).click();
  await expect(cell(entry(page, "site.css"), "change")).toContainText("modified mode");
  await button(page, "Aggregated").click();
  const pattern = page.getByRole("searchbox", { name: "Filter by path" });
  await test.step("a glob", async () => {
    await pattern.fill("*.css");
    await expect(entry(page, "site.css")).toBeVisible();
    await expect(entry(page, "busybox")).toHaveCount(0);
  });
  await test.step("a bad regular expression is told at the field", async () => {
    await button(page, "Regular expression").click();
    await pattern.fill("(");
    await expect(pattern).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByRole("alert")).not.toHaveCount(0);
    await expectAccessible(page);
    await pattern.fill("\\.css$");
    await expect(entry(page, "site.css")).toBeVisible();
  });
  await button(page, "Clear").click();
  await test.step("a least size", async () => {
    await page.getByRole("textbox", { name: "Least size" }).fill("1 MB");
    await expect(entry(page, "busybox")).toBeVisible();
    await expect(entry(page, "srv")).toHaveCount(0);
    await page.getByRole("textbox", { name: "Least size" }).fill("");
  });
  await test.step("by size, then folded", async () => {
    await tree(page).getByRole("button", { name: "Size" }).click();
    await expect(tree(page).getByRole("columnheader", { name: "Size" })).toHaveAttribute("aria-sort", "descending");
    await expect(entries(page).first()).toContainText("bin");
    await button(page, "Fold all").click();
    await expect(entry(page, "busybox")).toHaveCount(0);
  });
  await button(page, "Biggest first").click();
  await expect(page.getByRole("table", { name: "Biggest files" }).getByRole("row").first()).toContainText("/bin/busybox");
});

test("file: text, hex, difference to the layer before, and its life across layers", async ({ page }) => {
  await openPage(page);
  await openFile(page, corpusImage("docker20-sample").file);
  await expectVerified(page);
  await layers(page).filter({ hasText: "print(\"again\")" }).click();
  await entry(page, "main.py").click();
  await expect(viewTab(page, "main.py")).toHaveAttribute("aria-selected", "true");
  await expect(page.getByRole("textbox", { name: /main\.py, Layer 12, read only/ })).toContainText('print("again")');
  const life = page.getByRole("region", { name: "Across layers" }).getByRole("button");
  await expect(life).toContainText(["Layer 4added", "Layer 11removed", "Layer 12added"]);
  await expectAccessible(page);
  await button(page, "Hex").click();
  await expect(page.getByRole("table", { name: "Bytes" }).getByRole("row").first()).toContainText("70 72 69 6e 74 28");
  await life.first().click();
  await expect(page.getByText("in layer 4")).toBeVisible();
  await button(page, "Show in tree").click();
  await expect(entry(page, "main.py")).toHaveAttribute("aria-selected", "true");
});

test("save: a file and a layer are what the image names", async ({ page }) => {
  const { file, truth } = corpusImage("docker20-sample");
  await openPage(page);
  // As in a browser that has no dialog to save.
  await page.evaluate(() => Reflect.deleteProperty(window, "showSaveFilePicker"));
  await openFile(page, file);
  await expectVerified(page);
  const saved = async (press: () => Promise<void>) => {
    const download = page.waitForEvent("download");
    await press();
    return readFileSync(await (await download).path());
  };
  const layer = await saved(() => button(page, "Save layer").click());
  expect(`sha256:${createHash("sha256").update(layer).digest("hex")}`).toBe(truth.images[0]?.layers[0]?.blobDigest);
  await layers(page).filter({ hasText: "print(\"again\")" }).click();
  await entry(page, "main.py").click();
  const text = await saved(() => page.getByRole("tabpanel").getByRole("button", { name: "Save", exact: true }).click());
  expect(text.toString()).toBe('print("again")\n');
});

test("tree: 100,000 rows are walked from end to end, with few of them on the page", async ({ page }) => {
  test.slow();
  await openPage(page);
  await openFile(page, upload("many.tar", largeTree(1000, 100)));
  await expectVerified(page);
  await button(page, "Unfold all").click();
  await expect(tree(page)).toHaveAttribute("aria-rowcount", "101001");
  await tree(page).focus();
  await page.keyboard.press("End");
  await expect(entry(page, "f99")).toHaveAttribute("aria-rowindex", "101001");
  expect(await entries(page).count()).toBeLessThan(120);
  await page.keyboard.press("Home");
  await expect(entries(page).first()).toHaveAttribute("aria-rowindex", "2");
  // In the middle, by the scroll bar.
  await tree(page).evaluate((grid) => grid.scrollTo(0, grid.scrollHeight / 2));
  await expect(entry(page, "d0500")).toBeVisible();
  expect(await entries(page).count()).toBeLessThan(120);
});
