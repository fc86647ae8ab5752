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
  return parkedWords(code, [], t);
}

/**
 * Return why an item stays here, in words.
 *
 * @param code as the box said it, or this tablet where the box was not asked.
 * @param fields what the box found wrong, as people call it.
 */
export function parkedWords(code: string, fields: readonly string[], t: Texts): string {
  switch (code) {
    case "content-conflict":
      return t.errors.conflict;
    case "unsupported-audio":
    case "unsupported-media-type":
      return t.errors["audio-format"];
    case "not-allowed":
      return t.errors.forbidden;
    case "too-large":
    case "bytes-lost":
    case "receipt":
      return t.errors[code];
    default:
      return fields.length > 0 ? t.errors.invalid(fields.join(", ")) : t.errors.refused(code);
  }
}
