// How an image was made: its steps, and its Dockerfile in Simulate.

import { corpusImage } from "./fixtures/archive";
import { expectVerified, openFile, viewTab } from "./fixtures/inspect";
import { editor, openPage } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("the history is read step by step, and its Dockerfile is opened in Simulate", async ({ page }, info) => {
      await openPage(page);
      await openFile(page, corpusImage("docker20-sample").file);
      await expectVerified(page);
      await viewTab(page, "History").focus();
      await page.keyboard.press("Enter");
      const history = page.getByRole("region", { name: "History", exact: true });
      await expect(history.getByRole("row").nth(1)).toBeVisible();
      await expect(history.getByRole("row").filter({ hasText: "/root/.aws" }).first()).toContainText("layer");
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("history.png") });
      await page.setViewportSize({ width: 400, height: 900 });
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("history-400.png"), fullPage: true });
      await page.setViewportSize({ width: 1440, height: 900 });
      await history.getByRole("button", { name: "Open in Simulate" }).focus();
      await page.keyboard.press("Enter");
      await expect(editor(page)).toContainText("/root/.aws");
      await page.getByRole("link", { name: "Inspect" }).click();
      await expect(history).toContainText(/[1-9]\d* of \d+ steps that made a layer have the words/);
    });
  });
}
