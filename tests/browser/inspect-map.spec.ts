// The map: bytes by folder, as a picture and as a table, and by keyboard alone.

import { readFileSync } from "node:fs";
import { expectAccessible } from "./fixtures/test";
import { corpusImage } from "./fixtures/archive";
import { bytes, expectVerified, layers, openFile, viewTab } from "./fixtures/inspect";
import { openPage } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

interface MapTruth {
  totals: { treeBytes: number; hiddenBytes: number };
  tree: { path: string; type: string; size: number }[];
}

const truth = (
  JSON.parse(readFileSync("tests/corpus/images/docker20-sample.truth.json", "utf8")) as { images: MapTruth[] }
).images[0] as MapTruth;

test("map: folders with their bytes, down and up by keyboard", async ({ page }) => {
  await openPage(page);
  await openFile(page, corpusImage("docker20-sample").file);
  await expectVerified(page);
  await layers(page).first().click();
  await viewTab(page, "Map").click();
  await page.getByRole("button", { name: "Aggregated" }).click();
  const all = truth.totals.treeBytes + truth.totals.hiddenBytes;
  const sum = page.getByRole("group", { name: "Map" }).locator(".map-sum [title]");
  await expect(sum).toHaveAttribute("title", bytes(all));
  const table = page.getByRole("table", { name: "Bytes by folder" });
  const inBin = truth.tree
    .filter((one) => one.path.startsWith("bin/") && one.type === "file")
    .reduce((total, one) => total + one.size, 0);
  const bin = table.getByRole("row").filter({ hasText: "bin/" });
  await expect(bin.getByTitle(bytes(inBin))).toBeVisible();
  await expectAccessible(page);

  const boxes = page.getByRole("group", { name: "Bytes by folder", exact: true }).getByRole("button");
  await expect(boxes.first()).toHaveAccessibleName(/^bin\//);
  await boxes.first().focus();
  await page.keyboard.press("ArrowRight");
  const srv = boxes.nth(1);
  await expect(srv).toBeFocused();
  await expect(srv).toHaveAccessibleName(/^srv\/.*waste$/);
  await page.keyboard.press("Enter");
  const crumbs = page.getByRole("navigation", { name: "Folder" });
  await expect(crumbs.getByRole("button", { name: "srv" })).toHaveAttribute("aria-current", "true");
  await expect(boxes.first()).toHaveAccessibleName(/^app\//);
  await expect(boxes.first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(crumbs.getByRole("button", { name: "app" })).toHaveAttribute("aria-current", "true");
  await expect(boxes.first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(crumbs.getByRole("button")).toHaveText(["/", "srv"]);
  await expect(boxes.first()).toBeFocused();
  await page.keyboard.press("Backspace");
  await expect(crumbs.getByRole("button")).toHaveText(["/"]);
  await expect(sum).toHaveAttribute("title", bytes(all));
});
