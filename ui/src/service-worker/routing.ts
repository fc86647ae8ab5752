/** Static routes: a browser that knows them answers without starting the worker. */

interface RouterRule {
  readonly condition:
    | { readonly requestMethod: "GET"; readonly urlPattern: URLPatternInit }
    | { readonly not: { readonly requestMode: "navigate" } };
  readonly source: "network" | { readonly cacheName: string };
}

/** What newer browsers add to an install event; TypeScript's types do not have it. */
export interface StaticRouting {
  addRoutes(rules: readonly RouterRule[]): Promise<void>;
}

/**
 * Let a browser that knows static routes answer as the listener of fetch would, without starting this
 * worker. Chromium starts an outgoing worker anew for a request, and its successor waits until that one
 * is idle again.
 */
export async function routeShell(
  event: Partial<StaticRouting>,
  paths: readonly string[],
  cacheName: string,
): Promise<void> {
  const ofShell = paths.map((path): RouterRule => ({
    condition: { requestMethod: "GET", urlPattern: { pathname: path, search: "" } },
    source: { cacheName },
  }));
  const ofBox: RouterRule = { condition: { not: { requestMode: "navigate" } }, source: "network" };
  try {
    await event.addRoutes?.([...ofShell, ofBox]);
  } catch {
    // Chromium 123 to 126 has routes but no `not`. Whatever it does not take, the listener does the same.
  }
}
