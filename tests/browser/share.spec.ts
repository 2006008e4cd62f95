// What is handed around: a report for the pull request, a link that opens as the same, and paper.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Browser, Locator, Page } from "@playwright/test";
import { expect, expectAccessible, test } from "./fixtures/test";
import { builds, button, editor, openPage, paste, showSteps, status } from "./fixtures/simulate";

const dialog = (page: Page): Locator => page.getByRole("dialog", { name: "Share" });
const text = (page: Page, name: string): Locator => dialog(page).getByRole("textbox", { name, exact: true });

/** Opens the dialog and gives the link. */
async function share(page: Page): Promise<string> {
  await button(page, "Share").click();
  await expect(dialog(page)).toBeVisible();
  return text(page, "Link").inputValue();
}

/** The table of steps as text. */
async function steps(page: Page): Promise<string[][]> {
  await showSteps(page);
  const rows = page.getByRole("table", { name: "Steps" }).getByRole("row");
  return rows.evaluateAll((all) => all.map((row) => [...(row as HTMLTableRowElement).cells].map((cell) => cell.innerText)));
}

/** A browser that has never seen the page opens a link. */
async function openElsewhere(browser: Browser, link: string): Promise<Page> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link, { waitUntil: "networkidle" });
  return page;
}

test("edit, verdict, report: the Markdown has the row, and all of it can be copied and saved", async ({ page }) => {
  await openPage(page);
  await button(page, "Edit package.json").click();
  await share(page);
  const markdown = await text(page, "Markdown").inputValue();
  expect(markdown).toContain("| 3 | `COPY package*.json ./` | ↻ rebuilds **(first cause)** | package.json changed |");
  expect(markdown).toContain("It drags along lines 4 and 5.");
  expect(markdown).toContain("<summary>3 more instructions: 2 cached, 1 metadata only</summary>");
  const json = JSON.parse(await text(page, "JSON").inputValue());
  expect(json.instructions[2]).toMatchObject({ line: 3, verdict: "rebuild", is_first_cause: true });

  const said = dialog(page).getByRole("status");
  for (const [name, saying] of [
    ["Link", "The link is copied."],
    ["Markdown", "The Markdown is copied."],
    ["JSON", "The JSON is copied."],
  ] as const) {
    await dialog(page).getByRole("button", { name: name === "Link" ? "Copy link" : `Copy ${name}` }).click();
    await expect(said).toHaveText(saying);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await text(page, name).inputValue());
  }
  for (const [name, file, content] of [
    ["Save Markdown", "layerlab-report.md", markdown],
    ["Save JSON", "layerlab-report.json", await text(page, "JSON").inputValue()],
  ] as const) {
    const download = page.waitForEvent("download");
    await dialog(page).getByRole("button", { name }).click();
    const saved = await download;
    expect(saved.suggestedFilename()).toBe(file);
    expect(readFileSync(await saved.path(), "utf8")).toBe(content);
    await expect(said).toHaveText("The file is saved.");
  }
});

