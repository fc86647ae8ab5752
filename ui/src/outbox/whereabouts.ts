/** Where each part of a visit is that was sent. */

import type { Item, ItemState } from "./outbox.ts";

/** A recording, or the form, which has no role. */
export interface Part {
  readonly id: string;
  readonly role: string | null;
  readonly state: ItemState;
}

/** What is asked of a visit that was sent. */
interface Sent {
  readonly id: string;
  readonly takes: readonly { readonly id: string; readonly role: string }[];
}

/**
 * Return the parts of a visit that was sent, its form last.
 *
 * What the tablet keeps no more is safe: no other copy goes, but for what the box said a patient refused.
 *
 * @param items what the outbox keeps of it.
 * @param refused ids of what it forgot because the patient refused.
 */
export function whereabouts(visit: Sent, items: readonly Item[], refused: ReadonlySet<string>): readonly Part[] {
  const states = new Map(items.map(({ id, state }) => [id, state]));
  const parts = [...visit.takes.map(({ id, role }) => ({ id, role })), { id: visit.id, role: null }];
  return parts
    .filter(({ id }) => states.has(id) || !refused.has(id))
    .map(({ id, role }) => ({ id, role, state: states.get(id) ?? "safe" }));
}
