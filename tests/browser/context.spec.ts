// A real context: given in every way, changed in every way, on two stages that are built side by side.

import { gzipSync } from "node:zlib";
import { corpusImage, tarOf, upload, zipOf } from "./fixtures/archive";
import { expectVerified, openFile } from "./fixtures/inspect";
import { choose, context, expectVerdicts, file, type Folder, folderOf, note, pasteChanges, pasteText, PROJECT } from "./fixtures/project";
import { builds, button, editor, openPage, paste, showSteps, slab, status } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";

const API_REBUILDS = { 5: "rebuilds", 6: "rebuilds", 16: "conditional", 17: "conditional" };

test.describe("a folder", () => {
  let folder: Folder;
  test.beforeEach(() => {
    folder = folderOf("shop", PROJECT);
  });
  test.afterEach(() => folder.remove());

  test("is read, becomes the first build, and is read again where it changed", async ({ page }) => {
    await openPage(page);
    await choose(page, "Folder", folder.path);
    await expect(note(page)).toContainText("8 files of shop were read");
    await expect(editor(page)).toContainText("COPY api ./api");
    await showSteps(page);
    await expectVerdicts(page, {});
    await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
    await expect(context(page)).toContainText("Modes of a dropped folder are assumed");
    await expect(file(page, "README.md")).toContainText("ignored");
    await expectAccessible(page);

    await test.step("a cached copy says what it takes for granted", async () => {
      await slab(page, "COPY api ./api").click();
      const why = page.getByRole("region", { name: "Why" });
      await expect(why).toContainText("The mode of api/main.go is assumed, since a browser does not show it");
      await pasteChanges(page, "100644 d95f3ad14dee633a758d2e331151e950dd13e4ed 0\tapi/main.go\n");
      await expect(note(page)).toContainText("Modes are known now: 1 as assumed, 0 others.");
      await expect(why).not.toContainText("is assumed");
      await expectVerdicts(page, {});
    });

    await test.step("changed on disk", async () => {
      folder.write("api/main.go", "package other\n");
      const dialog = page.waitForEvent("filechooser");
      await context(page).getByRole("button", { name: "Re-read" }).click();
      await (await dialog).setFiles(folder.path);
      await expectVerdicts(page, API_REBUILDS);
      await expect(status(page)).toContainText("First cause: line 5, api/main.go changed.");
      await expect(builds(page)).toHaveText(["Build 1", "now: edited"]);
      await button(page, "Take them back").click();
      await expectVerdicts(page, {});
    });

    await test.step("another Dockerfile of it", async () => {
      await choose(page, "Folder", folder.path);
      await page.getByRole("combobox", { name: "Dockerfile" }).selectOption("docker/tool.Dockerfile");
      await expect(editor(page)).toContainText("COPY api /api");
      await page.getByRole("combobox", { name: "Dockerfile" }).selectOption("Dockerfile");
      await expect(editor(page)).toContainText("COPY api ./api");
    });

    await test.step("kept over a reload", async () => {
      // A change of tabs is written in two steps; until the second one the tab before is what is kept.
      await page.waitForTimeout(300);
      await page.reload();
      await expect(editor(page)).toContainText("COPY api ./api");
      await expect(context(page)).toContainText("shop: ");
    });
  });
});

test("a folder that is dropped is looked at anew when it is read again", async ({ page }) => {
  const folder = folderOf("shop", PROJECT);
  try {
    await openPage(page);
    const box = await context(page).boundingBox();
    const session = await page.context().newCDPSession(page);
    for (const type of ["dragEnter", "dragOver", "drop"] as const) {
      const data = { items: [], files: [folder.path], dragOperationsMask: 1 };
      await session.send("Input.dispatchDragEvent", { type, x: box!.x + 40, y: box!.y + 40, data });
    }
    await expect(note(page)).toContainText("8 files of shop were read");
    await showSteps(page);
    await expectVerdicts(page, {});
    folder.write("web/index.js", "other();\n");
    folder.write("web/more.js", "more();\n");
    await context(page).getByRole("button", { name: "Re-read" }).click();
    await expectVerdicts(page, { 12: "rebuilds", 13: "rebuilds", 17: "conditional" });
    await expect(status(page)).toContainText("First cause: line 12, web/index.js changed, and 1 more file.");
  } finally {
    folder.remove();
  }
});

