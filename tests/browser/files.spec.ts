// Several Dockerfiles in tabs; Dockerfiles of the disk opened, dropped and saved back.

import { gzipSync } from "node:zlib";
import { tarOf, upload } from "./fixtures/archive";
import { choose, context } from "./fixtures/project";
import { builds, button, editor, openPage, status } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";
import type { Page } from "@playwright/test";

const tab = (page: Page, name: string) => page.getByRole("tab", { name, exact: true });
/** The tab of a text that is not the one of its file. */
const unsaved = (page: Page, name: string) => page.getByRole("tab", { name: new RegExp(`^${name}\\W+not saved$`) });
const documents = (page: Page) => page.getByRole("tablist", { name: "Texts" }).getByRole("tab");
const undo = (page: Page) => page.getByRole("button", { name: /^Undo: / });

const SHOP = {
  Dockerfile: "FROM alpine\nCOPY shared /shared\n",
  ".dockerignore": "*.md\n",
  "api/Dockerfile": "FROM golang\nCOPY shared /shared\nCOPY api /api\n",
  "web/Dockerfile": "FROM node\nCOPY web /web\n",
  "web/Dockerfile.dockerignore": "api\n",
  "shared/lib.txt": "shared\n",
  "api/main.go": "package main\n",
  "web/index.js": "start();\n",
};

async function openShop(page: Page): Promise<void> {
  await openPage(page);
  await choose(page, "Archive", upload("shop.tar.gz", gzipSync(tarOf(SHOP))));
  await expect(editor(page)).toContainText("FROM alpine");
}

async function newTab(page: Page, what: string): Promise<void> {
  await page.locator("summary", { hasText: "" }).and(page.getByLabel("New tab")).click();
  await page.getByRole("button", { name: what, exact: true }).click();
}

/** Files as dragged from a folder of the system. */
async function drop(page: Page, target: string, files: Record<string, string>): Promise<void> {
  const transfer = await page.evaluateHandle((files) => {
    const data = new DataTransfer();
    for (const [name, text] of Object.entries(files)) data.items.add(new File([text], name));
    return data;
  }, files);
  await page.dispatchEvent(target, "drop", { dataTransfer: transfer });
}

test("the Dockerfiles of a monorepo stand in tabs: shared files, builds of their own", async ({ page }) => {
  await openShop(page);
  await newTab(page, "api/Dockerfile");
  await expect(editor(page)).toContainText("FROM golang");
  await expect(tab(page, "api/Dockerfile")).toHaveAttribute("aria-selected", "true");
  await newTab(page, "web/Dockerfile");
  await expect(documents(page)).toHaveText(["Dockerfile", "api/Dockerfile", "web/Dockerfile", ".dockerignore", "Options"]);
  await tab(page, ".dockerignore").click();
  await expect(page.getByRole("textbox", { name: ".dockerignore" })).toHaveValue("api\n");
  await expectAccessible(page);

  await test.step("an edit of a file counts in every tab", async () => {
    await button(page, "Edit shared/lib.txt").click();
    await expect(status(page)).toContainText("Nothing rebuilds");
    await tab(page, "api/Dockerfile").click();
    await expect(status(page)).toContainText("First cause: line 2, shared/lib.txt changed");
    await button(page, "Build").click();
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: as built"]);
    await tab(page, "Dockerfile").click();
    await expect(builds(page)).toHaveText(["Build 1", "now: edited"]);
    await expect(status(page)).toContainText("First cause: line 2, shared/lib.txt changed");
  });

  await test.step("each tab has its own undo of typing", async () => {
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("RUN one");
    await tab(page, "api/Dockerfile").click();
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("RUN two");
    await tab(page, "Dockerfile").click();
    await expect(editor(page)).toContainText("RUN one");
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+z");
    await expect(editor(page)).not.toContainText("RUN one");
    await expect(editor(page)).toContainText("FROM alpine");
    await tab(page, "api/Dockerfile").click();
    await expect(editor(page)).toContainText("RUN two");
  });

  await test.step("kept over a reload", async () => {
    await page.reload();
    await expect(documents(page)).toHaveText(["Dockerfile", "api/Dockerfile", "web/Dockerfile", ".dockerignore", "Options"]);
    await expect(tab(page, "api/Dockerfile")).toHaveAttribute("aria-selected", "true");
    await expect(editor(page)).toContainText("RUN two");
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: edited"]);
    await tab(page, "web/Dockerfile").click();
    await expect(builds(page)).toHaveText(["Build 1", "now: edited"]);
  });

  await test.step("closed and taken back", async () => {
    await button(page, "Close tab").click();
    await expect(documents(page)).toHaveText(["Dockerfile", "api/Dockerfile", ".dockerignore", "Options"]);
    await undo(page).click();
    await expect(tab(page, "web/Dockerfile")).toHaveAttribute("aria-selected", "true");
    await expect(editor(page)).toContainText("FROM node");
  });
});

