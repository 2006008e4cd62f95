// Waste: what the image carries for nothing, in numbers that are on record.

import { readFileSync } from "node:fs";
import { expectAccessible } from "./fixtures/test";
import { corpusImage } from "./fixtures/archive";
import { bytes, entry, expectVerified, openFile, viewTab } from "./fixtures/inspect";
import { openPage } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

interface WasteTruth {
  totals: { hiddenBytes: number };
  hidden: { path: string; layer: number; size: number; hiddenBy: number }[];
  duplicateContent: { size: number; paths: string[] }[];
  dive: { efficiency: number; wastedBytes: number };
}

const truth = (
  JSON.parse(readFileSync("tests/corpus/images/docker20-sample.truth.json", "utf8")) as { images: WasteTruth[] }
).images[0] as WasteTruth;

test.beforeEach(async ({ page }) => {
  await openPage(page);
  await openFile(page, corpusImage("docker20-sample").file);
  await expectVerified(page);
  await viewTab(page, "Waste").click();
});

test("waste: both scores are those on record", async ({ page }) => {
  const ours = page.getByRole("region", { name: "Layerlab's measure" });
  await expect(ours.locator(".score-value [title]")).toHaveAttribute("title", bytes(truth.totals.hiddenBytes));
  const dive = page.getByRole("region", { name: "dive's measure" });
  await expect(dive.locator(".score-value")).toHaveText(`${(Math.floor(truth.dive.efficiency * 1000) / 10).toFixed(1)} %`);
  await expect(dive.getByTitle(bytes(truth.dive.wastedBytes))).toBeVisible();

  await test.step("copies are found once contents are read", async () => {
    await page.getByRole("button", { name: /^Read .* to be sure$/ }).click();
    const copies = truth.duplicateContent.reduce((sum, one) => sum + one.size * (one.paths.length - 1), 0);
    await expect(ours.locator(".score-value [title]")).toHaveAttribute("title", bytes(truth.totals.hiddenBytes + copies));
    for (const path of truth.duplicateContent[0]?.paths ?? []) {
      await expect(page.getByRole("table", { name: "Copies" }).getByRole("button", { name: `/${path}`, exact: true })).toBeVisible();
    }
  });
  await expectAccessible(page);
});

test("waste: hidden content with the instruction behind it, and what to write", async ({ page }) => {
  const rows = page.getByRole("table", { name: "Hidden content", exact: true }).getByRole("row");
  await expect(rows).toHaveCount(truth.hidden.length);
  for (const [idx, hidden] of [...truth.hidden].sort((a, b) => b.size - a.size).entries()) {
    await expect(rows.nth(idx)).toContainText(`/${hidden.path}`);
    await expect(rows.nth(idx).getByTitle(bytes(hidden.size))).toBeVisible();
    await expect(rows.nth(idx)).toContainText(`by layer ${hidden.hiddenBy + 1}`);
  }
  await test.step("a secret that a later layer removes is told", async () => {
    const secret = page.getByRole("region", { name: "Secrets" }).getByRole("listitem").filter({ hasText: "/root/.aws/credentials" });
    await expect(secret).toContainText("Hidden by layer 7, and still in the image");
    // It was copied in, so that .dockerignore keeps it out.
    await expect(secret).toContainText("**/credentials");
    await secret.getByRole("button", { name: "/root/.aws/credentials" }).click();
    await expect(entry(page, "credentials")).toBeVisible();
  });
});

test("waste: base layers are left out", async ({ page }) => {
  const n = 4;
  await page.getByLabel("Base layers left out").selectOption(String(n));
  const above = truth.hidden.filter((hidden) => hidden.layer >= n).reduce((sum, hidden) => sum + hidden.size, 0);
  await expect(page.getByRole("region", { name: "Layerlab's measure" }).locator(".score-value [title]")).toHaveAttribute(
    "title",
    bytes(above),
  );
});

test("waste: dive's rules with other thresholds", async ({ page }) => {
  const rules = page.getByRole("region", { name: "dive's rules" });
  const rule = (name: string) => rules.getByRole("row").filter({ hasText: name });
  await expect(rule("lowestEfficiency")).toContainText("PASS");
  await expect(rule("highestWastedBytes")).toContainText("SKIP");
  await rules.getByLabel("Threshold of lowestEfficiency").fill("0.99");
  await expect(rule("lowestEfficiency")).toContainText("FAIL");
  await expect(rules.getByRole("status").first()).toHaveText("Result: FAIL");
  await rules.getByLabel("Threshold of highestWastedBytes").fill("20 apples");
  await expect(rule("highestWastedBytes")).toContainText("ERROR");
  await expectAccessible(page);
  await rules.getByLabel("Threshold of highestWastedBytes").fill(String(truth.dive.wastedBytes));
  await expect(rule("highestWastedBytes")).toContainText("PASS");
  await expect(rules.getByLabel(".dive-ci", { exact: true })).toHaveText(
    `rules: lowestEfficiency: 0.99 highestWastedBytes: ${truth.dive.wastedBytes} highestUserWastedPercent: 0.1`,
  );
});
