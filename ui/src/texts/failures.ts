/** Why something that was asked of the box did not happen, in words. */

import { Refusal, Unreachable } from "../api/client.ts";
import type { Texts } from "./index.ts";

/** Return what to tell of a failure; throw what is neither the box's no nor its absence. */
export function failureWords(failure: unknown, t: Texts): string {
  if (failure instanceof Unreachable) return t.errors.unreachable;
  if (!(failure instanceof Refusal)) throw failure;
  const { status, code, retryAfterS } = failure;
  if (status === 507) return t.connection["disk-full"];
  if (status === 429) return t.connection.busy(retryAfterS ?? 60);
  if ([502, 503, 504].includes(status)) return t.connection.starting;
  // Without a code it was not the box that answered.
  if (code === "") return t.connection.stranger;
  if (status === 401) return t.connection["session-over"];
  if (status === 403) return t.errors.forbidden;
  if (status === 404) return t.errors.missing;
  return t.errors.refused(code);
}
