/** The takes of a visit: numbered, never overwritten, one of a role chosen. */

import type { Protocol } from "../protocol/protocol.ts";
import type { KeptTake, Visit } from "./visit.ts";

/** So often a take may be made again before the app stops offering it. */
export const MAX_REDOS = 2;

/** Keep a take; it is the chosen one of its role from now on. Kept once, whoever taps twice. */
export function takeKept(visit: Visit, take: Omit<KeptTake, "take" | "chosen">): Visit {
  if (visit.consent === null) throw new RangeError("no recording without consent");
  if (visit.takes.some(({ id }) => id === take.id)) return visit;
  const before = visit.takes.map((one) => (one.role === take.role ? { ...one, chosen: false } : one));
  const number = Math.max(0, ...takesOf(visit, take.role).map((one) => one.take)) + 1;
  const { [take.role]: _done, ...notDone } = visit.notDone;
  return { ...visit, takes: [...before, { ...take, take: number, chosen: true }], notDone, cut: null };
}

/** Record a role again: what cut its last take off was read. */
export function recordAgain(visit: Visit, role: string): Visit {
  return visit.cut?.role === role ? { ...visit, cut: null } : visit;
}

/** Choose another take of its role. */
export function choose(visit: Visit, id: string): Visit {
  const role = visit.takes.find((take) => take.id === id)?.role;
  const takes = visit.takes.map((take) =>
    take.role === role ? { ...take, chosen: take.id === id } : take,
  );
  return { ...visit, takes };
}

/** Return the takes of a role, in order. */
export function takesOf(visit: Visit, role: string): KeptTake[] {
  return visit.takes.filter((take) => take.role === role);
}

/** Return the chosen take of a role. */
export function chosenTake(visit: Visit, role: string): KeptTake | null {
  return visit.takes.find((take) => take.role === role && take.chosen) ?? null;
}

/** Return the room's noise, where it was recorded. */
export function roomDb(visit: Visit): number | null {
  return visit.takes.find((take) => take.chosen && take.roomDb !== null)?.roomDb ?? null;
}

/** Return whether another take is still offered. */
export function mayRedo(visit: Visit, role: string): boolean {
  return takesOf(visit, role).length <= MAX_REDOS;
}

/** Return whether a role is recorded or explained. */
export function isSettled(visit: Visit, role: string): boolean {
  return chosenTake(visit, role) !== null || role in visit.notDone;
}

/** Return the required roles that are neither recorded nor explained. */
export function openRoles(visit: Visit, protocol: Protocol): string[] {
  return protocol.recordings.filter(({ role, required }) => required && !isSettled(visit, role)).map(({ role }) => role);
}
