// What survives a reload, and how to begin again.

import { expect, test } from "./fixtures/test";
import { builds, button, editor, openPage, status, typeNearEnd } from "./fixtures/simulate";

test("a reload keeps texts, files, builds, theme and place; Start over asks and forgets", async ({ page }) => {
  await openPage(page);
  await button(page, "Edit index.js").click();
  await button(page, "Build").click();
  await button(page, "Edit package.json").click();
  await button(page, "Delete README.md").click();
  await page.getByRole("textbox", { name: "Path of a new file" }).fill("new.js");
  await button(page, "Add file").click();
  await page.getByRole("tab", { name: ".dockerignore" }).click();
  await page.getByRole("textbox", { name: ".dockerignore" }).fill("node_modules\nDockerfile\n.dockerignore\n# kept\n");
  await page.getByRole("tab", { name: "Dockerfile" }).click();
  await button(page, "Theme: as the system").click();
  await button(page, "Theme: light").click();
  await page.getByRole("link", { name: "Inspect" }).click();
  await page.getByRole("link", { name: "Simulate" }).click();
  await typeNearEnd(page, 2, ":kept");
  await expect(editor(page)).toContainText('CMD ["npm", "start:kept"]');
  const told = await status(page).textContent();

  await page.reload();
  await expect(editor(page)).toContainText('CMD ["npm", "start:kept"]');
  await expect(status(page)).toHaveText(told ?? "");
  await expect(status(page)).toHaveText(/First cause: line 3, package\.json changed\.$/);
  await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: edited"]);
  await expect(button(page, "Theme: dark")).toBeVisible();
  const files = page.getByRole("region", { name: "Build context" }).getByRole("listitem");
  await expect(files.filter({ hasText: "new.js" })).toContainText("added");
  await expect(files.filter({ hasText: "README.md" })).toContainText("deleted");
  await page.getByRole("tab", { name: ".dockerignore" }).click();
  await expect(page.getByRole("textbox", { name: ".dockerignore" })).toHaveValue(/# kept/);

  await test.step("the place", async () => {
    await page.getByRole("link", { name: "Inspect" }).click();
    await page.reload();
    await expect(page.getByRole("link", { name: "Inspect" })).toHaveAttribute("aria-current", "page");
    await expect(button(page, "Open image tarball")).toBeVisible();
    await page.goBack();
    await expect(page.getByRole("link", { name: "Simulate" })).toHaveAttribute("aria-current", "page");
  });

  await test.step("Start over", async () => {
    await button(page, "Start over").click();
    await button(page, "Keep").click();
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: edited"]);
    await button(page, "Start over").click();
    await expect(page.getByRole("alert")).toContainText("Forget all edits and builds?");
    await page.getByRole("alert").getByRole("button", { name: "Start over" }).click();
    await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
    await expect(editor(page)).not.toContainText("kept");
    await page.reload();
    await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
    await expect(editor(page)).toContainText('CMD ["npm", "start"]');
  });
});
