// What the editor offers while a Dockerfile is written, by mouse and by keyboard.

import type { Page } from "@playwright/test";
import { button, editor, openPage, paste } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

const STAGES = "FROM node AS build\nRUN make\nFROM scratch\nCOPY --from=build /out /\n";
const list = (page: Page) => page.getByRole("listbox", { name: "Completions" });
const chosen = (page: Page) => list(page).getByRole("option", { selected: true });
const old = (page: Page) => page.getByRole("textbox", { name: "Dockerfile of build 1, read only" });
const note = (page: Page, text: string | RegExp) => page.locator(".cm-note").filter({ hasText: text });

/** The text as it is shown, line by line. */
const lines = (page: Page) => editor(page).evaluate((dom) => [...dom.querySelectorAll(".cm-line")].map((line) => line.textContent));

/** Puts the caret before the `|` of a line, counted from 1, that reads as given. */
async function caret(page: Page, line: number, marked: string): Promise<void> {
  await editor(page).focus();
  await page.keyboard.press("ControlOrMeta+Home");
  for (let n = 1; n < line; n++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  for (let n = 0; n < marked.indexOf("|"); n++) await page.keyboard.press("ArrowRight");
}

/** The middle of a word as it is shown. */
async function point(page: Page, word: string): Promise<{ x: number; y: number }> {
  return editor(page).evaluate((dom, word) => {
    const walk = document.createTreeWalker(dom, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const at = node.textContent?.indexOf(word) ?? -1;
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + word.length);
      const box = range.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }
    throw new Error(`${word} is not shown`);
  }, word);
}

test("completes a stage name in COPY --from", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node AS build\nRUN make\nFROM scratch\n");
  await page.keyboard.type("COPY --from=");
  await expect(list(page).getByRole("option")).toHaveText(["buildstage 0, node", "nodeline 1"]);
  await expectAccessible(page);
  // It opened by itself, so nothing is chosen yet.
  await expect(chosen(page)).toHaveCount(0);
  await page.keyboard.press("Tab");
  await page.keyboard.type(" /out /");
  await expect(list(page)).toHaveCount(0);
  expect((await lines(page)).at(-1)).toBe("COPY --from=build /out /");
});

test("completes a context path, folder by folder, and Escape closes the list", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\n");
  await page.keyboard.type("COPY node");
  await expect(button(page, "Compare with build 1")).toBeVisible();
  // What the ignore file hides is not offered.
  await page.keyboard.press("Control+Space");
  await expect(list(page)).toHaveCount(0);
  await page.getByRole("tab", { name: ".dockerignore" }).click();
  await page.getByRole("textbox", { name: ".dockerignore" }).fill("");
  await page.getByRole("tab", { name: "Dockerfile", exact: true }).click();
  await editor(page).focus();
  await page.keyboard.press("Control+Space");
  await expect(chosen(page)).toHaveText("node_modules/folder");
  await page.keyboard.press("Enter");
  // A folder goes on with what is in it.
  await expect(chosen(page)).toHaveText(/^node_modules\/.+/);
  await page.keyboard.press("Escape");
  await expect(list(page)).toHaveCount(0);
  expect((await lines(page)).at(-1)).toBe("COPY node_modules/");
  for (let n = 0; n < 13; n++) await page.keyboard.press("Backspace");
  await page.keyboard.press("Control+Space");
  await expect(chosen(page)).toHaveText("Dockerfilefile");
  for (let n = 0; n < 2; n++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  expect((await lines(page)).at(-1)).toBe("COPY index.js");
});

test("Enter ends the line under a list that opened by itself, and Tab without a list leaves the editor", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\n");
  await page.keyboard.type("RU");
  await expect(list(page)).toBeVisible();
  await page.keyboard.press("Enter");
  expect(await lines(page)).toEqual(["FROM node", "RU", ""]);
  await page.keyboard.press("Tab");
  await expect(editor(page)).not.toBeFocused();
});

test("an instruction is asked for, explained beside the list, and taken with Tab", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\n");
  await page.keyboard.press("Control+Space");
  await expect(chosen(page)).toHaveText(/^RUN/);
  await expect(page.getByRole("link", { name: "Dockerfile reference" })).toHaveAttribute("href", /#run$/);
  await expectAccessible(page);
  await page.keyboard.press("Tab");
  await page.keyboard.type("make");
  expect((await lines(page)).at(-1)).toBe("RUN make");
});

