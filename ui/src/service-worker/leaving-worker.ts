/**
 * Served in the place of the worker by a box that is told so (`offline_app = false`): the way out of a
 * faulty release. It forgets the shell and itself, sees no request, and touches nothing that waits.
 */

const leaving = self as unknown as ServiceWorkerGlobalScope;

leaving.addEventListener("install", () => {
  void leaving.skipWaiting();
});

leaving.addEventListener("activate", (event) => {
  event.waitUntil(leave());
});

async function leave(): Promise<void> {
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
  await leaving.registration.unregister();
}

export {};
