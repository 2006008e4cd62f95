// What the page asks of the network: its own files at the start, and nothing after.

import { corpusImage } from "./fixtures/archive";
import { type LargeArchive, writeLargeArchive } from "./fixtures/archive";
import { expectKept } from "./fixtures/host";
import { expectVerified, openFile, opener, progress } from "./fixtures/inspect";
import { button, editor, expectSteps, METADATA, openPage, paste, showSteps } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

let archive: LargeArchive;
test.beforeAll(() => {
  archive = writeLargeArchive(256);
});
test.afterAll(() => archive.remove());

test("offline once it is open, the page edits, analyses, cancels and analyses again", async ({ page, context }) => {
  const { file } = corpusImage("docker20-sample");
  const asked: string[] = [];
  await openPage(page);
  // The page is ready once the browser keeps it, too: nothing at all is asked after that.
  await expectKept(page);
  context.on("request", (request) => {
    if (!request.url().startsWith("blob:")) asked.push(request.url());
  });
  await context.setOffline(true);

  await button(page, "Edit index.js").click();
  await button(page, "Build").click();
  await openFile(page, file);
  await expectVerified(page);
  await opener(page).setInputFiles(archive.path);
  await expect(progress(page)).toBeVisible();
  await button(page, "Cancel").click();
  await expect(page.getByRole("status")).toContainText("was cancelled");
  await opener(page).setInputFiles(file);
  await expectVerified(page);
  // A file opened while another is read replaces it.
  await opener(page).setInputFiles(archive.path);
  await expect(progress(page)).toBeVisible();
  await opener(page).setInputFiles(file);
  await expectVerified(page);

  // The editor goes with its place, and comes back.
  await page.getByRole("link", { name: "Simulate" }).click();
  await paste(page, "FROM scratch\nCMD [\"/app\"]\n");
  await expect(editor(page)).toContainText("FROM scratch");
  await showSteps(page);
  await expectSteps(page, [
    ["FROM scratch", "metadata only", "it makes no step: the stage goes on from what is there"],
    ['CMD ["/app"]', "metadata only", METADATA],
  ]);
  await button(page, "Start over").click();
  await page.getByRole("alert").getByRole("button", { name: "Start over" }).click();
  await expect(editor(page)).toContainText("FROM node:alpine");
  expect(asked).toEqual([]);
});

test("the page states its security policy, and every address is its own", async ({ page, baseURL }) => {
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`violates ${event.violatedDirective}`));
  });
  await openPage(page);
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
  const directives = (policy ?? "").split(";").map((directive) => directive.trim());
  expect(directives).toEqual(
    expect.arrayContaining(["default-src 'self'", "worker-src 'self' blob:", "style-src 'self'"]),
  );
  const script = directives.find((directive) => directive.startsWith("script-src"));
  expect(script).toMatch(/^script-src 'self' 'wasm-unsafe-eval'$/);
  expect(urls.length).toBeGreaterThan(4);
  expect(urls.filter((url) => !url.startsWith(baseURL ?? "") && !url.startsWith("blob:"))).toEqual([]);
});
