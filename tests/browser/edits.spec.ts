// The main job: an edit, which layers rebuild, and why.

import { expect, test } from "./fixtures/test";
import {
  builds, button, cached, editor, expectSteps, METADATA, openPage, OTHER_BYTES, paste, PRUNED, SAME_BYTES, showSteps, slab, status,
  type Step, typeNearEnd,
} from "./fixtures/simulate";

const CMD: Step = ['CMD ["npm", "start"]', "metadata only", METADATA];
const above = cached("FROM node:alpine", "WORKDIR /app");
const install = cached("COPY package*.json ./", "RUN npm install");
const asBuilt: Step[] = [...above, ...install, ...cached("COPY ./ ./"), CMD];
const allCached = "Nothing rebuilds: all 5 steps are cached.";

test("the worked example, built once: the edits that one would try first", async ({ page }) => {
  await openPage(page);
  await expect(status(page)).toHaveText(allCached);
  await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
  await showSteps(page);
  await expectSteps(page, asBuilt);

  await test.step("package.json", async () => {
    await button(page, "Edit package.json").click();
    await expectSteps(page, [
      ...above,
      ["COPY package*.json ./", "rebuilds", "package.json changed"],
      ["RUN npm install", "rebuilds", "it stands on “COPY package*.json ./”, which runs again"],
      ["COPY ./ ./", "rebuilds", "it stands on “RUN npm install”, which runs again"],
      CMD,
    ]);
    await expect(status(page)).toHaveText(
      "2 of 5 steps cached, 3 rebuild. First cause: line 3, package.json changed.",
    );
    await expect(builds(page)).toHaveText(["Build 1", "now: edited"]);
    await expect(slab(page, "COPY package*.json ./")).toHaveAccessibleName(/: rebuilds, first cause$/);
    await expect(slab(page, "COPY ./ ./")).toHaveAccessibleName(/: rebuilds$/);
    await expect(slab(page, "WORKDIR /app")).toHaveAccessibleName(/: cached$/);
    await slab(page, "COPY ./ ./").click();
    const why = page.getByRole("region", { name: "Why" });
    await expect(why.getByRole("listitem")).toHaveText([
      /5 {2}COPY .*it stands on “RUN npm install”, which runs again/,
      /4 {2}RUN npm install.*it stands on “COPY package\*\.json \.\/”, which runs again/,
      /3 {2}COPY package.*package\.json changed/,
    ]);
    await why.getByRole("button", { name: "3 COPY package*.json ./" }).click();
    await expect(why).toContainText("Rebuilds because package.json changed.");
    await expect(why.getByRole("row", { name: /package\.json .*\(changed\)/ })).toBeVisible();
  });

  await test.step("undone, it hits again", async () => {
    await button(page, "Undo change of package.json").click();
    await expectSteps(page, asBuilt);
    await expect(builds(page)).toHaveText(["Build 1", "now: as built"]);
  });

  await test.step("index.js", async () => {
    await button(page, "Edit index.js").click();
    await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "index.js changed"], CMD]);
    await expect(status(page)).toHaveText("4 of 5 steps cached, 1 rebuilds. First cause: line 5, index.js changed.");
    await button(page, "Undo change of index.js").click();
    await expectSteps(page, asBuilt);
  });

  await test.step("a touch", async () => {
    await button(page, "Touch index.js").click();
    await expect(page.getByRole("region", { name: "Summary" })).toContainText(
      "index.js was touched: only its time changed, and times never count.",
    );
    await expectSteps(page, asBuilt);
    await expect(status(page)).toHaveText(allCached);
    await button(page, "Undo change of index.js").click();
  });

  await test.step("added, deleted, and ignored files", async () => {
    await page.getByRole("textbox", { name: "Path of a new file" }).fill("lib/util.js");
    await button(page, "Add file").click();
    await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "lib/util.js was added"], CMD]);
    await button(page, "Undo change of lib/util.js").click();
    await expectSteps(page, asBuilt);
    await button(page, "Delete README.md").click();
    await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "README.md was deleted"], CMD]);
    await button(page, "Undo change of README.md").click();
    await button(page, "Edit node_modules/.package-lock.json").click();
    await expectSteps(page, asBuilt);
    await expect(page.getByRole("region", { name: "Summary" })).toContainText(
      "node_modules/.package-lock.json is left out by “node_modules” (.dockerignore line 1), so its change never counts.",
    );
  });
});

