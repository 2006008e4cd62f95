// Shortcuts, their sheet, and the palette, by keyboard alone; and the privacy promise.

import { pasteChanges } from "./fixtures/project";
import { builds, button, editor, openPage, status } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";
import type { Page } from "@playwright/test";

const palette = (page: Page) => page.getByRole("dialog", { name: "Find" });
const field = (page: Page) => palette(page).getByRole("combobox");
const options = (page: Page) => palette(page).getByRole("option");
const sheet = (page: Page) => page.getByRole("dialog", { name: "Keyboard shortcuts" });

/** What is typed then goes into its field. */
async function openPalette(page: Page, key = "ControlOrMeta+K"): Promise<void> {
  await page.keyboard.press(key);
  await expect(field(page)).toBeFocused();
}

test("single keys are commands outside of text fields, can be switched off, and stay so", async ({ page }) => {
  await openPage(page);
  const why = page.getByRole("region", { name: "Why" });
  await button(page, "Edit package.json").click();
  await page.keyboard.press("c");
  await expect(why).toContainText("Rebuilds because package.json changed.");
  await page.keyboard.press("j");
  await expect(why).toContainText("RUN npm install");
  await page.keyboard.press("k");
  await expect(why).toContainText("COPY package*.json ./");
  await page.keyboard.press("b");
  await expect(status(page)).toHaveText("Nothing rebuilds: all 5 steps are cached.");
  await page.keyboard.press("2");
  await expect(page.getByRole("link", { name: "Inspect" })).toHaveAttribute("aria-current", "page");
  await page.keyboard.press("e");
  await expect(editor(page)).toBeFocused();

  await test.step("in a text field they are text", async () => {
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("# b2?s");
    await expect(editor(page)).toContainText("# b2?s");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    // With a modifier they work there, too.
    await page.keyboard.press("ControlOrMeta+Enter");
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "Build 3", "now: as built"]);
    await expect(editor(page)).toContainText("# b2?s");
  });

  await test.step("the sheet", async () => {
    await button(page, "Build").focus();
    await page.keyboard.press("?");
    await expect(sheet(page)).toBeVisible();
    await expectAccessible(page);
    await expect(sheet(page).getByRole("table", { name: "Build" })).toContainText("Build: record the present state as built");
    await sheet(page).getByRole("checkbox", { name: "Single keys work outside of text fields" }).uncheck();
    await page.keyboard.press("Escape");
    await expect(sheet(page)).toHaveCount(0);
    await expect(button(page, "Build")).toBeFocused();
    await page.keyboard.press("?");
    await page.keyboard.press("2");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page.getByRole("link", { name: "Simulate" })).toHaveAttribute("aria-current", "page");
    await page.reload();
    await expect(editor(page)).toBeVisible();
    await page.keyboard.press("2");
    await expect(page.getByRole("link", { name: "Simulate" })).toHaveAttribute("aria-current", "page");
    await button(page, "Keyboard shortcuts").click();
    await expect(sheet(page).getByRole("checkbox")).not.toBeChecked();
    await button(page, "Close").click();
  });
});

test("the palette finds commands, instructions, stages, files and examples, and leaves the focus where it belongs", async ({ page }) => {
  await openPage(page);
  await button(page, "Build").focus();
  await openPalette(page);
  await expect(options(page).first()).toHaveAttribute("aria-selected", "true");
  await expectAccessible(page);

  await test.step("Escape gives the focus back", async () => {
    await page.keyboard.press("Escape");
    await expect(palette(page)).toHaveCount(0);
    await expect(button(page, "Build")).toBeFocused();
  });

  await test.step("a command by some of its characters; the arrows lead around", async () => {
    await openPalette(page, "/");
    await page.keyboard.type("theme");
    await expect(palette(page).getByRole("status")).toHaveText("2 results.");
    await page.keyboard.press("ArrowUp");
    await expect(options(page).nth(1)).toHaveAttribute("aria-selected", "true");
    const active = await field(page).getAttribute("aria-activedescendant");
    await expect(options(page).nth(1)).toHaveAttribute("id", active ?? "");
    await page.keyboard.press("ArrowDown");
    await expect(options(page).first()).toContainText("Theme: light");
    await page.keyboard.press("Enter");
    await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
    await expect(button(page, "Build")).toBeFocused();
  });

  await test.step("an instruction, from another place", async () => {
    await page.keyboard.press("2");
    await openPalette(page);
    await page.keyboard.type("4 run npm");
    await expect(options(page).first()).toHaveText(/^4 RUN npm install/);
    await page.keyboard.press("Enter");
    await expect(editor(page)).toBeFocused();
    await expect(page.getByRole("region", { name: "Why" })).toContainText("RUN npm install");
    await page.keyboard.type("# here ");
    await expect(editor(page)).toContainText("# here RUN npm install");
  });

  await test.step("a text, from within the editor", async () => {
    await openPalette(page);
    await page.keyboard.type("dockerignore");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("textbox", { name: ".dockerignore" })).toBeFocused();
  });

  await test.step("a file of many", async () => {
    const paths = Array.from({ length: 3000 }, (_, n) => `src/part-${n % 30}/file-${n}.ts`);
    await pasteChanges(page, paths.join("\n"));
    await openPalette(page);
    await page.keyboard.type("file");
    await expect(palette(page).getByRole("status")).toHaveText(/^\d+ results, the best 50 are shown\.$/);
    await page.keyboard.type("-2987");
    await expect(options(page)).toHaveCount(1);
    await page.keyboard.press("Enter");
    const row = page.getByRole("region", { name: "Build context" }).getByRole("listitem").filter({ hasText: "file-2987.ts" });
    await expect(row).toBeFocused();
  });

  await test.step("an example by the mouse, then one of its stages", async () => {
    await openPalette(page);
    await page.keyboard.type("nothing like this");
    await expect(palette(page).getByRole("status")).toHaveText("Nothing has these characters in its name.");
    await page.keyboard.press("Enter");
    await field(page).fill("go");
    await options(page).filter({ hasText: "Example" }).first().click();
    await expect(palette(page)).toHaveCount(0);
    await expect(page.getByText("Texts and files were replaced.")).toBeVisible();
    await openPalette(page);
    await field(page).fill("build");
    await options(page).filter({ hasText: "Stage" }).first().click();
    await expect(editor(page)).toBeFocused();
  });
});

test("every place promises privacy and tells how to check it", async ({ page }) => {
  await openPage(page);
  for (const place of ["Simulate", "Inspect"]) {
    await page.getByRole("link", { name: place }).click();
    await expect(page.getByText("Nothing leaves your browser.")).toBeVisible();
    await button(page, "How to check it").click();
    const dialog = page.getByRole("dialog", { name: "Nothing leaves your browser" });
    await expect(dialog.getByRole("listitem").filter({ has: page.getByRole("strong") })).toHaveCount(3);
    await dialog.getByText("The rule of this page").click();
    await expect(dialog.getByRole("list", { name: "Content-Security-Policy" })).toContainText("connect-src 'self' blob:");
    await expect(dialog).toContainText("The page is kept in this browser: it opens without a network.");
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await expect(button(page, "How to check it")).toBeFocused();
  }
});
