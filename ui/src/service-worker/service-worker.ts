/**
 * Keeps the shell of the app at hand, and nothing else: GETs of a list that the build wrote. What is
 * asked of the box is never seen here.
 */

declare const __SHELL__: readonly string[];
declare const __SHELL_VERSION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;

interface RouterRule {
  readonly condition:
    | { readonly requestMethod: "GET"; readonly urlPattern: URLPatternInit }
    | { readonly not: { readonly requestMode: "navigate" } };
  readonly source: "network" | { readonly cacheName: string };
}

/** What newer browsers add to an install event; TypeScript's types do not have it. */
interface StaticRouting {
  addRoutes(rules: readonly RouterRule[]): Promise<void>;
}

const CACHE = `spira-shell-${__SHELL_VERSION__}`;
const HOME = "/";
const SHELL: ReadonlySet<string> = new Set([HOME, ...__SHELL__]);

worker.addEventListener("install", (event) => {
  event.waitUntil(Promise.all([routeShell(event), keepShell()]));
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

/**
 * Let a browser that knows static routes answer as the listener of fetch would, without starting this
 * worker. Chromium starts an outgoing worker anew for a request, and its successor waits until that one
 * is idle again.
 */
async function routeShell(event: ExtendableEvent & Partial<StaticRouting>): Promise<void> {
  const ofShell = [...SHELL].map((path): RouterRule => ({
    condition: { requestMethod: "GET", urlPattern: { pathname: path, search: "" } },
    source: { cacheName: CACHE },
  }));
  const ofBox: RouterRule = { condition: { not: { requestMode: "navigate" } }, source: "network" };
  await event.addRoutes?.([...ofShell, ofBox]);
}

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
