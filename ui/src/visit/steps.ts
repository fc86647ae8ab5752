/** The way of a visit, from the form to "sent": what may follow what. */

import type { FormContext } from "../protocol/form.ts";
import type { Protocol } from "../protocol/protocol.ts";
import type { RghRule } from "../protocol/rgh.ts";
import { groupsOf, isClear, obstacles } from "./answering.ts";
import { isSettled, openRoles } from "./takes.ts";
import type { Consent, NotDone, Step, Visit } from "./visit.ts";
import { hasOtherRgh } from "./visit.ts";

/** What the screen shows: the step, or what is to be answered before it. */
export type Due = Step | { readonly name: "check" | "whose" };

/** Return all steps in order. */
export function stepsOf(protocol: Protocol): Step[] {
  return [
    { name: "essentials" },
    { name: "identity" },
    { name: "consent" },
    ...protocol.recordings.map(({ role }) => ({ name: "recording" as const, role })),
    { name: "research" },
    { name: "review" },
  ];
}

/**
 * Return what the screen shows: nothing is recorded of a patient who was not checked, and nothing goes
 * on with another RGH before somebody said whose it is.
 */
export function due(visit: Visit): Due {
  const { step, mustCheck, identityCheck } = visit;
  if (step.name === "sent") return step;
  if (hasOtherRgh(visit) && (mustCheck || step.name !== "essentials")) return { name: "whose" };
  const isUnchecked = identityCheck === null || visit.isLeft === true;
  return mustCheck || (step.name === "recording" && isUnchecked) ? { name: "check" } : step;
}

/** Return what follows a step. */
export function after(visit: Visit, protocol: Protocol, step: Step): Step {
  const steps = stepsOf(protocol);
  const at = steps.findIndex((one) => isSame(one, step));
  const following = steps[at + 1] ?? { name: "review" };
  // Whatever leads on, nothing leads past the decision.
  if (visit.consent === null && following.name !== "identity") return { name: "consent" };
  return isBehind(visit, following) ? after(visit, protocol, following) : following;
}

/** Go on from a step; from another than this one nobody asked to. */
export function goOn(visit: Visit, protocol: Protocol, from: Step = visit.step): Visit {
  if (!isSame(visit.step, from)) return visit;
  const cut = from.name === "recording" ? null : (visit.cut ?? null);
  return { ...visit, cut, step: after(visit, protocol, visit.step) };
}

/** Open a step that was reached already. */
export function reopen(visit: Visit, step: Step): Visit {
  const needsConsent = step.name === "recording" || step.name === "research" || step.name === "review";
  return needsConsent && visit.consent === null ? visit : { ...visit, step };
}

/** The patient, or who speaks for the patient, agreed; recording may begin. */
export function consented(visit: Visit, protocol: Protocol, consent: Consent): Visit {
  return { ...visit, consent, step: after({ ...visit, consent }, protocol, { name: "consent" }) };
}

/** Say why a recording is not made, and go on; a take that is no good is kept, and stands for nothing. */
export function unable(visit: Visit, protocol: Protocol, role: string, why: NotDone): Visit {
  const takes = visit.takes.map((take) =>
    take.role === role && take.verdict === "fail" ? { ...take, chosen: false } : take,
  );
  const told = { ...visit, takes, cut: null, notDone: { ...visit.notDone, [role]: why } };
  return { ...told, step: after(told, protocol, { name: "recording", role }) };
}

/** Go on with the takes that are still there; what lacks is recorded again. */
export function withTakes(visit: Visit, protocol: Protocol, ids: ReadonlySet<string>): Visit {
  const takes = visit.takes.filter(({ id }) => ids.has(id));
  if (takes.length === visit.takes.length) return visit;
  const last = new Map(takes.map(({ role, id }) => [role, id]));
  const chosen = new Set(takes.filter((take) => take.chosen).map(({ role }) => role));
  const left = {
    ...visit,
    takes: takes.map((take) => (chosen.has(take.role) ? take : { ...take, chosen: take.id === last.get(take.role) })),
  };
  const [role] = openRoles(left, protocol);
  return role === undefined ? left : { ...left, step: { name: "recording", role } };
}

/** Stop here: keep what there is, and say of required recordings that they were cut off. */
export function stopAndKeep(visit: Visit, protocol: Protocol): Visit {
  if (visit.consent === null) return visit;
  const cutOff = Object.fromEntries(openRoles(visit, protocol).map((role) => [role, "interrupted" as const]));
  return {
    ...visit,
    stoppedEarly: true,
    cut: null,
    notDone: { ...visit.notDone, ...cutOff },
    step: { name: "research" },
  };
}

/** It is sent: nothing can be changed any more. */
export function sent(visit: Visit): Visit {
  return { ...visit, step: { name: "sent" } };
}

/** Return whether it may be sent: agreed to, complete, and the patient checked. */
export function maySend(
  visit: Visit,
  protocol: Protocol,
  context: FormContext,
  rule: RghRule | null,
): boolean {
  return (
    visit.consent !== null &&
    visit.identityCheck !== null &&
    !visit.mustCheck &&
    !hasOtherRgh(visit) &&
    openRoles(visit, protocol).length === 0 &&
    isClear(obstacles(visit, protocol, groupsOf(protocol), context, rule))
  );
}

/** Return whether a step was done, so that nobody is led there again. */
function isBehind(visit: Visit, step: Step): boolean {
  if (step.name === "identity") return visit.identityCheck !== null;
  if (step.name === "consent") return visit.consent !== null;
  return step.name === "recording" && (visit.stoppedEarly || isSettled(visit, step.role));
}

function isSame(a: Step, b: Step): boolean {
  return a.name === b.name && (a.name !== "recording" || b.name !== "recording" || a.role === b.role);
}
