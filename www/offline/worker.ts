/// <reference lib="webworker" />
// The service worker: keeps the page's own files, so that the page opens without a network.
//
// It asks the network for nothing but these files, once, when it is installed. A file that
// another build left here is taken from there, since its name tells its content. A new build
// waits until the reader says so or until no page of the old one is open.
//
// scripts/finish.mjs puts in what was built.

declare const FILES: readonly string[];
declare const VERSION: string;

export {};

const worker = self as unknown as ServiceWorkerGlobalScope;
const page = worker.registration.scope;
// Several copies of the page may live on one host, each under its own path.
const mine = `layerlab ${page} `;
const name = mine + VERSION;
const files = new Set(FILES.map((file) => new URL(file, page).href));

worker.addEventListener("install", (event) => event.waitUntil(keep().catch(giveUp)));

worker.addEventListener("activate", (event) => event.waitUntil(dropOthers()));

worker.addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(worker.skipWaiting());
});

worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET") return;
  const [address = ""] = url.split(/[?#]/);
  if (mode === "navigate" && (address === page || address === `${page}index.html`)) event.respondWith(kept(page, event.request));
  else if (files.has(address)) event.respondWith(kept(address, event.request));
});

async function keep(): Promise<void> {
  const cache = await caches.open(name);
  const add = async (address: string) => {
    const old = await caches.match(address, { ignoreVary: true });
    await cache.put(address, old ?? (await asked(address, {})));
  };
  await Promise.all([cache.put(page, await whole()), ...[...files].map(add)]);
}

/** What is there already is of no use without the rest. */
async function giveUp(error: unknown): Promise<never> {
  await caches.delete(name);
  throw error;
}

async function asked(address: string, options: RequestInit): Promise<Response> {
  const response = await fetch(address, options);
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return response;
}

/** The page of this build: its name says nothing of its content, so it is looked at. */
async function whole(): Promise<Response> {
  const response = await asked(page, { cache: "no-cache" });
  const text = await response.clone().text();
  if (!text.includes(`content="${VERSION}"`)) throw new Error("the page is of another build");
  // A page that stands for a redirected one is refused by browsers.
  return response.redirected ? new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } }) : response;
}

async function dropOthers(): Promise<void> {
  const old = (await caches.keys()).filter((other) => other.startsWith(mine) && other !== name);
  await Promise.all(old.map((other) => caches.delete(other)));
}

/** The network stands in where the browser has thrown something away. */
async function kept(address: string, request: Request): Promise<Response> {
  const cache = await caches.open(name);
  return (await cache.match(address, { ignoreVary: true })) ?? fetch(request);
}