const archives = [
  ["a zip", upload("project.zip", zipOf(Object.fromEntries(Object.entries(PROJECT).map(([name, text]) => [`shop-main/${name}`, text]))))],
  ["a tar.gz", upload("anything", gzipSync(tarOf(PROJECT)))],
] as const;
for (const [what, archive] of archives) {
  test(`${what} is a context, whatever its name`, async ({ page }) => {
    await openPage(page);
    await choose(page, "Archive", archive);
    await expect(note(page)).toContainText("8 files of");
    await showSteps(page);
    await expectVerdicts(page, {});
    await button(page, "Edit api/main.go").click();
    await expectVerdicts(page, API_REBUILDS);
    // A tar tells the modes.
    if (what === "a tar.gz") await expect(context(page)).not.toContainText("are assumed");
  });
}

test("an archive dropped on the panel; what is none gets a message there", async ({ page }) => {
  await openPage(page);
  const drop = async (target: string, name: string, bytes: Buffer) => {
    const transfer = await page.evaluateHandle(
      ({ name, base64 }) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
        return data;
      },
      { name, base64: bytes.toString("base64") },
    );
    await page.dispatchEvent(target, "drop", { dataTransfer: transfer });
  };
  await drop(".context-panel", "notes.txt", Buffer.from("just a text\n"));
  await expect(context(page).getByRole("alert")).toContainText("notes.txt: this is a text; a context is read from a tar");
  await expectAccessible(page);
  await drop(".context-panel", "project.tar", tarOf(PROJECT));
  await expect(note(page)).toContainText("8 files of project.tar were read");
  // A zip is no image, wherever it is dropped.
  await drop("header", "other.zip", zipOf({ Dockerfile: "FROM alpine\nCOPY a /a\n", a: "1" }));
  await expect(note(page)).toContainText("2 files of other.zip were read");
  await expect(editor(page)).toContainText("COPY a /a");
});

test("changes by one click each: edit, touch, chmod, delete, add, ignore", async ({ page }) => {
  await openPage(page);
  await choose(page, "Archive", upload("p", gzipSync(tarOf(PROJECT))));
  await showSteps(page);
  await expectVerdicts(page, {});
  const webRebuilds = { 12: "rebuilds", 13: "rebuilds", 17: "conditional" };
  const change = async (name: string, path: string, expected: Record<number, string>) => {
    await button(page, `${name} ${path}`).click();
    await expectVerdicts(page, expected);
  };
  await change("Edit", "web/index.js", webRebuilds);
  await change("Undo change of", "web/index.js", {});
  await change("Touch", "web/index.js", {});
  await expect(page.getByRole("region", { name: "Summary" })).toContainText("web/index.js was touched");
  await change("Undo change of", "web/index.js", {});
  await change("Switch executable of", "web/index.js", webRebuilds);
  await expect(file(page, "index.js")).toContainText("executable");
  await change("Undo change of", "web/index.js", {});
  await change("Delete", "web/index.js", webRebuilds);
  await change("Undo change of", "web/index.js", {});
  await page.getByRole("textbox", { name: "Path of a new file" }).fill("web/new.js");
  await button(page, "Add file").click();
  await expectVerdicts(page, webRebuilds);
  await change("Undo change of", "web/new.js", {});
  await page.getByRole("tab", { name: ".dockerignore" }).click();
  await page.getByRole("textbox", { name: ".dockerignore" }).fill("*.md\n.git\nweb/*.js\n");
  await expectVerdicts(page, webRebuilds);
  await expect(status(page)).toContainText("web/index.js is ignored now");
  await expect(file(page, "index.js").locator("[title*='web/*.js']")).toBeVisible();
});