test("tabs by keyboard alone: arrows, rename, close", async ({ page }) => {
  await openPage(page);
  await newTab(page, "Empty Dockerfile");
  await expect(editor(page)).toHaveText("");
  await tab(page, "Dockerfile.2").focus();
  await page.keyboard.press("F2");
  const name = page.getByRole("textbox", { name: "Path in the context" });
  await expect(name).toBeFocused();
  await name.fill("index.js");
  await expect(page.getByText("The context has a file of this name.")).toBeVisible();
  await expect(button(page, "Rename")).toBeDisabled();
  await expectAccessible(page);
  await name.fill("jobs/Dockerfile");
  await page.keyboard.press("Enter");
  await expect(tab(page, "jobs/Dockerfile")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(tab(page, ".dockerignore")).toBeFocused();
  await expect(tab(page, ".dockerignore")).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("Home");
  await expect(tab(page, "Dockerfile")).toBeFocused();
  await expect(editor(page)).toContainText("FROM node:alpine");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Delete");
  await expect(tab(page, "Dockerfile")).toBeFocused();
  await expect(documents(page)).toHaveText(["Dockerfile", ".dockerignore", "Options"]);
  await page.keyboard.press("ControlOrMeta+z");
  await expect(tab(page, "jobs/Dockerfile")).toBeVisible();
});

test("at 400 px tabs, names and the menu of new ones stay within the page", async ({ page }) => {
  await page.setViewportSize({ width: 400, height: 800 });
  await openShop(page);
  await newTab(page, "api/Dockerfile");
  await newTab(page, "web/Dockerfile");
  await newTab(page, "Copy of web/Dockerfile");
  await page.getByLabel("New tab").first().click();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(400);
  await page.keyboard.press("Escape");
  await tab(page, "Dockerfile").click();
  await expect(editor(page)).toContainText("FROM alpine");
  await tab(page, "Options").click();
  await expect(page.getByRole("textbox", { name: "--target" }).or(page.getByLabel(/target/i)).first()).toBeVisible();
  await expectAccessible(page);
});

/** Pickers that give files of the browser's own file system: their handles are real ones. */
async function stubPickers(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const root = () => navigator.storage.getDirectory();
    Object.assign(window, {
      showOpenFilePicker: async () => [await (await root()).getFileHandle("Dockerfile")],
      showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) =>
        (await root()).getFileHandle(suggestedName, { create: true }),
    });
  });
}

