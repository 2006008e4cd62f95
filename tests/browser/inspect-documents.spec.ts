// What an archive holds beside layers: lists, manifests, configurations, attestations.

import { corpusImage } from "./fixtures/archive";
import { openFile, viewTab } from "./fixtures/inspect";
import { openPage } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("every document is read indented and as it stands, statements with whom they speak of", async ({ page }, info) => {
      await openPage(page);
      await openFile(page, corpusImage("buildkit-oci-provenance").file);
      await viewTab(page, "Documents").click();
      const documents = page.getByRole("region", { name: "Documents", exact: true });
      const choice = documents.getByRole("combobox");
      await choice.selectOption({ label: (await choice.getByRole("option").filter({ hasText: /^Statement/ }).first().textContent()) ?? "" });
      await expect(documents).toContainText("slsa.dev/provenance");
      await expect(documents.getByRole("term").filter({ hasText: "Subject" }).first()).toBeVisible();
      await expect(documents).toContainText('"predicateType": ');
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("documents.png") });
      await page.setViewportSize({ width: 400, height: 900 });
      await expectAccessible(page);
      await page.screenshot({ path: info.outputPath("documents-400.png"), fullPage: true });
      const saved = page.waitForEvent("download");
      await documents.getByRole("button", { name: "Save document" }).click();
      await (await saved).path();
      await documents.getByRole("button", { name: "As it stands" }).click();
      await expect(documents).toContainText(/"predicateType":\s?"/);
    });
  });
}
