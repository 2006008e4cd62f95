// The picture of stages and layers: how it is read, gone through and taken along.

import { readFileSync } from "node:fs";
import { expect, expectAccessible, test } from "./fixtures/test";
import { button, editor, openPage, paste, slab } from "./fixtures/simulate";

const STAGES = `FROM golang:1.23 AS build
WORKDIR /src
RUN go mod download
RUN go build -o /out/app .
FROM alpine AS tools
RUN apk add curl
FROM alpine AS spare
RUN echo spare
FROM alpine
COPY --from=build /out/app /usr/bin/app
RUN --mount=from=tools,target=/t ls /t
CMD ["app"]
`;

test("stages are connected by what they take, and the way of a rebuild is drawn", async ({ page }) => {
  await openPage(page);
  await paste(page, STAGES);
  await button(page, "Build").click();
  await paste(page, STAGES.replace("download", "download -x"));
  const picture = page.getByRole("group", { name: "Layers from the base image up to the container" });
  const titles = picture.locator("path.connector title");
  await expect(titles).toHaveText(["stage-3 copies from build", "stage-3 mounts files of tools"]);
  await expect(picture.locator("path.connector.hot title")).toHaveText(["stage-3 copies from build"]);
  await expect(slab(page, "RUN go mod download -x")).toHaveAccessibleName(/: rebuilds, first cause$/);
  await expect(slab(page, "spare")).toHaveAccessibleName("spare: not needed, 1 step");
  await expect(picture.locator("g.path")).toHaveCount(2);
  await expectAccessible(page);
});

test("arrows lead from step to step, and each is explained and shown in the editor", async ({ page }) => {
  await openPage(page);
  await paste(page, STAGES);
  await slab(page, "WORKDIR /src").click();
  const why = page.getByRole("region", { name: "Why" });
  await page.keyboard.press("ArrowUp");
  await expect(slab(page, "RUN go mod download")).toBeFocused();
  await expect(why).toContainText("RUN go mod download");
  await page.keyboard.press("End");
  await expect(slab(page, "RUN go build -o /out/app .")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(slab(page, "COPY --from=build /out/app /usr/bin/app")).toBeFocused();
  await expect(why).toContainText("COPY --from=build");
  // One stop for the keyboard, not one for each slab.
  const stops = page.getByRole("region", { name: "Stack" }).locator("g.slab[tabindex='0']");
  await expect(stops).toHaveCount(1);
  // And from the editor back.
  await editor(page).click();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("ArrowDown");
  await expect(slab(page, "WORKDIR /src")).toHaveAttribute("aria-pressed", "true");
});

test("what the pointer is on is marked in the picture and in the editor alike", async ({ page }) => {
  await openPage(page);
  await paste(page, STAGES);
  const step = slab(page, "RUN go mod download");
  await step.hover();
  const marked = page.locator(".line-hover");
  await expect(marked).toHaveText(["RUN go mod download"]);
  await page.locator(".cm-line").filter({ hasText: "WORKDIR /src" }).hover();
  await expect(marked).toHaveCount(0);
  await expect(slab(page, "WORKDIR /src")).toHaveAttribute("data-hovered", "");
  await expect(step).not.toHaveAttribute("data-hovered");
  await page.getByRole("link", { name: "Inspect" }).hover();
  await expect(page.locator("[data-hovered]")).toHaveCount(0);
});

test("a layer is as high as its size asks for, and tells it", async ({ page }) => {
  await openPage(page);
  await slab(page, "RUN npm install").click();
  const height = () => slab(page, "RUN npm install").locator(".slab-back").getAttribute("height");
  expect(await height()).toBe("46");
  await page.getByRole("region", { name: "Why" }).getByLabel(/size/i).fill("100 MB");
  await page.keyboard.press("Enter");
  await expect.poll(height).toBe("78");
  await expect(slab(page, "RUN npm install").locator(".slab-size")).toHaveText("100 MB");
});

test("of many stages those that matter are unfolded, and any other is on request", async ({ page }) => {
  const stage = (n: number) => `FROM alpine AS s${n}\nRUN one ${n}\nRUN two ${n}\n`;
  const all = Array.from({ length: 20 }, (_, n) => n);
  const text = `${all.map(stage).join("")}FROM scratch\n${all.map((n) => `COPY --from=s${n} /a /${n}\n`).join("")}`;
  await openPage(page);
  await paste(page, text);
  await button(page, "Build").click();
  await paste(page, text.replace("two 7", "three 7"));
  await expect(slab(page, "s3")).toHaveAccessibleName("s3: 2 cached");
  await expect(slab(page, "RUN three 7")).toHaveAccessibleName(/first cause$/);
  await page.getByRole("button", { name: "Layers of s3" }).click();
  await expect(slab(page, "RUN two 3")).toHaveAccessibleName("RUN two 3: cached");
  await expectAccessible(page);
});

test("the picture is made larger, fitted, and saved as SVG and PNG", async ({ page }) => {
  await openPage(page);
  const picture = page.getByRole("group", { name: "Layers from the base image up to the container" });
  const width = async () => (await picture.boundingBox())?.width ?? 0;
  await button(page, "Larger").click();
  await button(page, "Larger").click();
  await expect.poll(width).toBeGreaterThan(500);
  await button(page, "Fit").click();
  const panel = await page.getByRole("region", { name: "Stack" }).boundingBox();
  await expect.poll(width).toBeLessThanOrEqual(panel?.width ?? 0);
  const saved = async (name: string) => {
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  };
  const svg = await saved("SVG");
  expect(svg.name).toBe("layerlab.svg");
  const text = svg.bytes.toString("utf8");
  expect(text).toContain("COPY package*.json ./");
  // It stands by itself: looks and icons are in it.
  expect(text).toMatch(/<rect[^>]* fill="(rgb|color)/);
  expect(text).not.toContain("#icon-");
  const png = await saved("PNG");
  expect([png.name, png.bytes.subarray(1, 4).toString()]).toEqual(["layerlab.png", "PNG"]);
});