/** Writes a file as another program would. */
async function writeFile(page: Page, name: string, text: string): Promise<void> {
  await page.evaluate(
    async ([name, text]) => {
      // Times of files are told in milliseconds.
      await new Promise((done) => setTimeout(done, 20));
      const handle = await (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
      const writable = await handle.createWritable();
      await writable.write(text);
      await writable.close();
    },
    [name, text] as const,
  );
}

const readFile = (page: Page, name: string) =>
  page.evaluate(async (name) => {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle(name);
    return (await handle.getFile()).text();
  }, name);

test("a Dockerfile of the disk is opened, marked while unsaved, saved back, and not overwritten unseen", async ({ page }) => {
  await stubPickers(page);
  await openPage(page);
  await writeFile(page, "Dockerfile", "FROM alpine\nCOPY src /src\n");
  await button(page, "Open").click();
  await expect(editor(page)).toContainText("COPY src /src");
  await expect(documents(page)).toHaveText(["Dockerfile", ".dockerignore", "Options"]);
  await expect(context(page)).not.toContainText("index.js");

  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("RUN mine\n");
  await expect(unsaved(page, "Dockerfile")).toBeVisible();
  await page.keyboard.press("ControlOrMeta+s");
  await expect(page.getByText("Dockerfile was saved.")).toBeVisible();
  await expect(tab(page, "Dockerfile")).toBeVisible();
  expect(await readFile(page, "Dockerfile")).toBe("FROM alpine\nCOPY src /src\nRUN mine\n");
  await expectAccessible(page);

  await test.step("after a reload the handle is still there", async () => {
    await page.reload();
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("RUN again\n");
    await expect(unsaved(page, "Dockerfile")).toBeVisible();
    await button(page, "Save").click();
    await expect(page.getByText("Dockerfile was saved.")).toBeVisible();
    expect(await readFile(page, "Dockerfile")).toContain("RUN again\n");
  });

  await test.step("it changed on disk: theirs", async () => {
    await writeFile(page, "Dockerfile", "FROM theirs\n");
    await editor(page).click();
    await page.keyboard.type("#");
    await page.keyboard.press("ControlOrMeta+s");
    const alert = page.getByRole("alert").filter({ hasText: "it changed on disk" });
    await expect(alert).toBeVisible();
    await expectAccessible(page);
    expect(await readFile(page, "Dockerfile")).toBe("FROM theirs\n");
    await alert.getByRole("button", { name: "Take the one on disk" }).click();
    await expect(editor(page)).toHaveText("FROM theirs");
    await expect(tab(page, "Dockerfile")).toBeVisible();
  });

  await test.step("it changed on disk: mine", async () => {
    await writeFile(page, "Dockerfile", "FROM others\n");
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type("RUN kept\n");
    await page.keyboard.press("ControlOrMeta+s");
    await button(page, "Overwrite it").click();
    await expect(page.getByText("Dockerfile was saved.")).toBeVisible();
    expect(await readFile(page, "Dockerfile")).toBe("FROM theirs\nRUN kept\n");
  });

  await test.step("another tab goes to a file of its own", async () => {
    await newTab(page, "Empty Dockerfile");
    await editor(page).click();
    await page.keyboard.type("FROM new");
    await page.keyboard.press("ControlOrMeta+s");
    await expect(page.getByText("Dockerfile.2 was saved.")).toBeVisible();
    expect(await readFile(page, "Dockerfile.2")).toBe("FROM new");
  });
});

test("where the browser has no such files, a form opens and a download saves", async ({ page }) => {
  await page.addInitScript(() => {
    Object.assign(window, { showOpenFilePicker: undefined, showSaveFilePicker: undefined });
  });
  await openPage(page);
  const chooser = page.waitForEvent("filechooser");
  await button(page, "Open").click();
  await (await chooser).setFiles([
    { name: "api.Dockerfile", mimeType: "", buffer: Buffer.from("FROM golang\r\n") },
    { name: "web.Dockerfile", mimeType: "", buffer: Buffer.from("FROM node\n") },
  ]);
  await expect(documents(page)).toHaveText(["api.Dockerfile", "web.Dockerfile", ".dockerignore", "Options"]);
  await tab(page, "api.Dockerfile").click();
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("RUN x");
  await expect(unsaved(page, "api.Dockerfile")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.keyboard.press("ControlOrMeta+s");
  expect((await download).suggestedFilename()).toBe("api.Dockerfile");
  await expect(tab(page, "api.Dockerfile")).toBeVisible();
});

test("a dropped Dockerfile opens in a tab, whatever its name; what is none is not taken for one", async ({ page }) => {
  await openPage(page);
  await button(page, "Edit index.js").click();
  await drop(page, ".editor-panel", { "notes.txt": "# syntax=docker/dockerfile:1\nFROM alpine AS dropped\n" });
  await expect(editor(page)).toContainText("FROM alpine AS dropped");
  await expect(documents(page)).toHaveText(["Dockerfile", "notes.txt", ".dockerignore", "Options"]);
  await expect(page.getByRole("link", { name: "Simulate" })).toHaveAttribute("aria-current", "page");
  await drop(page, ".context-panel", { "one.Dockerfile": "FROM one\n", "two.Dockerfile": "FROM two\n" });
  await expect(documents(page)).toHaveText(["Dockerfile", "notes.txt", "one.Dockerfile", "two.Dockerfile", ".dockerignore", "Options"]);
  await drop(page, ".context-panel", { "letter.txt": "From the beginning it was clear.\n" });
  await expect(context(page).getByRole("alert")).toContainText("letter.txt: this is a text");
  await undo(page).click();
  await expect(documents(page)).toHaveText(["Dockerfile", "notes.txt", "one.Dockerfile", ".dockerignore", "Options"]);
});
