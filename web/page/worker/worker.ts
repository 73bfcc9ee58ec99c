// The service worker. It keeps the page, so that one that is loaded while the server can't be
// reached shows what it has; calls never pass through it.

import { type Build, cachePrefix, isOfBuild, kindOf, withBase } from "./shell";

declare const self: ServiceWorkerGlobalScope;
/** Set by the build. */
declare const build: Build;

/** How long the server may take for index.html before the kept one is shown, in milliseconds. */
const patience = 3_000;

const base = new URL(self.registration.scope);
const cacheName = cachePrefix(base) + build.id;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const kind = kindOf(event.request, base);
  if (kind === "page") event.respondWith(page(event));
  if (kind === "file") event.respondWith(file(event.request));
});

/** Keeps the page of this build, all of it or nothing. The next visit tries again. */
async function install(): Promise<void> {
  const index = await fetch(base, { cache: "no-cache" });
  if (!index.ok || index.redirected || !isOfBuild(await index.clone().text(), build)) {
    throw new Error("index.html is not of this build");
  }
  const cache = await caches.open(cacheName);
  await Promise.all([cache.put(base, index), cache.addAll(build.files.map((path) => new URL(path, base).href))]);
  await self.skipWaiting(); // a page of the build before loads what it still needs from the server
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(cachePrefix(base)) && name !== cacheName) await caches.delete(name);
  }
  // Without navigation preload: browsers would send each request that is left to them twice, and
  // the way back from a provider of accounts can be gone only once.
  await self.clients.claim();
}

/** The server's page, or the kept one while it does not answer in time. */
async function page(event: FetchEvent): Promise<Response> {
  const answer = fetch(event.request);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, patience));
  const inTime = answer.catch(() => undefined);
  event.waitUntil(inTime);
  const response = await Promise.race([inTime, late]);
  if (response && response.status < 500) return response;
  return (await keptPage()) ?? answer;
}

async function keptPage(): Promise<Response | undefined> {
  const kept = await (await caches.open(cacheName)).match(base, { ignoreVary: true });
  if (!kept) return undefined;
  const headers = new Headers(kept.headers);
  for (const name of ["content-encoding", "content-length", "etag"]) headers.delete(name);
  return new Response(withBase(await kept.text(), base), { headers });
}

/** A file whose name has a hash: the kept one is as good as the server's. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}
