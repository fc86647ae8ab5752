/** The truth about the connection: what really came back, never what the browser believes. */

import type { Outcome } from "../outbox/drainer.ts";

/** What one line of the screen tells. */
export type Connection =
  | { readonly kind: "unknown" }
  | { readonly kind: "connected" }
  | { readonly kind: "none"; readonly since: number }
  | { readonly kind: "starting" }
  | { readonly kind: "faulty"; readonly status: number }
  | { readonly kind: "stranger" }
  | { readonly kind: "disk-full" }
  | { readonly kind: "busy"; readonly retryAfterS: number }
  | { readonly kind: "session-over" };

/** Return what is known after one more attempt. */
export function afterAttempt(before: Connection, outcome: Outcome, now: number): Connection {
  switch (outcome.kind) {
    case "sending":
    case "other-key": // told over the whole page
      return before;
    case "idle":
      return { kind: "connected" };
    case "unreachable":
      return before.kind === "none" ? before : { kind: "none", since: now };
    case "refused":
      // A proxy before the box knows of these, too, and says them in its own words.
      if (outcome.status === 507) return { kind: "disk-full" };
      if (outcome.status === 429) return { kind: "busy", retryAfterS: outcome.retryAfterS ?? 60 };
      if ([502, 503, 504].includes(outcome.status)) return { kind: "starting" };
      if (outcome.code === "") return { kind: "stranger" };
      if (outcome.status === 401) return { kind: "session-over" };
      return { kind: "faulty", status: outcome.status };
  }
}