test("the Dockerfile edited: a command that only configures, and one that runs", async ({ page }) => {
  await openPage(page);
  await showSteps(page);

  await test.step("CMD rebuilds nothing", async () => {
    await typeNearEnd(page, 2, ":dev");
    await expect(editor(page)).toContainText('CMD ["npm", "start:dev"]');
    await expectSteps(page, [...asBuilt.slice(0, -1), ['CMD ["npm", "start:dev"]', "metadata only", METADATA]]);
    await expect(status(page)).toHaveText(allCached);
    await expect(page.getByRole("region", { name: "Summary" })).toContainText(
      "CMD changed: that edits the image configuration and makes no step.",
    );
    await page.keyboard.press("ControlOrMeta+Z");
    await expectSteps(page, asBuilt);
  });

  const changed = (await editorText(page)).replace("npm install", "npm ci");
  const standsOn: Step = ["COPY ./ ./", "rebuilds", "it stands on “RUN npm ci”, which runs again"];
  await test.step("RUN rebuilds itself and what stands on it; Build records that", async () => {
    await paste(page, changed);
    await expectSteps(page, [
      ...above, ...cached("COPY package*.json ./"), ["RUN npm ci", "rebuilds", "the instruction changed"], standsOn, CMD,
    ]);
    await button(page, "Build").click();
    await expectSteps(page, [...above, ...cached("COPY package*.json ./", "RUN npm ci", "COPY ./ ./"), CMD]);
    await expect(builds(page)).toHaveText(["Build 1", "Build 2", "now: as built"]);
  });

  await test.step("the older text is still in the cache, until it is pruned", async () => {
    await editor(page).click();
    await page.keyboard.press("ControlOrMeta+Z");
    const earlier = "an earlier build had exactly this";
    await expectSteps(page, [
      ...above,
      ...cached("COPY package*.json ./"),
      ["RUN npm install", "cached", earlier],
      ["COPY ./ ./", "cached", earlier],
      CMD,
    ]);
    await button(page, "Prune cache").click();
    await expect(status(page)).toHaveText("Nothing was built yet: all 5 steps run.");
    await expect(button(page, "Prune cache")).toBeDisabled();
  });
});

test("a Dockerfile that is part of its own context", async ({ page }) => {
  await openPage(page);
  await showSteps(page);
  await page.getByRole("tab", { name: ".dockerignore" }).click();
  await page.getByRole("textbox", { name: ".dockerignore" }).fill("node_modules\n.dockerignore\n");
  await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "Dockerfile is no longer ignored"], CMD]);
  await button(page, "Build").click();
  await expectSteps(page, asBuilt);

  await page.getByRole("tab", { name: "Dockerfile" }).click();
  await typeNearEnd(page, 2, "x");
  const cmd: Step = ['CMD ["npm", "startx"]', "metadata only", METADATA];
  await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "Dockerfile changed"], cmd]);

  // Without it the context is that of the first build.
  await page.getByRole("checkbox", { name: "Dockerfile is part of it" }).uncheck();
  await expectSteps(page, [...above, ...install, ["COPY ./ ./", "cached", "an earlier build had exactly this"], cmd]);
});

const MULTI_STAGE = `FROM golang:1.25 AS build
WORKDIR /src
COPY go.mod ./
RUN go mod download
COPY . .
RUN go build -o /bin/app

FROM alpine AS lint
RUN apk add shellcheck

FROM alpine
COPY --from=build /bin/app /bin/app
CMD ["app"]
`;
const pruned: Step[] = ["FROM alpine AS lint", "RUN apk add shellcheck"].map((code) => [code, "not needed", PRUNED]);
const copyFrom = "COPY --from=build /bin/app /bin/app";
const app: Step = ['CMD ["app"]', "metadata only", METADATA];

