import { expect, expectAccessible, test } from "./fixtures/test";

test("the page starts under a path of its own, without complaint", async ({ page }) => {
  await page.goto("./");
  await expect(page.getByRole("heading", { level: 1, name: "Layerlab" })).toBeVisible();
  await expectAccessible(page);
});
