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
  /** Whether the browser refused the worker because it does not trust the box. */
  readonly onuntrusted: (isUntrusted: boolean) => void;
}

/** Return what registers the worker, and once that is done looks for a new version. */
export function looker(container: ServiceWorkerContainer, hearing: Hearing): () => Promise<void> {
  let isControlled = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (isControlled) hearing.onchanged();
    isControlled = true;
  });
  const url = scriptUrl(PATH);
  let registering: Promise<ServiceWorkerRegistration> | null = null;
  return async () => {
    const isFirst = registering === null;
    registering ??= container.register(url);
    try {
      const registration = await registering;
      hearing.onuntrusted(false);
      if (isFirst) follow(registration, container, hearing);
      await registration.update().catch(() => undefined); // out of reach there is no new version, either
    } catch (error) {
      registering = null;
      hearing.onuntrusted(error instanceof DOMException && error.name === "SecurityError");
    }
  };
}

/** Tell of versions that wait, now and from now on. */
function follow(
  registration: ServiceWorkerRegistration,
  container: ServiceWorkerContainer,
  { onwaiting }: Hearing,
): void {
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