test("hovers a flag and reads what it does", async ({ page }) => {
  await openPage(page);
  await paste(page, STAGES.replace("COPY", "COPY --link"));
  const flag = await point(page, "--link");
  await page.mouse.move(flag.x, flag.y);
  const link = page.getByRole("link", { name: "Dockerfile reference" });
  await expect(link).toHaveAttribute("href", /^https:\/\/docs\.docker\.com\/reference\/dockerfile\/#copy---link$/);
  await expect(link).toHaveAttribute("target", "_blank");
  await expect(link).toHaveAttribute("rel", "noreferrer");
  await expectAccessible(page);
});

test("goes to a stage and renames it everywhere", async ({ page }) => {
  await openPage(page);
  await paste(page, STAGES);
  await caret(page, 4, "COPY --from=bu|ild");
  await page.keyboard.press("F12");
  await expect(note(page, "Defined on line 1.")).toBeVisible();
  await page.keyboard.press("F2");
  const name = page.getByRole("textbox", { name: "New name of build" });
  await expect(name).toHaveValue("build");
  await page.keyboard.type("1st");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByRole("alert")).toHaveText(/^1st cannot name a stage/);
  await expectAccessible(page);
  await page.keyboard.type("compiled");
  await page.keyboard.press("Enter");
  await expect(note(page, "Renamed build to compiled in 2 places.")).toBeVisible();
  await expect(editor(page)).toBeFocused();
  expect(await lines(page)).toEqual(["FROM node AS compiled", "RUN make", "FROM scratch", "COPY --from=compiled /out /", ""]);
  await page.keyboard.press("ControlOrMeta+Z");
  expect((await lines(page))[3]).toBe("COPY --from=build /out /");

  await page.keyboard.press("F2");
  await page.keyboard.press("Escape");
  await expect(name).toHaveCount(0);
  await expect(editor(page)).toBeFocused();

  const use = await point(page, "from=build");
  await page.keyboard.down("ControlOrMeta");
  await page.mouse.click(use.x + 15, use.y);
  await page.keyboard.up("ControlOrMeta");
  await expect(note(page, "Defined on line 1.")).toBeVisible();
  await caret(page, 2, "RUN m|ake");
  await page.keyboard.press("F12");
  await expect(note(page, "Neither a stage nor a variable of this file is named here.")).toBeVisible();
});

test("folds a heredoc by keyboard and by mouse", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\nRUN <<EOF\nset -e\nmake\nEOF\nCMD [\"x\"]\n");
  await caret(page, 4, "ma|ke");
  await page.keyboard.press("Control+Shift+BracketLeft");
  await expect(editor(page).getByText("… 2 lines")).toBeVisible();
  await expect(editor(page)).not.toContainText("set -e");
  await expectAccessible(page);
  await page.keyboard.press("Control+Shift+BracketRight");
  await expect(editor(page)).toContainText("set -e");
  await page.getByTitle("Fold", { exact: true }).first().click();
  await expect(editor(page).getByText("… 2 instructions")).toBeVisible();
  await page.getByTitle("Unfold").locator("visible=true").first().click();
  await expect(editor(page)).toContainText("set -e");
});

test("formats the file, once, and can take it back", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node  \n\n\n\nrun make\nCOPY \\\n  a \\\n      b ./\n");
  await button(page, "Format").click();
  await expect(note(page, /^Formatted: \d+ changes\.$/)).toBeVisible();
  expect(await lines(page)).toEqual(["FROM node", "", "RUN make", "COPY \\", "  a \\", "  b ./", ""]);
  await editor(page).focus();
  await page.keyboard.press("Shift+Alt+F");
  await expect(note(page, "Already in style.")).toBeVisible();
  await page.keyboard.press("ControlOrMeta+Z");
  expect((await lines(page))[0]).toBe("FROM node  ");
});

test("a problem is gone to and repaired by keyboard, from F8 and from the line", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM node\nmaintainer me\nRUN make\nENV A b\n");
  await expect(page.getByRole("list", { name: "Problems" }).getByRole("listitem")).toHaveCount(3);
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("F8");
  const card = page.getByRole("dialog", { name: "Problem 1 of 3" });
  await expect(card).toContainText("Maintainer instruction is deprecated");
  await expectAccessible(page);
  await page.keyboard.press("Enter");
  await expect(note(page, /^Done: replace by/)).toBeVisible();
  expect((await lines(page))[1]).toBe('label org.opencontainers.image.authors="me"');
  await expect(editor(page)).toBeFocused();
  await caret(page, 4, "EN|V");
  await page.keyboard.press("ControlOrMeta+.");
  await expect(page.getByRole("dialog", { name: "Quick fixes" }).getByRole("button")).toBeFocused();
  await page.keyboard.press("Enter");
  expect((await lines(page))[3]).toBe("ENV A=b");
});

