// Two images side by side: what they share, what is transferred, what differs.

import { corpusImage } from "./fixtures/archive";
import { opener } from "./fixtures/inspect";
import { openPage } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("two images of an archive are compared, swapped, handed on, and a path leads to Inspect", async ({ page }, info) => {
      await openPage(page);
      await page.getByRole("link", { name: "Compare" }).focus();
      await page.keyboard.press("Enter");
      await expect(page.getByRole("heading", { name: "Compare two images" })).toBeVisible();
      await expectAccessible(page);
      await opener(page).setInputFiles(corpusImage("docker20-two-images").file);
      const said = page.getByRole("region", { name: "In short" });
      await expect(said).toContainText(/Shares \d+ of \d+ layers with .+ A pull for someone who has that one takes/);
      const paths = page.getByRole("region", { name: "Paths that differ" });
      await expect(paths.getByRole("listitem").first()).toContainText(/added|removed|content|metadata/);
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("compare.png"), fullPage: true });
      await page.setViewportSize({ width: 400, height: 900 });
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("compare-400.png"), fullPage: true });
      await page.setViewportSize({ width: 1440, height: 900 });

      const before = page.getByRole("combobox", { name: "Before" });
      const first = await before.inputValue();
      await page.getByRole("button", { name: "Swap" }).click();
      await expect(before).not.toHaveValue(first);
      const saved = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save Markdown" }).click();
      expect((await saved).suggestedFilename()).toBe("compare.md");
      await paths.getByRole("button").first().click();
      await expect(page).toHaveURL(/#\/inspect/);
    });
  });
}
