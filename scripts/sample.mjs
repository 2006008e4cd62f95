// Makes target/web/sample.tar: a small image that shows what images are like, in the form that
// `docker buildx build --output type=oci` writes. The same bytes each time: no clock, no chance.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const SECONDS = 1_760_000_000;
const sha = (/** @type {Buffer} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/**
 * @typedef {{ path: string, body?: string | Buffer, mode?: number, owner?: number, link?: string }} Entry
 * @typedef {{ by: string, entries?: Entry[] }} Step
 */

/** @param {Entry} entry */
function member({ path, body, mode, owner = 0, link }) {
  const isDir = path.endsWith("/");
  const content = typeof body === "string" ? Buffer.from(body) : (body ?? Buffer.alloc(0));
  const header = Buffer.alloc(512);
  header.write(path, 0);
  const octal = (/** @type {number} */ value, /** @type {number} */ width) => `${value.toString(8).padStart(width - 1, "0")}\0`;
  header.write(octal(mode ?? (isDir ? 0o755 : link ? 0o777 : 0o644), 8), 100);
  header.write(octal(owner, 8), 108);
  header.write(octal(owner, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(SECONDS, 12), 136);
  header.fill(" ", 148, 156);
  header.write(isDir ? "5" : link ? "2" : "0", 156);
  if (link) header.write(link, 157);
  header.write("ustar\x0000", 257);
  header.write(`${octal(header.reduce((sum, byte) => sum + byte, 0), 7)} `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** @param {Entry[]} entries */
const tar = (entries) => Buffer.concat([...entries.map(member), Buffer.alloc(1024)]);

/** Bytes that compress as programs do; each name has its own. */
function program(/** @type {string} */ name, /** @type {number} */ kilobytes) {
  const parts = [Buffer.from("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0", "latin1")];
  for (let n = 0; n < kilobytes * 4; n++) {
    parts.push(createHash("sha256").update(`${name}${n}`).digest(), Buffer.alloc(224, n % 251));
  }
  return Buffer.concat(parts);
}

const lines = (/** @type {number} */ n, /** @type {(n: number) => string} */ line) =>
  Array.from({ length: n }, (_, idx) => `${line(idx)}\n`).join("");

const packages = lines(400, (n) => `Package: lib${n}\nVersion: 1.${n}-2\nDescription: library number ${n}\n`);
const module = (/** @type {string} */ name) =>
  `"""The ${name} of the shop."""\n\n\n${lines(40, (n) => `def ${name}_${n}(value):\n    return value * ${n}\n\n`)}`;
const config = (/** @type {boolean} */ debug) =>
  `# What the shop is run with.\nlisten: 0.0.0.0:8000\ndebug: ${debug}\nworkers: 4\ndatabase:\n  host: db\n  name: shop\ncache:\n  seconds: ${debug ? 0 : 300}\n`;
const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#2f55c8"/><path d="M14 24h36l-4 26H18z" fill="#fff"/><path d="M23 28v-6a9 9 0 0 1 18 0v6" fill="none" stroke="#8fb0ff" stroke-width="4"/></svg>\n';

/** @type {Entry[]} */
const app = [
  { path: "app/" },
  { path: "app/.env", body: "SHOP_DATABASE_PASSWORD=correct-horse\nSHOP_SECRET_KEY=not-for-everyone\n", mode: 0o600 },
  { path: "app/Dockerfile", body: "FROM base\nWORKDIR /app\nCOPY . .\n" },
  { path: "app/config.yaml", body: config(true) },
  { path: "app/main.py", body: "from shop import cart, order\n\nif __name__ == \"__main__\":\n    order.order_1(cart.cart_1(1))\n" },
  { path: "app/entrypoint.sh", body: "#!/bin/sh\nset -e\nexec python3 /app/main.py \"$@\"\n" },
  { path: "app/package.json", body: `${JSON.stringify({ name: "shop-assets", private: true, scripts: { build: "esbuild static" } }, null, 2)}\n` },
  { path: "app/shop/" },
  ...["cart", "order", "stock", "mail"].map((name) => ({ path: `app/shop/${name}.py`, body: module(name) })),
  { path: "app/static/" },
  { path: "app/static/logo.svg", body: logo },
  { path: "app/static/shop.css", body: lines(120, (n) => `.item-${n} { order: ${n}; color: #23211c; }`) },
  { path: "app/static/current", link: "shop.css" },
  { path: "app/fixtures/" },
  { path: "app/fixtures/catalog.json", body: JSON.stringify(Array.from({ length: 1500 }, (_, id) => ({ id, name: `Article ${id}`, price: (id * 37) % 9999 }))) },
];

/** @type {Step[]} */
const steps = [
  {
    by: "ADD rootfs.tar.xz / # buildkit",
    entries: [
      ...["bin/", "etc/", "lib/", "root/", "tmp/", "usr/", "usr/bin/", "usr/lib/", "var/", "var/lib/"].map((path) => ({ path })),
      { path: "bin/sh", link: "dash" },
      { path: "bin/dash", body: program("dash", 60), mode: 0o755 },
      { path: "etc/os-release", body: 'PRETTY_NAME="Sample Linux 12"\nNAME="Sample Linux"\nVERSION_ID="12"\nID=sample\n' },
      { path: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n" },
      { path: "lib/libc.so.6", body: program("libc", 240), mode: 0o755 },
    ],
  },
  { by: "CMD [\"/bin/sh\"]" },
  {
    by: "RUN /bin/sh -c apt-get update && apt-get install -y python3 # buildkit",
    entries: [
      { path: "usr/bin/python3", body: program("python3", 420), mode: 0o755 },
      { path: "usr/lib/python3/" },
      ...["os", "json", "socket", "http"].map((name) => ({ path: `usr/lib/python3/${name}.py`, body: module(name) })),
      { path: "var/lib/apt/" },
      { path: "var/lib/apt/lists/" },
      { path: "var/lib/apt/lists/main_binary-amd64_Packages", body: packages },
      { path: "var/cache/" },
      { path: "var/cache/apt/" },
      { path: "var/cache/apt/archives/" },
      { path: "var/cache/apt/archives/python3_3.11_amd64.deb", body: program("deb", 120) },
      { path: "var/lib/dpkg/" },
      { path: "var/lib/dpkg/status", body: packages },
    ],
  },
  { by: "WORKDIR /app", entries: [{ path: "app/" }] },
  { by: "COPY requirements.txt . # buildkit", entries: [{ path: "app/" }, { path: "app/requirements.txt", body: "flask==3.0.3\npsycopg==3.1.19\n" }] },
  {
    by: "RUN /bin/sh -c pip install -r requirements.txt # buildkit",
    entries: [
      { path: "usr/lib/python3/site-packages/" },
      ...["flask", "psycopg"].flatMap((name) => [
        { path: `usr/lib/python3/site-packages/${name}/` },
        { path: `usr/lib/python3/site-packages/${name}/__init__.py`, body: module(name) },
        { path: `usr/lib/python3/site-packages/${name}/__pycache__/` },
        { path: `usr/lib/python3/site-packages/${name}/__pycache__/__init__.cpython-311.pyc`, body: program(`${name}.pyc`, 12) },
      ]),
      { path: "root/.cache/" },
      { path: "root/.cache/pip/" },
      { path: "root/.cache/pip/flask-3.0.3.whl", body: program("flask.whl", 96) },
    ],
  },
  { by: "COPY . . # buildkit", entries: app },
  {
    by: "RUN /bin/sh -c chown -R 1000:1000 /app && chmod +x /app/entrypoint.sh # buildkit",
    entries: app.map((entry) => ({ ...entry, owner: 1000, ...(entry.path.endsWith(".sh") ? { mode: 0o755 } : {}) })),
  },
  {
    by: "RUN /bin/sh -c rm .env && sed -i 's/debug: true/debug: false/; s/seconds: 0/seconds: 300/' config.yaml # buildkit",
    entries: [
      { path: "app/", owner: 1000 },
      { path: "app/.wh..env", body: "" },
      { path: "app/config.yaml", body: config(false), owner: 1000 },
    ],
  },
  {
    by: "RUN /bin/sh -c rm -rf /var/lib/apt/lists /var/cache/apt # buildkit",
    entries: [
      { path: "var/lib/apt/" },
      { path: "var/lib/apt/.wh.lists", body: "" },
      { path: "var/cache/" },
      { path: "var/cache/.wh.apt", body: "" },
    ],
  },
  { by: "USER 1000" },
  { by: "ENTRYPOINT [\"/app/entrypoint.sh\"]" },
  { by: "CMD [\"--listen\", \"0.0.0.0:8000\"]" },
];

/** The archive. */
export function sample() {
  /** @type {Entry[]} */
  const blobs = [];
  const store = (/** @type {Buffer} */ body, /** @type {string} */ mediaType) => {
    const digest = sha(body);
    blobs.push({ path: `blobs/sha256/${digest}`, body });
    return { mediaType, digest: `sha256:${digest}`, size: body.length };
  };
  const json = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value));
  const diffIds = [];
  const layers = [];
  const at = (/** @type {number} */ n) => new Date((SECONDS + n * 60) * 1000).toISOString();
  for (const { entries } of steps) {
    if (!entries) continue;
    const layer = tar(entries);
    diffIds.push(`sha256:${sha(layer)}`);
    const packed = gzipSync(layer, { level: 9 });
    // The byte for the system that it was made on.
    packed[9] = 255;
    layers.push(store(packed, "application/vnd.oci.image.layer.v1.tar+gzip"));
  }
  const config = store(
    json({
      architecture: "amd64",
      os: "linux",
      created: at(steps.length),
      config: { User: "1000", Env: ["PATH=/usr/bin:/bin"], Entrypoint: ["/app/entrypoint.sh"], Cmd: ["--listen", "0.0.0.0:8000"], WorkingDir: "/app" },
      rootfs: { type: "layers", diff_ids: diffIds },
      history: steps.map(({ by, entries }, n) => ({ created: at(n), created_by: by, comment: "buildkit.dockerfile.v0", ...(entries ? {} : { empty_layer: true }) })),
    }),
    "application/vnd.oci.image.config.v1+json",
  );
  const manifest = store(
    json({ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config, layers }),
    "application/vnd.oci.image.manifest.v1+json",
  );
  const annotations = { "io.containerd.image.name": "shop:1.0", "org.opencontainers.image.ref.name": "1.0" };
  return tar([
    { path: "blobs/" },
    { path: "blobs/sha256/" },
    ...blobs,
    { path: "index.json", body: json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }) },
    { path: "oci-layout", body: json({ imageLayoutVersion: "1.0.0" }) },
  ]);
}
