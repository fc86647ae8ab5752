/** Whose voice it is: checks of the patient, and an RGH that changes under way. */

import type { Protocol } from "../protocol/protocol.ts";
import { after, stopAndKeep } from "./steps.ts";
import type { Cut, IdentityCheck, Visit } from "./visit.ts";
import { doubted, hasOtherRgh } from "./visit.ts";

/** The patient was told from all others; where this is the step, it leads on. Whose the RGH is comes first. */
export function identified(visit: Visit, protocol: Protocol, check: IdentityCheck): Visit {
  if (hasOtherRgh(visit)) return visit;
  const checked = { ...visit, identityCheck: check, mustCheck: false, before: null, isLeft: false };
  return visit.step.name === "identity" ? { ...checked, step: after(checked, protocol, visit.step) } : checked;
}

/** The RGH is not right: back to the form, and whoever it is afterwards is checked anew. */
export function mendRgh(visit: Visit): Visit {
  return { ...visit, ...doubted(visit), identityCheck: null, mustCheck: false, step: { name: "essentials" } };
}

/** The other RGH is the same patient's; one that is not there yet is typed first. */
export function samePatient(visit: Visit): Visit {
  return (visit.form["rgh"] ?? null) === null ? mendRgh(visit) : { ...visit, before: null };
}

/** The nurse is at another patient: what there is stays with the one before, as it was. */
export function leave(visit: Visit, protocol: Protocol): Visit {
  if (visit.consent === null) return visit;
  return stopAndKeep({ ...visit, ...visit.before, before: null, mustCheck: false, isLeft: true }, protocol);
}

/** A call, the lock, another tab, a crash: the patient is to be checked before anything goes on. */
export function interrupted(visit: Visit, cut: Cut | null = visit.cut ?? null): Visit {
  return { ...visit, mustCheck: visit.identityCheck !== null, cut };
}
