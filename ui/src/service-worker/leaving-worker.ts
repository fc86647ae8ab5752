/**
 * Served in the place of the worker by a box that is told so (`offline_app = false`): the way out of a
 * faulty release. It forgets the shell, sees no request, and touches nothing that waits. It stays until
 * the box serves the other again: one that unregistered itself would be registered anew at each opening.
 */

const leaving = self as unknown as ServiceWorkerGlobalScope;

leaving.addEventListener("install", () => {
  void leaving.skipWaiting();
});

leaving.addEventListener("activate", (event) => {
  event.waitUntil(forgetShell());
});

async function forgetShell(): Promise<void> {
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
}

export {};
