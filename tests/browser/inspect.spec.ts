// An image tarball: what is in it, and what is no image.

import { corpusImage, type Truth, upload } from "./fixtures/archive";
import { bytes, cell, entries, entry, expectVerified, facts, layers, openFile } from "./fixtures/inspect";
import { openPage } from "./fixtures/simulate";
import { expect, test } from "./fixtures/test";

/** The instruction in the words of its Dockerfile, as the page shows it. */
const instructionOf = (createdBy: string): string =>
  createdBy
    .replace(/^\/bin\/sh -c #\(nop\) /, "")
    .replace(/^\/bin\/sh -c /, "RUN ")
    .replace(/ # buildkit$/, "")
    .trim();

for (const { name, what } of [
  { name: "docker20-sample", what: "docker save of Docker 20, plain layers" },
  { name: "podman-oci-archive", what: "an OCI layout of Podman, gzip layers" },
]) {
  test(`${what}: layers, sizes and digests are those on record`, async ({ page }) => {
    const { file, truth } = corpusImage(name);
    const image = truth.images[0] as Truth["images"][number];
    await openPage(page);
    await openFile(page, file);
    await expectVerified(page);

    await expect(page.getByRole("region", { name: "Overview" }).getByRole("heading")).toHaveText(image.repoTags[0] ?? /./);
    const sum = (count: (layer: (typeof image.layers)[number]) => number) =>
      bytes(image.layers.reduce((total, layer) => total + count(layer), 0));
    const { Efficiency: _efficiency, Digest: _digest, ...overview } = await facts(page, "Overview");
    expect(overview).toEqual({
      Platform: "linux/amd64",
      Stored: sum((layer) => layer.blobSize),
      Unpacked: sum((layer) => layer.contentBytes),
      Layers: String(image.layers.length),
      Created: "2026-11-23",
      "Image ID": image.configDigest,
    });

    const fromTop = [...image.layers].reverse();
    await expect(layers(page)).toHaveCount(fromTop.length);
    for (const [place, layer] of fromTop.entries()) {
      const n = fromTop.length - place;
      const row = layers(page).nth(place);
      await expect(row).toContainText(`${n}${instructionOf(layer.createdBy)}`);
      await row.click();
      await expect(page.getByRole("heading", { name: `Layer ${n}`, exact: true })).toBeVisible();
      const { chainID, Removes: _, ...shown } = await facts(page, "Layer");
      expect(shown).toEqual({
        Stored: bytes(layer.blobSize),
        Tar: bytes(layer.size),
        Files: bytes(layer.contentBytes),
        Entries: String(layer.tarEntries),
        Digest: layer.blobDigest,
        diffID: layer.diffId,
      });
      expect(chainID).toMatch(/^sha256:[0-9a-f]{64}$/);
      const stored = page.getByRole("region", { name: "Layer", exact: true }).getByRole("definition").first();
      await expect(stored).toHaveText(layer.compression === "none" ? /B$/ : new RegExp(`, ${layer.compression}$`));
    }
  });
}

test("the files of a layer are browsed down to the deepest folder, and removed ones are told", async ({ page }) => {
  const { file, truth } = corpusImage("docker20-sample");
  await openPage(page);
  await openFile(page, file);
  await expectVerified(page);

  await test.step("every entry of a layer with odd names", async () => {
    await layers(page).filter({ hasText: "emoji" }).click();
    const { changes } = truth.images[0]?.layers[13] ?? { changes: [] };
    expect(changes).toHaveLength(9);
    for (const change of changes) {
      const row = entry(page, change.path.split("/").at(-1) ?? "");
      await expect(row).toHaveAttribute("aria-level", String(change.path.split("/").length));
      await expect(cell(row, "mode")).toHaveAttribute("title", change.mode.toString(8).padStart(4, "0"));
    }
    await expect(entries(page)).toHaveCount(changes.length);
    await entry(page, "srv").click();
    await expect(entries(page)).toHaveCount(1);
    await entry(page, "srv").click();
    await expect(entries(page)).toHaveCount(changes.length);
  });

  await test.step("a whiteout", async () => {
    await layers(page).filter({ hasText: "RUN rm -rf /root/.aws" }).click();
    expect(await facts(page, "Layer")).toHaveProperty("Removes", "1");
    await expect(cell(entry(page, ".aws"), "change")).toContainText("removed");
  });

  await test.step("links", async () => {
    await layers(page).filter({ hasText: "RUN cp /srv/app/static/site.css" }).click();
    await expect(entry(page, "dangling")).toContainText("→ nowhere");
    await expect(entry(page, "main")).toContainText("→ ../main.py");
  });
});

test("a path that stands twice in a layer is told", async ({ page }) => {
  const { file, truth } = corpusImage("edge-duplicates");
  const all = truth.images[0]?.layers ?? [];
  const n = all.findIndex((layer) => layer.changes.some((change) => change.path === "dup/x"));
  await openPage(page);
  await openFile(page, file);
  await expectVerified(page);
  await layers(page).nth(all.length - 1 - n).click();
  await expect(entry(page, "dup")).toContainText("stands 2 times");
  await expect(entry(page, "x")).toContainText("stands 2 times");
});

test("what is no image gets a message that says what it is, and the next file is read", async ({ page }) => {
  const image = corpusImage("docker20-sample").file;
  const picture = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\b\x06\0\0\0", "latin1");
  const text = Buffer.from("FROM node:alpine\nWORKDIR /app\n".repeat(100));
  await openPage(page);
  for (const { file, message } of [
    { file: upload("picture.tar", picture), message: /^picture\.tar cannot be opened: this is a PNG picture, not an image tarball\.$/ },
    { file: upload("notes.tar", text), message: /^notes\.tar cannot be opened: this is a text, not an image tarball\.$/ },
    { file: upload("empty.tar", Buffer.alloc(0)), message: /^empty\.tar cannot be opened: .*empty/ },
    { file: upload("zeros.tar", Buffer.alloc(10_240)), message: /^zeros\.tar cannot be opened: / },
  ]) {
    await openFile(page, file);
    await expect(page.getByRole("alert")).toHaveText(message);
  }
  await openFile(page, image);
  await expectVerified(page);
  await expect(page.getByRole("alert")).toHaveCount(0);

  await test.step("one that ends early", async () => {
    await openFile(page, upload("cut.tar", image.buffer.subarray(0, 1_500_000)));
    await expect(page.getByRole("alert")).toHaveText(/^cut\.tar cannot be opened: /);
  });
});

test("a layer with one flipped bit is told, and the others are shown", async ({ page }) => {
  const { buffer } = corpusImage("docker20-sample").file;
  const damaged = Buffer.from(buffer);
  // In the middle of the lowest layer's only file.
  damaged[1_000_000] = (damaged[1_000_000] ?? 0) ^ 1;
  await openPage(page);
  await openFile(page, upload("flipped.tar", damaged));
  const isDamaged = layers(page).filter({ hasText: "problem" });
  await expect(isDamaged).toHaveCount(1);
  await expect(isDamaged).toContainText(/^1COPY file:/);
  await isDamaged.click();
  await expect(page.getByRole("region", { name: "Layer", exact: true })).toContainText(/diffID|diff_id/i);
  await expect(page.getByText("Every layer was hashed")).toHaveCount(0);
  await expect(layers(page)).toHaveCount(16);
  await layers(page).first().click();
  await expect(entry(page, "srv")).toBeVisible();
});

test("an archive dropped anywhere on the page is opened", async ({ page }) => {
  const { file } = corpusImage("podman-oci-archive");
  await openPage(page);
  const transfer = await page.evaluateHandle(
    ({ name, base64 }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
      return transfer;
    },
    { name: file.name, base64: file.buffer.toString("base64") },
  );
  await page.getByRole("region", { name: "Stack" }).dispatchEvent("drop", { dataTransfer: transfer });
  await expectVerified(page);
  await expect(page.getByRole("link", { name: "Inspect" })).toHaveAttribute("aria-current", "page");
});
