/** Registers the worker, looks for new versions, and lets one in when nothing can be lost by it. */

const PATH = "/sw.js";

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): {
    createScriptURL(url: string): string;
  };
}

/** What the app hears of its worker. */
export interface Hearing {
  /** A new version waits, with what lets it in; null when none does any more. */
  readonly onwaiting: (letIn: (() => void) | null) => void;
  /** Another version answers now: this page is to be opened anew. */
  readonly onchanged: () => void;
}

/** Register the worker; return what looks for a new version. */
export async function registerWorker(
  container: ServiceWorkerContainer,
  { onwaiting, onchanged }: Hearing,
): Promise<() => void> {
  let isControlled = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (isControlled) onchanged();
    isControlled = true;
  });
  const registration = await container.register(scriptUrl(PATH));
  const offer = (worker: ServiceWorker | null): void => {
    if (worker === null || container.controller === null) return;
    onwaiting(() => worker.postMessage("skip-waiting"));
  };
  offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const coming = registration.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed") offer(coming);
      else onwaiting(null);
    });
  });
  // Out of reach there is no new version, either.
  return () => void registration.update().catch(() => undefined);
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