test("a long list is pasted whole and not drawn", async ({ page }) => {
  await openPage(page);
  const paths = Array.from({ length: 20_000 }, (_, n) => `src/part${n % 97}/file${n}.js`);
  await pasteText(page, paths.join("\n"));
  await expect(note(page)).toHaveText(/^\d+ kB pasted; too long to be shown here\.$/);
  await expect(context(page)).toContainText("a list of files: they become the context");
  await expectAccessible(page);
  await context(page).getByRole("button", { name: "Discard" }).click();
  await expect(note(page)).toHaveCount(0);

  // What was typed before is still there afterwards.
  await pasteText(page, " M src/part1/file1.js\n");
  await pasteText(page, paths.join("\n"));
  await context(page).getByRole("button", { name: "Discard" }).click();
  await expect(context(page)).toContainText("git status: what it lists counts as changed");
  await expect(page.getByRole("textbox", { name: "Changes or a list of files" })).toHaveValue(" M src/part1/file1.js\n");
  await pasteChanges(page, paths.join("\n"));
  await expect(note(page)).toContainText("20000 files of the list are the context now.");
});

test("changes in bulk: git status, git diff --name-status, git diff", async ({ page }) => {
  await openPage(page);
  await choose(page, "Archive", upload("p", gzipSync(tarOf(PROJECT))));
  await showSteps(page);
  await expectVerdicts(page, {});
  const back = async () => {
    await button(page, "Take them back").click();
    await expectVerdicts(page, {});
  };

  await pasteChanges(page, " M api/main.go\n D README.md\n?? api/new.go\n");
  await expect(note(page)).toContainText("Files: 1 edited, 1 added, 1 deleted.");
  await expectVerdicts(page, API_REBUILDS);
  await expect(status(page)).toContainText("First cause: line 5, api/main.go changed, and 1 more file.");
  await back();

  await pasteChanges(page, "R100\tweb/index.js\tweb/main.js\nM\tDockerfile\n");
  await expect(note(page)).toContainText("Files: 1 renamed.");
  await expect(context(page).getByRole("list", { name: "Problems" })).toContainText("Dockerfile: how it changed is not told");
  await expectVerdicts(page, { 12: "rebuilds", 13: "rebuilds", 17: "conditional" });
  await back();

  const diff = `diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -11 +11 @@ COPY web/package.json ./
-RUN npm install
+RUN npm ci
diff --git a/.dockerignore b/.dockerignore
--- a/.dockerignore
+++ b/.dockerignore
@@ -1,2 +1 @@
-*.md
 .git
diff --git a/go.mod b/go.mod
index 1111111..2222222 100644
--- a/go.mod
+++ b/go.mod
@@ -1 +1,2 @@
 module api
+go 1.25
`;
  await pasteChanges(page, diff);
  await expect(editor(page)).toContainText("RUN npm ci");
  await expect(note(page)).toContainText("Files: 1 edited.");
  await expectVerdicts(page, {
    3: "rebuilds", 4: "rebuilds", 5: "rebuilds", 6: "rebuilds",
    11: "rebuilds", 12: "rebuilds", 13: "rebuilds", 16: "conditional", 17: "conditional",
  });
  await back();
  await expect(editor(page)).toContainText("RUN npm install");
});

