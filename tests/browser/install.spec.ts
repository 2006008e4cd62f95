// The page is kept in the browser: it opens offline, is installable, and tells of a newer build.

import { expectKept, type Host, host } from "./fixtures/host";
import { button, editor, openPage, status, typeNearEnd } from "./fixtures/simulate";
import { expect, expectAccessible, test } from "./fixtures/test";
import type { Page } from "@playwright/test";

const caches = (page: Page) => page.evaluate(() => window.caches.keys());

test.describe("on a host of its own", () => {
  let own: Host;
  test.beforeEach(async () => {
    own = await host();
  });
  test.afterEach(() => own.close());
  // What the other tests take for elsewhere is here.
  test.use({ baseURL: "http://localhost" });

  test("after one visit the page reloads, starts and judges without a network, and has asked for its own files alone", async ({
    page,
    context,
  }) => {
    await openPage(page, own.url);
    await expectKept(page);
    const known = await page.evaluate(async () => {
      const [name = ""] = await window.caches.keys();
      return (await (await window.caches.open(name)).keys()).map((request) => request.url);
    });
    expect(known.length).toBeGreaterThan(8);
    const own_files = new Set([...known.map((url) => url.slice(own.url.length)), "sw.js"]);
    expect(own.asked.filter((path) => !own_files.has(path))).toEqual([]);

    await typeNearEnd(page, 2, ":kept");
    await context.setOffline(true);
    await page.reload();
    await expect(editor(page)).toContainText('CMD ["npm", "start:kept"]');
    await button(page, "Edit package.json").click();
    await expect(status(page)).toHaveText(/^2 of 5 steps cached, 3 rebuild\./);
    // Images and contexts are read, too.
    await page.getByRole("link", { name: "Inspect" }).click();
    await page.reload();
    await expect(button(page, "Open image tarball")).toBeVisible();
    await context.setOffline(false);
  });

  test("once it is kept, nothing is asked of the host; opened again, it asks for a newer build alone", async ({ page }) => {
    await openPage(page, own.url);
    await expectKept(page);
    own.asked.length = 0;
    await button(page, "Edit package.json").click();
    await button(page, "Build").click();
    await page.getByRole("link", { name: "Inspect" }).click();
    await page.getByRole("link", { name: "Simulate" }).click();
    await expect(editor(page)).toBeVisible();
    expect(own.asked).toEqual([]);

    await page.reload({ waitUntil: "networkidle" });
    await expect(editor(page)).toBeVisible();
    // The browser itself looks a second later.
    await expect.poll(() => own.asked).toEqual(["sw.js"]);
  });

  test("a newer build asks first, loses nothing that was typed, and leaves nothing of the old one", async ({ page }) => {
    await openPage(page, own.url);
    await expectKept(page);
    const [old] = await caches(page);
    own.release("Layerlab, next");
    own.asked.length = 0;

    await page.reload();
    await expect(page).toHaveTitle("Layerlab");
    const notice = page.getByRole("status").filter({ hasText: "A new version is ready." });
    await expect(notice).toBeVisible();
    // What both builds have in common is not fetched again.
    expect(new Set(own.asked)).toEqual(new Set(["sw.js", ""]));
    await expectAccessible(page);
    await notice.getByRole("button", { name: "Later" }).click();
    await expect(notice).toHaveCount(0);

    // It asks again in a page that is opened anew.
    await page.reload();
    await expect(page).toHaveTitle("Layerlab");
    await typeNearEnd(page, 2, ":typed");
    own.asked.length = 0;
    await notice.getByRole("button", { name: "Reload" }).click();
    await expect(page).toHaveTitle("Layerlab, next");
    await expect(editor(page)).toContainText('CMD ["npm", "start:typed"]');
    await expect(notice).toHaveCount(0);
    await expect.poll(() => caches(page)).toHaveLength(1);
    expect(await caches(page)).not.toContain(old);
    expect(own.asked.filter((path) => path !== "sw.js")).toEqual([]);
  });

  test("a page of another build than its service worker is not kept", async ({ page, complaints }) => {
    // As from a host that is in the midst of a release.
    const version = own.version();
    await page.context().route("**/sw.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replaceAll(version, "0".repeat(16)) });
    });
    await openPage(page, own.url);
    const isKept = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistration()) !== undefined);
    await expect.poll(() => own.asked).toContain("sw.js");
    await expect.poll(isKept).toBe(false);
    expect(await caches(page)).toEqual([]);
    await button(page, "Edit package.json").click();
    await expect(status(page)).toHaveText(/^2 of 5 steps cached, 3 rebuild\./);
    complaints.length = 0;
  });
});

test("browsers offer to install it, with icons of every kind", async ({ page, request }) => {
  await openPage(page);
  const session = await page.context().newCDPSession(page);
  const { url, errors } = await session.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // A test's profile is a private one, in which nothing is ever installed.
  expect(installabilityErrors.map((error) => error.errorId)).toEqual(["in-incognito"]);
  const manifest = await (await request.get(url)).json();
  expect(manifest).toMatchObject({ name: "Layerlab", start_url: "./", scope: "./", display: "standalone" });
  const purposes = manifest.icons.map((icon: { purpose?: string }) => icon.purpose ?? "any");
  expect(new Set(purposes)).toEqual(new Set(["any", "maskable"]));
  const touch = await page.locator('link[rel="apple-touch-icon"]').evaluate((link: HTMLLinkElement) => link.href);
  for (const address of [touch, ...manifest.icons.map((icon: { src: string }) => new URL(icon.src, url).href)]) {
    const picture = await request.get(address);
    expect(picture.headers()["content-type"]).toBe("image/png");
    const side = await page.evaluate(async (address) => {
      const image = await createImageBitmap(await (await fetch(address)).blob());
      return [image.width, image.height];
    }, address);
    expect(side[0]).toBe(side[1]);
    expect(side[0]).toBeGreaterThanOrEqual(180);
  }
});
