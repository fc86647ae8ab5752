/**
 * Keeps the shell of the app at hand, and nothing else: GETs of a list that the build wrote. What is
 * asked of the box is never seen here.
 */

import type { StaticRouting } from "./routing.ts";
import { routeShell } from "./routing.ts";

declare const __SHELL__: readonly string[];
declare const __SHELL_VERSION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;

const CACHE = `spira-shell-${__SHELL_VERSION__}`;
const HOME = "/";
const SHELL: ReadonlySet<string> = new Set([HOME, ...__SHELL__]);

worker.addEventListener("install", (event) => {
  const routable: ExtendableEvent & Partial<StaticRouting> = event;
  event.waitUntil(Promise.all([routeShell(routable, [...SHELL], CACHE), keepShell()]));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => worker.clients.claim()));
});

worker.addEventListener("message", (event) => {
  if (event.data === "skip-waiting") void worker.skipWaiting();
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  const path = request.mode === "navigate" && url.pathname === "/index.html" ? HOME : url.pathname;
  if (SHELL.has(path)) event.respondWith(fromShell(path));
});

/** All of it or nothing: a shell of two versions would be none. */
async function keepShell(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([...SHELL].map((path) => new Request(path, { cache: "reload" })));
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

async function fromShell(path: string): Promise<Response> {
  const kept = await (await caches.open(CACHE)).match(path);
  return kept ?? fetch(path);
}
