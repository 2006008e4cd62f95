// Undo of everything: what the page was told is taken back step by step, wherever it was told.

import { gzipSync } from "node:zlib";
import { tarOf, upload } from "./fixtures/archive";
import { choose, context, PROJECT } from "./fixtures/project";
import { builds, button, editor, openPage, status, typeNearEnd } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";
import type { Page } from "@playwright/test";

const steps = (page: Page) => page.getByRole("group", { name: "Steps" });
const undo = (page: Page) => steps(page).getByRole("button", { name: /^Undo/ });
const redo = (page: Page) => steps(page).getByRole("button", { name: /^Redo/ });
const files = (page: Page) => context(page).getByRole("list", { name: "Files" });

test("edits of files, options, builds and the timeline are taken back one by one, and done again", async ({ page }) => {
  await openPage(page);
  await expect(undo(page)).toHaveAttribute("aria-disabled", "true");
  const told = async () => (await status(page).textContent()) ?? "";
  const before = await told();
  const did: [name: string, act: () => Promise<void>][] = [
    ["edit package.json", () => button(page, "Edit package.json").click()],
    ["touch index.js", () => button(page, "Touch index.js").click()],
    ["delete README.md", () => button(page, "Delete README.md").click()],
    [
      "add src/new.js",
      async () => {
        await page.getByRole("textbox", { name: "Path of a new file" }).fill("src/new.js");
        await button(page, "Add file").click();
      },
    ],
    ["build 2", () => button(page, "Build").click()],
    ["prune the cache", () => button(page, "Prune cache").click()],
  ];
  const states: string[] = [before];
  for (const [name, act] of did) {
    await act();
    await expect(undo(page)).toHaveAccessibleName(`Undo: ${name}`);
    states.push(await told());
  }
  await expectAccessible(page);
  for (const [name] of [...did].reverse()) {
    states.pop();
    await undo(page).click();
    await expect(steps(page).getByRole("status")).toHaveText(`Undone: ${name}.`);
    await expect(redo(page)).toHaveAccessibleName(`Redo: ${name}`);
    await expect(status(page)).toHaveText(states.at(-1) ?? "");
  }
  await expect(undo(page)).toHaveAttribute("aria-disabled", "true");
  await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);

  await test.step("by keys, outside of texts", async () => {
    await redo(page).focus();
    await page.keyboard.press("ControlOrMeta+Shift+Z");
    await expect(undo(page)).toHaveAccessibleName("Undo: edit package.json");
    await page.keyboard.press("ControlOrMeta+y");
    await page.keyboard.press("ControlOrMeta+y");
    await expect(undo(page)).toHaveAccessibleName("Undo: delete README.md");
    await page.keyboard.press("ControlOrMeta+z");
    await expect(undo(page)).toHaveAccessibleName("Undo: touch index.js");
  });

  await test.step("what was taken back stays so over a reload", async () => {
    await expect(files(page).getByRole("listitem").filter({ hasText: "README.md" })).not.toContainText("deleted");
    await page.reload();
    await expect(files(page).getByRole("listitem").filter({ hasText: "package.json" }).first()).toContainText("edited");
    await expect(files(page).getByRole("listitem").filter({ hasText: "README.md" })).not.toContainText("deleted");
    await expect(undo(page)).toHaveAttribute("aria-disabled", "true");
  });
});

test("typing is one step; in the editor its own keys take it back, and both agree", async ({ page }) => {
  await openPage(page);
  await typeNearEnd(page, 2, ":typed");
  await expect(undo(page)).toHaveAccessibleName("Undo: edit line 6 of Dockerfile");
  await undo(page).click();
  await expect(editor(page)).toContainText('CMD ["npm", "start"]');
  await redo(page).click();
  await expect(editor(page)).toContainText('CMD ["npm", "start:typed"]');

  // The editor takes its own back, and the page knows.
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+z");
  await expect(editor(page)).toContainText('CMD ["npm", "start"]');
  await expect(undo(page)).toHaveAttribute("aria-disabled", "true");
  await expect(redo(page)).toHaveAccessibleName("Redo: edit line 6 of Dockerfile");
  await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);

  // In a field the keys are the field's.
  await button(page, "Edit index.js").click();
  const field = page.getByRole("textbox", { name: "Path of a new file" });
  await field.pressSequentially("abc");
  await page.keyboard.press("ControlOrMeta+z");
  await expect(undo(page)).toHaveAccessibleName("Undo: edit index.js");
});

test("a context, an example, Start over: what replaces everything comes back whole", async ({ page }) => {
  await openPage(page);
  await button(page, "Edit index.js").click();
  await choose(page, "Archive", upload("shop.tar.gz", gzipSync(tarOf(PROJECT))));
  await expect(undo(page)).toHaveAccessibleName("Undo: read shop.tar.gz");
  await expect(editor(page)).toContainText("COPY api ./api");
  await button(page, "Edit api/main.go").click();

  await page.getByText("Examples", { exact: true }).click();
  await page.getByRole("button", { name: /^Python/ }).click();
  await expect(undo(page)).toHaveAccessibleName(/^Undo: open the example/);
  await button(page, "Start over").click();
  await page.getByRole("alert").getByRole("button", { name: "Start over" }).click();
  await expect(undo(page)).toHaveAccessibleName("Undo: start over");
  await expect(editor(page)).toContainText("FROM node:alpine");

  await undo(page).click();
  await undo(page).click();
  await expect(editor(page)).toContainText("COPY api ./api");
  await expect(status(page)).toContainText("api/main.go changed");
  // The notice leads back to before the context, over the edit that came after.
  await undo(page).click();
  await redo(page).click();
  await expect(undo(page)).toHaveAccessibleName("Undo: edit api/main.go");
  await undo(page).click();
  await undo(page).click();
  await expect(editor(page)).toContainText("FROM node:alpine");
  await expect(status(page)).toContainText("index.js changed");
  await page.reload();
  await expect(status(page)).toContainText("index.js changed");
});
