// No violation that axe can find, in either colour scheme.

import { corpusImage, upload } from "./fixtures/archive";
import { entry, expectVerified, layers, openFile } from "./fixtures/inspect";
import { button, editor, openPage, paste, showSteps } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("every state of both places is accessible", async ({ page }) => {
      await openPage(page);
      await expect(editor(page)).toBeVisible();
      await expectAccessible(page);

      await button(page, "Edit package.json").click();
      await button(page, "Touch index.js").click();
      await button(page, "Delete README.md").click();
      await showSteps(page);
      await expectAccessible(page);

      // Every verdict but one that is not modeled.
      await paste(page, "FROM node AS a\nRUN a\nFROM node AS b\nRUN b\nFROM node\nCOPY --from=a /x /x\nCMD [\"x\"]\n");
      await button(page, "Build").click();
      await paste(page, "FROM node AS a\nRUN c\nFROM node AS b\nRUN b\nFROM node\nCOPY --from=a /x /x\nCMD [\"x\"]\n");
      await button(page, "Start over").click();
      await expectAccessible(page);
      await button(page, "Keep").click();
      await paste(page, "FROM node\nRUNN x\nMAINTAINER x\n");
      await expect(page.getByRole("list", { name: "Problems" }).getByRole("listitem").first()).toBeVisible();
      await expectAccessible(page);

      await page.getByRole("link", { name: "Inspect" }).click();
      await expectAccessible(page);
      await openFile(page, upload("notes.tar", Buffer.from("text\n".repeat(200))));
      await expect(page.getByRole("alert")).toBeVisible();
      await expectAccessible(page);
      await openFile(page, corpusImage("docker20-sample").file);
      await expectVerified(page);
      await layers(page).filter({ hasText: "RUN rm -rf /root/.aws" }).click();
      await expect(entry(page, ".aws")).toContainText("removed");
      await expectAccessible(page);
    });
  });
}
