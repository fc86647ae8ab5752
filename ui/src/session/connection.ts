/** The truth about the connection: what really came back, never what the browser believes. */

import type { Outcome } from "../outbox/drainer.ts";

/** What one line of the screen tells. */
export type Connection =
  | { readonly kind: "unknown" }
  | { readonly kind: "connected" }
  | { readonly kind: "none"; readonly since: number }
  | { readonly kind: "starting" }
  | { readonly kind: "disk-full" }
  | { readonly kind: "busy"; readonly retryAfterS: number }
  | { readonly kind: "session-over" };

/** Return what is known after one more attempt. */
export function afterAttempt(before: Connection, outcome: Outcome, now: number): Connection {
  switch (outcome.kind) {
    case "sending":
      return before;
    case "idle":
      return { kind: "connected" };
    case "unreachable":
      return before.kind === "none" ? before : { kind: "none", since: now };
    case "refused":
      if (outcome.status === 401) return { kind: "session-over" };
      if (outcome.status === 507) return { kind: "disk-full" };
      if (outcome.status === 429) return { kind: "busy", retryAfterS: outcome.retryAfterS ?? 60 };
      return { kind: "starting" };
  }
}
