/** Registers the worker, and asks before a new version takes over. */

const PATH = "/sw.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): {
    createScriptURL(url: string): string;
  };
}

/** Register the worker; `onWaiting` is called when a new version waits, with what lets it in. */
export async function registerWorker(
  container: ServiceWorkerContainer | undefined,
  onWaiting: (letIn: () => void) => void,
): Promise<void> {
  if (container === undefined) return;
  const registration = await container.register(scriptUrl(PATH));
  const offer = (worker: ServiceWorker | null): void => {
    if (worker === null || container.controller === null) return;
    onWaiting(() => {
      container.addEventListener("controllerchange", () => location.reload(), { once: true });
      worker.postMessage("skip-waiting");
    });
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed") offer(coming);
    });
  });
}

/** Trusted Types let a worker be registered only by a policy that names its script. */
function scriptUrl(path: string): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (types === undefined) return path;
  const policy = types.createPolicy("spira-worker", {
    createScriptURL: (url) => {
      if (url !== PATH) throw new TypeError("not our worker");
      return url;
    },
  });
  return policy.createScriptURL(path);
}
