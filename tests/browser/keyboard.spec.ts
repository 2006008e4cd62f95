// Without a mouse, and on a narrow screen.

import { corpusImage } from "./fixtures/archive";
import { entries, entry, expectVerified, layers, openFile, opener, tree } from "./fixtures/inspect";
import { button, cached, editor, expectSteps, openPage, paste, showSteps, slab, status } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";
import type { Locator, Page } from "@playwright/test";

/** Presses Tab, or Shift+Tab, until the element has the focus, and fails after many. */
async function tabTo(page: Page, target: Locator, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press(key);
    if (await hasFocus(target)) return;
  }
  throw new Error(`${key} never leads there`);
}

/** Also within a shadow root. */
const hasFocus = async (target: Locator): Promise<boolean> =>
  (await target.count()) === 1 &&
  (await target.evaluate((element) => (element.getRootNode() as Document | ShadowRoot).activeElement === element));

test("by keyboard alone: edit, see why, build, switch text and place, browse an image", async ({ page }) => {
  const why = page.getByRole("region", { name: "Why" });
  await openPage(page);
  await tabTo(page, button(page, "Edit package.json"));
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText(/^2 of 5 steps cached, 3 rebuild\./);

  // The picture is one stop, at the instruction of the editor's line; arrows lead on from there.
  await tabTo(page, slab(page, "node:alpine"));
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowUp");
  await expect(why).toContainText("Rebuilds because it stands on “COPY package*.json ./”, which runs again.");
  await expect(slab(page, "RUN npm install")).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("ArrowUp");
  await expect(slab(page, "COPY ./ ./")).toHaveAttribute("aria-pressed", "true");

  await tabTo(page, button(page, "Build"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText(/^Nothing rebuilds/);

  await tabTo(page, editor(page));
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("# typed");
  await expect(editor(page)).toContainText("# typed");

  // The tabs are one stop, at the one that is shown; arrows lead on from there.
  await tabTo(page, page.getByRole("tab", { name: "Dockerfile", exact: true }), "Shift+Tab");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: ".dockerignore" })).toHaveAttribute("aria-selected", "true");
  await tabTo(page, page.getByRole("textbox", { name: ".dockerignore" }));

  await tabTo(page, page.getByRole("link", { name: "Inspect" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  // Asked for early: the key must not be quicker.
  const chooser = page.waitForEvent("filechooser");
  await tabTo(page, opener(page));
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(corpusImage("docker20-sample").file);
  await expectVerified(page);

  // The list is one stop; arrow keys go from layer to layer.
  await tabTo(page, layers(page).last());
  for (let n = 1; n < 13; n++) await page.keyboard.press("ArrowUp");
  await expect(layers(page).filter({ hasText: "RUN rm -rf /opt/tool" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByRole("heading", { name: "Layer 13" })).toBeVisible();
  await tabTo(page, tree(page));
  await expect(entry(page, "opt")).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowLeft");
  await expect(entry(page, "opt")).toHaveAttribute("aria-expanded", "false");
  await expect(entry(page, "tool")).toHaveCount(0);
  await page.keyboard.press("ArrowRight");
  // Its rows come from the worker.
  await expect(entry(page, "opt")).toHaveAttribute("aria-expanded", "true");
  await page.keyboard.press("ArrowRight");
  await expect(entry(page, "tool")).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("End");
  await expect(entries(page).last()).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("t");
  await expect(entry(page, "tool")).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Tab");
  expect(await hasFocus(tree(page))).toBe(false);
});

test.describe("at 400 px", () => {
  test.use({ viewport: { width: 400, height: 800 } });

  const expectNoSideways = async (page: Page) => {
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await expect.poll(overflow).toBeLessThanOrEqual(0);
  };

  test("one pane at a time, and the main job works in it", async ({ page }) => {
    await openPage(page);
    const pane = (name: string) => page.getByRole("tab", { name, exact: true });
    const stack = page.getByRole("region", { name: "Stack" });
    const why = page.getByRole("region", { name: "Why" });
    await expect(pane("Edit")).toHaveAttribute("aria-selected", "true");
    await expect(editor(page)).toBeVisible();
    await expect(stack).toBeHidden();
    await expect(why).toBeHidden();
    await expectNoSideways(page);

    await button(page, "Edit package.json").click();
    await expect(status(page)).toHaveText(/^2 of 5 steps cached, 3 rebuild\./);
    await expectNoSideways(page);

    await pane("Stack").click();
    await expect(editor(page)).toBeHidden();
    await showSteps(page);
    await expectNoSideways(page);
    await slab(page, "COPY package*.json ./").click();

    await pane("Why").click();
    await expect(stack).toBeHidden();
    await expect(why).toContainText("Rebuilds because package.json changed.");
    await expectNoSideways(page);

    await button(page, "Build").click();
    await expect(status(page)).toHaveText("Nothing rebuilds: all 5 steps are cached.");
    await pane("Edit").click();
    await paste(page, `FROM node:alpine\nRUN ${"long ".repeat(60)}\n`);
    await expectNoSideways(page);
    await pane("Stack").click();
    await expectSteps(page, [
      ...cached("FROM node:alpine"),
      [`RUN ${"long ".repeat(60)}`.trim(), "rebuilds", "no build has had this step yet"],
    ]);
    await expectNoSideways(page);

    await openFile(page, corpusImage("docker20-sample").file);
    await expectVerified(page);
    await expectNoSideways(page);
    await layers(page).first().click();
    for (const name of ["srv", "app", "static"]) await expect(entry(page, name)).toBeVisible();
    await expectNoSideways(page);
  });
});