test("options, timeline, base tags, why and impact on two stages side by side", async ({ page }) => {
  await openPage(page);
  await choose(page, "Archive", upload("p", gzipSync(tarOf(PROJECT))));
  await showSteps(page);
  await expectVerdicts(page, {});

  await test.step("a target leaves the other stage out", async () => {
    await page.getByRole("tab", { name: "Options" }).click();
    await page.getByRole("combobox", { name: "--target" }).fill("web");
    const others = [1, 2, 3, 4, 5, 6, 15, 16, 17, 18].map((line) => [line, "not needed"]);
    await expectVerdicts(page, Object.fromEntries(others));
    await page.getByRole("combobox", { name: "--target" }).fill("");
    await page.getByRole("combobox", { name: "--no-cache-filter" }).fill("api");
    await expectVerdicts(page, { 3: "rebuilds", 4: "rebuilds", 5: "rebuilds", 6: "rebuilds", 16: "conditional", 17: "conditional" });
    await page.getByRole("combobox", { name: "--no-cache-filter" }).fill("");
    await expectVerdicts(page, {});
  });

  await test.step("a base tag that moved", async () => {
    await page.getByRole("checkbox", { name: "--pull" }).check();
    await button(page, "Move tag to other layers: docker.io/library/node:alpine").click();
    await expectVerdicts(page, {
      8: "rebuilds", 9: "rebuilds", 10: "rebuilds", 11: "rebuilds", 12: "rebuilds", 13: "rebuilds", 17: "conditional",
    });
    await button(page, "Build").click();
    await expectVerdicts(page, {});
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: as built"]);
  });

  await test.step("an argument", async () => {
    await page.getByRole("tab", { name: "Dockerfile" }).click();
    await paste(page, PROJECT.Dockerfile!.replace("RUN npm install", "ARG MODE=a\nRUN npm install"));
    await slab(page, "RUN npm install").click();
    const why = page.getByRole("region", { name: "Why" });
    await expect(why).toContainText("Rebuilds because the variable MODE is new.");
    await button(page, "Build").click();
    await page.getByRole("tab", { name: "Options" }).click();
    await page.getByRole("textbox", { name: "--build-arg" }).fill("MODE=b");
    await expect(why).toContainText("Rebuilds because the variable MODE changed from “a” to “b”.");
    await page.getByRole("textbox", { name: "--build-arg" }).fill("");
    await page.getByRole("tab", { name: "Dockerfile" }).click();
  });

  await test.step("earlier builds, a fresh runner, prune", async () => {
    await page.getByText("Timeline", { exact: true }).click();
    await expectAccessible(page);
    await button(page, "Take back the texts and files of Build 1").click();
    await expect(editor(page)).not.toContainText("ARG MODE");
    await expectVerdicts(page, {});
    await button(page, "Fresh runner: an empty cache").click();
    await expect(status(page)).toHaveText(/Nothing was built yet/);
    await button(page, "Forget from here: Fresh runner and what came after it").click();
    await expectVerdicts(page, {});
    // What it imports is the cache of the build that was last: the one with the argument.
    await button(page, "Fresh runner: cache-from, mode=max").click();
    await expectVerdicts(page, { 11: "rebuilds", 12: "rebuilds", 13: "rebuilds", 17: "conditional" });
    await button(page, "Fresh runner: cache-from, mode=min or inline").click();
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "Build 3", "Fresh runner", "Fresh runner", "now: edited"]);
    await page.keyboard.press("Escape");
  });
});