test("several carets type at once", async ({ page }) => {
  await openPage(page);
  await paste(page, "FROM a\nFROM b\nFROM c");
  await caret(page, 1, "FROM |a");
  await page.keyboard.press("Control+Alt+ArrowDown");
  await page.keyboard.type("x");
  expect(await lines(page)).toEqual(["FROM xa", "FROM xb", "FROM c"]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await caret(page, 1, "FR|OM");
  await page.keyboard.press("ControlOrMeta+D");
  await page.keyboard.press("ControlOrMeta+D");
  await page.keyboard.press("ControlOrMeta+D");
  await page.keyboard.type("from");
  expect(await lines(page)).toEqual(["from xa", "from xb", "from c"]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await editor(page).getByText("from").nth(1).click({ position: { x: 2, y: 8 } });
  await editor(page).getByText("from").nth(2).click({ position: { x: 2, y: 8 }, modifiers: ["Alt"] });
  await page.keyboard.type("#");
  expect(await lines(page)).toEqual(["from xa", "#from xb", "#from c"]);
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme, viewport: { width: 1440, height: 900 } });

    test("compares with the build inline and side by side, and leaves cleanly", async ({ page }) => {
      await openPage(page);
      const compare = button(page, "Compare with build 1");
      await compare.click();
      await expect(note(page, "Nothing differs from build 1.")).toBeVisible();
      await compare.click();
      await paste(page, "FROM node:alpine\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY ./ ./\nCMD [\"npm\", \"start\"]\n");
      await compare.click();
      await expect(note(page, "1 change since build 1.")).toBeVisible();
      const gone = editor(page).locator("del");
      await expect(gone).toHaveText("RUN npm install");
      await expectAccessible(page);

      // The present side is edited as before, and its undo steps go along.
      await caret(page, 1, "|FROM");
      await page.keyboard.type("# now\n");
      await expect(editor(page).getByRole("button", { name: "Take back" })).toHaveCount(2);
      await button(page, "Side by side").click();
      await expect(old(page)).toContainText("RUN npm install");
      await expect(editor(page)).toContainText("# now");
      await expectAccessible(page);
      await editor(page).focus();
      for (let n = 0; n < 2; n++) await page.keyboard.press("ControlOrMeta+Z");
      await expect(editor(page)).not.toContainText("# now");
      await page.keyboard.press("ControlOrMeta+End");
      await page.keyboard.press("F7");
      await expect(note(page, "Change 1 of 1, line 4.")).toBeVisible();
      await old(page).focus();
      await page.keyboard.type("x");
      await expect(old(page)).not.toContainText("x/");

      await button(page, "Inline").click();
      await expect(old(page)).toHaveCount(0);
      await editor(page).getByRole("button", { name: "Take back" }).click();
      await expect(editor(page)).toContainText("RUN npm install");
      await expect(gone).toHaveCount(0);
      await compare.click();
      await expect(compare).toHaveAttribute("aria-pressed", "false");
      await editor(page).focus();
      await page.keyboard.press("ControlOrMeta+Z");
      await expect(editor(page)).toContainText("RUN npm ci");

      // What was built last is what counts.
      await compare.click();
      await button(page, "Build").click();
      await expect(note(page, "Nothing differs from build 2.")).toBeVisible();
    });
  });
}

test("in a long file side by side, the note of a change stays in view", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await openPage(page);
  const long = Array.from({ length: 120 }, (_, n) => (n === 0 ? "FROM node" : `RUN make ${n}`)).join("\n");
  await paste(page, `${long}\n`);
  await button(page, "Build").click();
  await paste(page, `${long.replace("make 60", "make sixty")}\n`);
  await button(page, "Compare with build 2").click();
  await button(page, "Side by side").click();
  await editor(page).focus();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("F7");
  await expect(note(page, "Change 1 of 1, line 61.")).toBeInViewport();
  await expect(page.locator(".cm-side", { hasText: "Now" })).toBeInViewport();
  const box = await note(page, "Change 1").boundingBox();
  const panel = await page.locator(".editor-host").boundingBox();
  expect((box?.y ?? Infinity) + (box?.height ?? 0)).toBeLessThanOrEqual((panel?.y ?? 0) + (panel?.height ?? 0) + 1);
});

test("on a narrow screen only the inline comparison is offered", async ({ page }) => {
  await page.setViewportSize({ width: 1200, height: 800 });
  await openPage(page);
  await button(page, "Compare with build 1").click();
  await button(page, "Side by side").click();
  await expect(old(page)).toBeVisible();
  await page.setViewportSize({ width: 400, height: 800 });
  await expect(old(page)).toHaveCount(0);
  await expect(button(page, "Side by side")).toBeHidden();
  await expectAccessible(page);
});

test("by keyboard alone: help, comparison, and the keys are listed", async ({ page }) => {
  await openPage(page);
  await caret(page, 3, "CO|PY");
  await page.keyboard.press("F1");
  const card = page.getByRole("dialog", { name: /^Help on COPY/ });
  await expect(card).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press("Tab");
  await expect(card.getByRole("link", { name: "Dockerfile reference" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(card).toHaveCount(0);
  await expect(editor(page)).toBeFocused();

  await page.keyboard.press("Shift+Tab");
  await expect(button(page, "Compare with build 1")).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(button(page, "Side by side")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(old(page)).toBeVisible();
  for (let n = 0; n < 3; n++) await page.keyboard.press("Tab");
  await expect(old(page)).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(editor(page)).toBeFocused();
  for (let n = 0; n < 2; n++) await page.keyboard.press("Tab");
  await expect(page.getByText("Keys of the editor").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("table", { name: "In the editor" })).toContainText("Ctrl+Space");
  await expectAccessible(page);
});
