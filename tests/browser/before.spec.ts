// Before committing: examples, one diff for everything, an older Dockerfile, a Compose file.

import { expect, expectAccessible, test } from "./fixtures/test";
import { builds, button, editor, openPage, status } from "./fixtures/simulate";

test("an example is opened, judged at once, and taken back", async ({ page }) => {
  await openPage(page);
  await page.getByText("Examples").click();
  await expectAccessible(page);
  await page.getByRole("button", { name: /^Sources before dependencies/ }).click();
  await expect(status(page)).toHaveText("2 of 5 steps cached, 3 rebuild. First cause: line 3, README.md changed.");
  await expect(editor(page)).toContainText("RUN npm ci");
  await button(page, "Take them back").click();
  await expect(status(page)).toHaveText("Nothing rebuilds: all 5 steps are cached.");
  // By keyboard alone, and away again.
  const summary = page.getByText("Examples");
  await summary.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: /^Monorepo/ })).toBeHidden();
});

test("one diff of Dockerfile and files: its old side was built, its new side is judged", async ({ page }) => {
  await openPage(page);
  const diff = `diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,6 +1,6 @@
 FROM node:alpine
 WORKDIR /app
 COPY package*.json ./
-RUN npm install
+RUN npm ci
 COPY ./ ./
 CMD ["npm", "start"]
diff --git a/index.js b/index.js
index 1111111..2222222 100644
--- a/index.js
+++ b/index.js
@@ -1 +1 @@
-old
+new
`;
  await page.getByText("Paste changes or a list of files").click();
  await page.getByRole("textbox", { name: "Changes or a list of files" }).fill(diff);
  await button(page, "Judge this change").click();
  await expect(status(page)).toHaveText("3 of 5 steps cached, 2 rebuild. First cause: line 4, the instruction changed.");
  await expect(editor(page)).toContainText("RUN npm ci");
  await expect(builds(page)).toContainText(["now: edited"]);
  await button(page, "Take them back").click();
  await expect(editor(page)).toContainText("RUN npm install");
});

test("the Dockerfile that was built is pasted beside the present one", async ({ page }) => {
  await openPage(page);
  await page.getByText("Compare with an older Dockerfile").click();
  const old = 'FROM node:alpine\nWORKDIR /srv\nCOPY package*.json ./\nRUN npm install\nCOPY ./ ./\nCMD ["npm", "start"]\n';
  await page.getByRole("textbox", { name: "The Dockerfile that was built" }).fill(old);
  await button(page, "Prune cache").click();
  await button(page, "Judge against it").click();
  await expect(status(page)).toHaveText(/^1 of 5 steps cached, 4 rebuild\. First cause: line 2, /);
});

test("a Compose file offers its builds, and one of them becomes the options", async ({ page }) => {
  await openPage(page);
  await page.getByRole("tab", { name: "Options" }).click();
  const name = "compose.yaml";
  const text = `services:
  web:
    build:
      context: .
      target: base
      args:
        VERSION: "2"
  api:
    build: ./api
`;
  await page.getByRole("button", { name: "Compose or bake file" }).setInputFiles({ name, mimeType: "text/yaml", buffer: Buffer.from(text) });
  const file = page.getByRole("region", { name: "Compose or bake file" });
  await expect(file.getByRole("status")).toContainText("compose.yaml is a Compose file with 2 builds.");
  await file.getByRole("button", { name: /^web/ }).click();
  await expect(page.getByLabel("--target", { exact: true })).toHaveValue("base");
  await expect(page.getByLabel("--build-arg", { exact: true })).toHaveValue("VERSION=2");
  await expectAccessible(page);
  // What is no such file says where.
  const broken = Buffer.from("services:\n  web: {\n");
  await page.getByRole("button", { name: "Compose or bake file" }).setInputFiles({ name, mimeType: "text/yaml", buffer: broken });
  await expect(file.getByRole("alert")).toContainText(/compose\.yaml cannot be read: line \d+/);
});