test("stages: what is copied from one that runs again depends on what it writes", async ({ page }) => {
  await openPage(page);
  await paste(page, MULTI_STAGE);
  await showSteps(page);
  await button(page, "Build").click();
  const source = cached("FROM golang:1.25 AS build", "WORKDIR /src", "COPY go.mod ./", "RUN go mod download");
  await expectSteps(page, [
    ...source, ...cached("COPY . .", "RUN go build -o /bin/app"), ...pruned, ...cached("FROM alpine", copyFrom), app,
  ]);
  await expect(slab(page, "lint")).toHaveAccessibleName("lint: not needed, 1 step");

  await button(page, "Edit index.js").click();
  const edited: Step[] = [
    ...source,
    ["COPY . .", "rebuilds", "index.js changed"],
    ["RUN go build -o /bin/app", "rebuilds", "it stands on “COPY . .”, which runs again"],
    ...pruned,
    ...cached("FROM alpine"),
    [copyFrom, "conditional", OTHER_BYTES],
    app,
  ];
  await expectSteps(page, edited);
  await expect(slab(page, copyFrom)).toHaveAccessibleName(/: conditional$/);

  // The switch tells what such a step comes to.
  const assume = page.getByRole("combobox", { name: "Assume that reruns write" });
  await assume.selectOption("the same bytes");
  await expectSteps(page, edited.map(([code, verdict, why]) => [code, verdict, why === OTHER_BYTES ? SAME_BYTES : why]));
  await assume.selectOption("different bytes");
  await expectSteps(page, edited);

  // A change of a stage that nobody needs changes nothing.
  await paste(page, MULTI_STAGE.replace("apk add shellcheck", "apk add hadolint"));
  await expectSteps(page, edited.map(([code, ...rest]) => [code.replace("shellcheck", "hadolint"), ...rest]));
});

test("an instruction that no builder knows is told in its place, and the text stays", async ({ page }) => {
  await openPage(page);
  await showSteps(page);
  const text = (await editorText(page)).replace("WORKDIR /app", "WORKDIR /app\nRUNN echo hi");
  await button(page, "Edit index.js").click();
  await paste(page, text);
  await expect(page.getByRole("list", { name: "Problems" }).getByRole("listitem")).toHaveText([/RUNN/]);
  await expect(status(page)).toHaveText(
    "A builder refuses this Dockerfile at line 3: `RUNN` is no Dockerfile instruction. The rest is judged as if that line were not there.",
  );
  await expect(editor(page)).toContainText("RUNN echo hi");
  await expect(editor(page)).toContainText('CMD ["npm", "start"]');
  const refused = page.getByRole("table", { name: "Steps" }).getByRole("row", { name: /RUNN echo hi/ });
  await expect(refused.getByRole("cell").nth(1)).toHaveText("error");
  // The others keep their verdicts.
  const rows = page.getByRole("table", { name: "Steps" }).getByRole("row");
  await expect(rows.filter({ hasText: "COPY package*.json" }).getByRole("cell").nth(1)).toHaveText("cached");
  await expect(rows.filter({ hasText: "COPY ./ ./" }).getByRole("cell").nth(2)).toHaveText("index.js changed");

  await paste(page, text.replace("RUNN echo hi\n", ""));
  await expect(page.getByRole("list", { name: "Problems" }).getByRole("listitem")).toHaveCount(0);
  await expectSteps(page, [...above, ...install, ["COPY ./ ./", "rebuilds", "index.js changed"], CMD]);
});

/** What the editor holds, line by line. */
async function editorText(page: Parameters<typeof editor>[0]): Promise<string> {
  return (await editor(page).innerText()).replace(/\n*$/, "\n");
}