test("the impact map, and both builders side by side", async ({ page }) => {
  await openPage(page);
  await choose(page, "Archive", upload("p", gzipSync(tarOf(PROJECT))));
  await expect(file(page, "go.mod")).toContainText("4 rebuilt by an edit: taken by line 3; an edit of it rebuilds lines 3, 4, 5, 6, and lines 16, 17");
  await page.getByText("Impact map: what an edit of each line would rebuild").click();
  const map = page.getByRole("table", { name: "Impact map" });
  await expect(map.getByRole("row", { name: /RUN npm install/ })).toContainText("11, 12, 13");

  await paste(page, PROJECT.Dockerfile!.replace("WORKDIR /web", "LABEL a=1\nWORKDIR /web"));
  await page.getByText("BuildKit and the legacy builder, side by side").click();
  const both = page.getByRole("table", { name: "Both builders" });
  const row = both.getByRole("row", { name: /RUN npm install/ });
  await expect(row.getByRole("cell").nth(1)).toContainText("cached");
  await expect(row.getByRole("cell").nth(2)).toContainText("rebuilds");
  const terminal = (name: string) => page.getByRole("region", { name: `Terminal of ${name}` });
  await expect(terminal("BuildKit")).toContainText(/#\d+ \[web 4\/6\] RUN npm install\n#\d+ CACHED\n/);
  await expect(terminal("Legacy builder")).toContainText(/Step \d+\/\d+ : RUN npm install\n ---> Running in [0-9a-f]{12}\n/);
  await expectAccessible(page);

  await page.getByRole("tab", { name: "Options" }).click();
  await page.getByRole("combobox", { name: "Builder" }).selectOption("legacy builder");
  await page.getByRole("tab", { name: "Dockerfile" }).click();
  await slab(page, "RUN npm install").click();
  const why = page.getByRole("region", { name: "Why" });
  await expect(why).toContainText("Rebuilds because it stands on");
  await expect(why.getByRole("listitem").last()).toContainText("LABEL a=1");
});

test("an opened image is the base; the layers that the build would write", async ({ page }) => {
  await openPage(page);
  await choose(page, "Archive", upload("p", gzipSync(tarOf(PROJECT))));
  await page.getByRole("link", { name: "Inspect" }).click();
  await openFile(page, corpusImage("docker20-sample").file);
  await expectVerified(page);
  await page.getByRole("link", { name: "Simulate" }).click();
  await page.getByRole("tab", { name: "Options" }).click();
  const bases = page.getByRole("listitem").filter({ hasText: "docker.io/library/alpine:latest" });
  await bases.getByRole("button", { name: /^It is .* of docker20-sample.tar$/ }).click();
  await expect(bases).toContainText("configuration and layers as in docker20-sample.tar");
  // It was the base of every build, so nothing rebuilds; and its environment is that of the image.
  await expect(status(page)).toHaveText(/^Nothing rebuilds/);

  await slab(page, "COPY web ./").click();
  const layer = page.getByRole("tree", { name: "What its layer holds" });
  await expect(layer.getByRole("treeitem")).toHaveText([/^web.*0755/, /^index\.js.*0644.*9 B/, /^package\.json.*0644.*3 B/]);
  await layer.getByRole("treeitem").first().press("ArrowLeft");
  await expect(layer.getByRole("treeitem")).toHaveCount(1);
  await slab(page, "RUN npm install").click();
  const why = page.getByRole("region", { name: "Why" });
  await why.getByRole("textbox", { name: "Its size, if you know it" }).fill("92 MB");
  await why.getByRole("textbox", { name: "Its size, if you know it" }).press("Enter");
  await expect(why).toContainText("as you said: 92.0 MB");

  await page.getByText("The image that this build yields").click();
  const image = page.getByRole("table", { name: "Layers of the image" });
  await expect(image.getByRole("row")).toHaveCount(1 + 16 + 2);
  await expect(page.getByText("Configuration", { exact: true })).toBeVisible();
  await expectAccessible(page);
});

test("an ADD unpacks an archive of the context, also after a reload", async ({ page }) => {
  const app = gzipSync(tarOf({ "bin/app": "12345", "etc/app.conf": "on" }));
  const data = Buffer.from("\xfd7zXZ\0", "latin1");
  const files = { Dockerfile: "FROM scratch\nADD app.tgz /opt/\nADD data.tar.xz /data/\n", "app.tgz": app, "data.tar.xz": data };
  await openPage(page);
  await choose(page, "Archive", upload("p.tar", tarOf(files)));
  await slab(page, "ADD app.tgz /opt/").click();
  const why = page.getByRole("region", { name: "Why" });
  const rows = page.getByRole("tree", { name: "What its layer holds" }).getByRole("treeitem");
  const unpacked = [/^opt/, /^bin.*0755/, /^app.*0644.*5 B/, /^etc/, /^app\.conf.*0644.*2 B/];
  await expect(rows).toHaveText(unpacked);
  await page.reload();
  await slab(page, "ADD app.tgz /opt/").click();
  await expect(rows).toHaveText(unpacked);
  await slab(page, "ADD data.tar.xz /data/").click();
  await expect(why).toContainText("what comes out of data.tar.xz is not known; it is compressed with xz, which is not read here.");
});
