/// <reference lib="webworker" />
// Stands in for the service worker while the page is developed: takes away what an optimized
// build left at the same address, and then itself, so that nobody looks at a stale page.

export {};

const worker = self as unknown as ServiceWorkerGlobalScope;

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));

worker.addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave(): Promise<void> {
  const mine = (await caches.keys()).filter((name) => name.startsWith(`layerlab ${worker.registration.scope} `));
  await Promise.all(mine.map((name) => caches.delete(name)));
  await worker.registration.unregister();
  for (const client of await worker.clients.matchAll({ type: "window" })) await client.navigate(client.url);
}
