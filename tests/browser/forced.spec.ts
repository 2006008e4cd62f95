// With colors that the reader chooses, and at 400 % zoom: 1280 px wide become 320.

import { corpusImage } from "./fixtures/archive";
import { expectVerified, layers, openFile } from "./fixtures/inspect";
import { button, editor, openPage, paste, slab } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";
import type { Locator, Page } from "@playwright/test";

const BEFORE = 'FROM node AS a\nRUN a\nFROM node AS b\nRUN b\nFROM node\nCOPY --from=a /x /x\nCMD ["x"]\n';

/** Cached, rebuilt, conditional, not needed and metadata, each once. */
async function showVerdicts(page: Page): Promise<void> {
  await paste(page, BEFORE);
  await button(page, "Build").click();
  await paste(page, BEFORE.replace("RUN a", "RUN c"));
}

const edge = (shape: Locator) =>
  shape.evaluate((shape) => {
    const { stroke, strokeWidth, strokeDasharray } = getComputedStyle(shape);
    return `${stroke} ${strokeWidth} ${strokeDasharray}`;
  });

test.describe("forced colors", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`in a ${colorScheme} theme states differ by icon, word and edge, buttons have edges, and the focus is seen`, async ({ page }) => {
      await page.emulateMedia({ forcedColors: "active", colorScheme });
      await openPage(page);
      await showVerdicts(page);
      await expectAccessible(page);

      const icons = new Set<string>();
      const edges = new Set<string>();
      for (const code of ["RUN c", "COPY --from=a /x /x"]) {
        const shape = slab(page, code);
        icons.add((await shape.locator("use").first().getAttribute("href")) ?? "");
        edges.add(await edge(shape.locator(".slab-back")));
        // Words stand on the ground that the reader chose.
        const [text, ground] = await shape.evaluate((shape) => [
          getComputedStyle(shape.querySelector(".slab-label") as Element).fill,
          getComputedStyle(document.body).backgroundColor,
        ]);
        expect(text).not.toBe(ground);
      }
      expect(icons.size).toBe(2);
      expect(edges.size).toBe(2);

      const border = (name: string) =>
        button(page, name).evaluate((button) => {
          const { borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(button);
          return { width: parseFloat(borderTopWidth), isSeen: borderTopColor !== backgroundColor };
        });
      for (const name of ["Build", "Start over", "Share", "Keyboard shortcuts"]) {
        expect(await border(name)).toEqual({ width: expect.any(Number), isSeen: true });
        expect((await border(name)).width).toBeGreaterThanOrEqual(1);
      }
      // Where the reader is, is not told by a color.
      const underline = (name: string) =>
        page.getByRole("link", { name }).evaluate((link) => getComputedStyle(link).borderBottomWidth);
      expect(await underline("Simulate")).not.toBe(await underline("Inspect"));
      await page.keyboard.press("Tab");
      const outline = () => page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
      await button(page, "Keyboard shortcuts").focus();
      await page.keyboard.press("Shift+Tab");
      expect(await outline()).not.toBe("none");

      await page.keyboard.press("ControlOrMeta+K");
      await expect(page.getByRole("dialog").getByRole("option").first()).toHaveCSS("outline-style", "solid");
      await expectAccessible(page);
      await page.keyboard.press("Escape");
      await openFile(page, corpusImage("docker20-sample").file);
      await expectVerified(page);
      await expectAccessible(page);
    });
  }
});

test.describe("at 400 % zoom", () => {
  test.use({ viewport: { width: 320, height: 256 } });

  test("everything is there, in one column, and nothing scrolls sideways", async ({ page }) => {
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    const pane = (name: string) => page.getByRole("tab", { name, exact: true });
    await openPage(page);
    await expect(editor(page)).toBeVisible();
    await showVerdicts(page);
    expect(await overflow()).toBeLessThanOrEqual(0);
    for (const name of ["Stack", "Why"]) {
      await pane(name).click();
      expect(await overflow()).toBeLessThanOrEqual(0);
      await expectAccessible(page);
    }
    for (const name of ["Keyboard shortcuts", "How to check it", "Share"]) {
      await button(page, name).click();
      const dialog = page.getByRole("dialog");
      await expect(dialog).toBeVisible();
      expect(await dialog.evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)).toBeLessThanOrEqual(0);
      expect(await overflow()).toBeLessThanOrEqual(0);
      await page.keyboard.press("Escape");
      await expect(dialog).toHaveCount(0);
    }
    await page.keyboard.press("ControlOrMeta+K");
    await page.keyboard.type("build");
    const option = page.getByRole("dialog").getByRole("option").first();
    await expect(option).toBeInViewport({ ratio: 0.9 });
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.keyboard.press("Escape");
    await openFile(page, corpusImage("docker20-sample").file);
    await expectVerified(page);
    await layers(page).first().click();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await expectAccessible(page);
  });
});