test("where the browser refuses to copy, the text is selected", async ({ page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await openPage(page);
  const link = await share(page);
  await dialog(page).getByRole("button", { name: "Copy link" }).click();
  await expect(dialog(page).getByRole("status")).toContainText("The text is selected");
  await expect(text(page, "Link")).toBeFocused();
  const selected = await text(page, "Link").evaluate((area) => {
    const { value, selectionStart, selectionEnd } = area as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
  expect(selected).toBe(link);
});

test("a link opened in a fresh profile shows the same summary, rows and timeline", async ({ page, browser }) => {
  await openPage(page);
  await button(page, "Edit index.js").click();
  await button(page, "Build").click();
  await paste(page, "FROM node:alpine\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY ./ ./\nCMD [\"npm\", \"start\"]\n");
  const link = await share(page);
  expect(link.length).toBeLessThan(2_000);
  await expect(dialog(page)).toContainText("It opens with the same verdicts and reasons.");
  await expect(dialog(page)).toContainText("It fits everywhere that is known to have a limit.");
  await page.keyboard.press("Escape");
  const told = { status: await status(page).textContent(), builds: await builds(page).allTextContents(), steps: await steps(page) };

  const there = await openElsewhere(browser, link);
  await expect(status(there)).toHaveText(told.status ?? "");
  await expect(builds(there)).toHaveText(told.builds);
  expect(await steps(there)).toEqual(told.steps);
  await expect(editor(there)).toContainText("RUN npm ci");
  // The address is a plain one again, so that a reload shows what became of it.
  expect(new URL(there.url()).hash).toBe("#/simulate");
  await button(there, "Delete README.md").click();
  await there.reload();
  await expect(there.getByRole("region", { name: "Build context" }).getByRole("listitem").filter({ hasText: "README.md" })).toContainText("deleted");
  await expect(there.getByRole("button", { name: "Back to my work" })).toHaveCount(0);
  await there.context().close();
});

test("opening a link keeps what was there before, over a reload, too", async ({ page, browser, baseURL }) => {
  const author = await openElsewhere(browser, baseURL ?? "");
  await button(author, "Edit package.json").click();
  const link = await share(author);
  await author.context().close();

  await openPage(page);
  await paste(page, "FROM mine\nRUN mine\n");
  await button(page, "Build").click();
  await page.evaluate((address) => void (location.href = address), link);
  await expect(status(page)).toHaveText(/First cause: line 3, package\.json changed\.$/);
  await page.reload();
  await expect(status(page)).toHaveText(/First cause: line 3, package\.json changed\.$/);
  await expect(page.getByText("What you see came with a link. Your own work is kept.")).toBeVisible();
  await expectAccessible(page);
  await button(page, "Back to my work").click();
  await expect(editor(page)).toContainText("RUN mine");
  await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: as built"]);
  await page.reload();
  await expect(editor(page)).toContainText("RUN mine");
  await expect(button(page, "Back to my work")).toHaveCount(0);
});

test("a link that cannot be opened says so and changes nothing", async ({ page }) => {
  await page.goto("./#/simulate?s=7.abc", { waitUntil: "networkidle" });
  await expect(page.getByRole("alert")).toContainText("this link has format 7");
  await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
  await expectAccessible(page);
  await page.getByRole("alert").getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.evaluate(() => void (location.hash = "/simulate?s=1.abc"));
  await expect(page.getByRole("alert")).toContainText("this link is damaged");
});

test("a Dockerfile with a token warns", async ({ page }) => {
  await openPage(page);
  await share(page);
  await expect(dialog(page).getByRole("alert")).toHaveCount(0);
  await page.keyboard.press("Escape");
  const token = `gh${"p_"}Ab3Cd5Ef7Gh9Ij1Kl3Mn5Op7Qr9St1Uv3Wx5Yz7`;
  await paste(page, `FROM alpine\nARG NPM_TOKEN\nENV A=${token}\nRUN login --password hunter2\n`);
  await share(page);
  const found = dialog(page).getByRole("list", { name: "Possible secrets" }).getByRole("listitem");
  await expect(found).toHaveText([
    "Dockerfile, line 3: a token of GitHub",
    "Dockerfile, line 4: a value of a name that sounds like a secret",
  ]);
});

test("a long context tells the length and offers to leave it out", async ({ page, browser }) => {
  await openPage(page);
  await page.getByText("Paste changes or a list of files").click();
  const hex = (n: number) => createHash("sha1").update(`${n}`).digest("hex");
  const list = Array.from({ length: 900 }, (_, n) => `100644 ${hex(n + 1)} 0\tsrc/part${n % 30}/file${n}.js`).join("\n");
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), `100644 ${hex(0)} 0\tapp.json\n${list}\n`);
  await page.getByRole("textbox", { name: "Changes or a list of files" }).click();
  await page.keyboard.press("ControlOrMeta+V");
  await button(page, "Apply").click();
  await paste(page, "FROM node\nCOPY app.json ./\nRUN npm ci\nCOPY src ./src\n");
  await button(page, "Build").click();
  await button(page, "Edit app.json").click();
  const long = await share(page);
  expect(long.length).toBeGreaterThan(8_000);
  await expect(dialog(page)).toContainText(`${long.length.toLocaleString("en-US")} characters.`);
  const limits = dialog(page).getByRole("list", { name: "Too long for" }).getByRole("listitem");
  await expect(limits.first()).toHaveText("Too long for messages in Discord, and links in Office documents (2,000).");
  await expectAccessible(page);
  await dialog(page).getByRole("checkbox", { name: /^Leave out files that are the same in every version/ }).check();
  await expect(limits).toHaveCount(0);
  const short = await text(page, "Link").inputValue();
  expect(short.length).toBeLessThan(2_000);
  await expect(dialog(page).getByRole("list", { name: "Left out" })).toContainText("files and folders that are the same in every version");
  await expect(dialog(page)).toContainText("It opens with the same verdicts and reasons.");
  await page.keyboard.press("Escape");
  const there = await openElsewhere(browser, short);
  await expect(status(there)).toHaveText((await status(page).textContent()) ?? "");
  await there.context().close();
});

test("by keyboard alone", async ({ page }) => {
  await openPage(page);
  await button(page, "Share").focus();
  await page.keyboard.press("Enter");
  await expect(dialog(page)).toBeVisible();
  await expect(dialog(page).getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(text(page, "Link")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(dialog(page).getByRole("button", { name: "Copy link" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog(page).getByRole("status")).toHaveText("The link is copied.");
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toHaveCount(0);
  await expect(button(page, "Share")).toBeFocused();
});

test("what is printed: summary, verdicts with reasons and texts, and no controls", async ({ page }) => {
  await openPage(page);
  await button(page, "Edit package.json").click();
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const sheet = page.getByRole("article", { name: "Report" });
  await expect(sheet).toHaveCount(0);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await expect(sheet).toBeVisible();
  await expect(sheet).toContainText("2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.");
  await expect(sheet.getByRole("row").nth(3)).toContainText("First cause: package.json changed");
  await expect(sheet.getByRole("listitem").filter({ hasText: 'CMD ["npm", "start"]' })).toBeVisible();
  await expect(page.getByRole("button")).toHaveCount(0);
  const colors = await sheet.evaluate((element) => [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor]);
  expect(colors).toEqual(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]);
  await page.emulateMedia({ media: "screen" });
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  await expect(button(page, "Share")).toBeVisible();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1440, 400]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 900 } });

      test("the dialog is accessible and fits", async ({ page }) => {
        await openPage(page);
        await paste(page, "FROM node\nENV NPM_TOKEN=abcdef\nCOPY src ./src\n");
        await share(page);
        await expectAccessible(page);
        const overflow = await dialog(page).evaluate((it) => it.scrollWidth - it.clientWidth);
        expect(overflow).toBeLessThanOrEqual(0);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        await page.screenshot({ path: `test-results/share-${colorScheme}-${width}.png` });
      });
    });
  }
}
