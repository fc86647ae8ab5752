/** The way of one patient, from the form to "sent": what may follow what, and no browser in it. */

import type { Capture } from "../audio/recorder.ts";
import type { Reason, VerdictWord } from "../audio/quality.ts";
import type { Fault, StopReason } from "../audio/take-rules.ts";
import type { FormContext, FormError } from "../protocol/form.ts";
import { checkForm, softWarnings, withoutHidden } from "../protocol/form.ts";
import type { Answer, Answers, Field, Protocol } from "../protocol/protocol.ts";
import { checkRgh, type RghRule } from "../protocol/rgh.ts";

/** How the patient was told from all others. */
export type IdentityCheck = "wristband" | "verbal" | "not_possible";

/** Who decided, and on which text. */
export interface Consent {
  readonly givenBy: "patient" | "legal_representative";
  readonly relationship: string | null;
  readonly witnessPresent: boolean;
  readonly textSha256: string;
  readonly language: string;
  readonly purposes: Readonly<Record<string, boolean>>;
  readonly takenAt: string;
}

/** A take that was kept: sealed, numbered, never overwritten. */
export interface KeptTake {
  readonly id: string;
  readonly role: string;
  readonly take: number;
  readonly chosen: boolean;
  readonly startedAt: string;
  readonly stopReason: StopReason;
  readonly promptSha256: string;
  readonly gaps: number;
  readonly capture: Capture;
  readonly verdict: VerdictWord;
  readonly reasons: readonly (Reason | "gap" | "processed")[];
  /** Of the recording in which nobody speaks: the room's noise, for all others. */
  readonly roomDb: number | null;
  readonly nBytes: number;
  readonly sha256: string;
}

/** Why a recording was not made (API.md, `not_done`). */
export const NOT_DONE = [
  "too_breathless",
  "no_voice",
  "cannot_read",
  "intubated",
  "confused",
  "language",
  "refused",
  "interrupted",
  "technical",
  "other",
] as const;
export type NotDone = (typeof NOT_DONE)[number];

/** Why somebody goes on with an RGH whose letter does not fit. */
export const RGH_OVERRIDES = ["wristband_checked", "other_hospital", "provisional"] as const;
export type RghOverride = (typeof RGH_OVERRIDES)[number];

export type Step =
  | { readonly name: "essentials" | "identity" | "consent" | "research" | "review" | "sent" }
  | { readonly name: "recording"; readonly role: string };

/** What ended a take of a role before its time. */
export interface Cut {
  readonly role: string;
  readonly fault: Fault;
}

/** The patient as consent and recordings know them, while another RGH may be another patient's. */
export type Before = Pick<Visit, "form" | "confirmed" | "rghOverride" | "identityCheck">;

/** One patient at one moment. */
export interface Visit {
  readonly id: string;
  readonly startedAt: string;
  readonly protocolId: string;
  readonly step: Step;
  readonly form: Answers;
  /** Implausible answers that somebody confirmed. */
  readonly confirmed: readonly string[];
  readonly rghOverride: RghOverride | null;
  readonly identityCheck: IdentityCheck | null;
  /** After an interruption, a lock or a resume: nothing goes on before the patient is checked. */
  readonly mustCheck: boolean;
  readonly consent: Consent | null;
  readonly takes: readonly KeptTake[];
  readonly notDone: Readonly<Record<string, NotDone>>;
  readonly stoppedEarly: boolean;
  /** The model that is asked; absent or null: the box's default. */
  readonly modelId?: string | null;
  /** Since the RGH was doubted; absent or null: nobody doubts it. */
  readonly before?: Before | null;
  /** The nurse went to another patient: nothing more is recorded before a check. */
  readonly isLeft?: boolean;
  /** The take that ended as invalid, until it is recorded again; absent or null: none. */
  readonly cut?: Cut | null;
}

/** What the screen shows: the step, or what is to be answered before it. */
export type Due = Step | { readonly name: "check" | "whose" };

export const MAX_REDOS = 2;
/** `spo2_at`: when `spo2` was measured. */
const MEASURED_AT_SUFFIX = "_at";

/** Begin with a patient. */
export function begin(id: string, startedAt: string, protocol: Protocol, form: Answers): Visit {
  return {
    id,
    startedAt,
    protocolId: protocol.id,
    step: { name: "essentials" },
    form,
    confirmed: [],
    rghOverride: null,
    identityCheck: null,
    mustCheck: false,
    consent: null,
    takes: [],
    notDone: {},
    stoppedEarly: false,
  };
}

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

/** Return whether consent and recordings were given under another RGH, and nobody said whose this one is. */
export function hasOtherRgh({ before, form }: Visit): boolean {
  return before != null && (before.form["rgh"] ?? null) !== (form["rgh"] ?? null);
}

/** Answer a field; what is not asked any more goes, and a changed RGH is to be checked anew. */
export function answer(visit: Visit, protocol: Protocol, field: string, value: Answer | null): Visit {
  const form = withoutHidden(protocol, { ...visit.form, [field]: value });
  const confirmed = visit.confirmed.filter((name) => name !== field);
  const isNewRgh = field === "rgh" && value !== visit.form["rgh"];
  return {
    ...visit,
    form,
    confirmed,
    ...(isNewRgh ? { ...doubted(visit), rghOverride: null, identityCheck: null } : {}),
  };
}

/** Answer a field; a new value was measured now, unless a time is typed for it afterwards. */
export function measured(visit: Visit, protocol: Protocol, field: string, value: Answer | null, at: string): Visit {
  const to = answer(visit, protocol, field, value);
  const time = field + MEASURED_AT_SUFFIX;
  const isTimed = protocol.fields.some(({ name, format }) => name === time && format === "date-time");
  const isNew = value !== null && value !== (visit.form[field] ?? null);
  return isTimed && isNew ? answer(to, protocol, time, at) : to;
}

/** Ask this model; null: the box's default. */
export function askModel(visit: Visit, modelId: string | null): Visit {
  return { ...visit, modelId };
}

/** Confirm implausible answers. */
export function confirm(visit: Visit, fields: readonly string[]): Visit {
  return { ...visit, confirmed: [...new Set([...visit.confirmed, ...fields])] };
}

/** What stands in the way of a group of fields. */
export interface Obstacles {
  readonly errors: readonly FormError[];
  /** Implausible answers nobody confirmed yet. */
  readonly soft: readonly string[];
  /** The letter of the RGH does not fit, and nobody said why to go on. */
  readonly rgh: boolean;
}

/** Return what stands in the way of the fields of these groups. */
export function obstacles(
  visit: Visit,
  protocol: Protocol,
  groups: readonly string[],
  context: FormContext,
  rule: RghRule | null,
): Obstacles {
  const names = new Set(fieldsOf(protocol, groups).map(({ name }) => name));
  const errors = checkForm(protocol, visit.form, context).filter(({ field }) => names.has(field));
  const faulty = new Set(errors.map(({ field }) => field));
  const soft = softWarnings(protocol, visit.form)
    .map(({ field }) => field)
    .filter((field) => names.has(field) && !faulty.has(field) && !visit.confirmed.includes(field));
  const rgh = visit.form["rgh"];
  const fails = typeof rgh === "string" && rgh !== "" && checkRgh(rgh, rule) === "failed";
  return { errors, soft, rgh: names.has("rgh") && fails && visit.rghOverride === null };
}

/** Return whether nothing stands in the way. */
export function isClear({ errors, soft, rgh }: Obstacles): boolean {
  return errors.length === 0 && soft.length === 0 && !rgh;
}

/** Return all groups of fields. */
export function groupsOf(protocol: Protocol): string[] {
  return [...new Set(protocol.fields.map(({ group }) => group))];
}

/** Return the fields of these groups, asked or not. */
export function fieldsOf(protocol: Protocol, groups: readonly string[]): Field[] {
  return protocol.fields.filter(({ group }) => groups.includes(group));
}

/** Say why to go on with an RGH whose letter does not fit. */
export function overrideRgh(visit: Visit, why: RghOverride): Visit {
  return { ...visit, rghOverride: why };
}

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

/** Record a role again: what cut its last take off was read. */
export function recordAgain(visit: Visit, role: string): Visit {
  return visit.cut?.role === role ? { ...visit, cut: null } : visit;
}

/** The patient, or who speaks for the patient, agreed; recording may begin. */
export function consented(visit: Visit, protocol: Protocol, consent: Consent): Visit {
  return { ...visit, consent, step: after({ ...visit, consent }, protocol, { name: "consent" }) };
}

/** Keep a take; it is the chosen one of its role from now on. Kept once, whoever taps twice. */
export function takeKept(visit: Visit, take: Omit<KeptTake, "take" | "chosen">): Visit {
  if (visit.consent === null) throw new RangeError("no recording without consent");
  if (visit.takes.some(({ id }) => id === take.id)) return visit;
  const before = visit.takes.map((one) => (one.role === take.role ? { ...one, chosen: false } : one));
  const number = Math.max(0, ...takesOf(visit, take.role).map((one) => one.take)) + 1;
  const { [take.role]: _done, ...notDone } = visit.notDone;
  return { ...visit, takes: [...before, { ...take, take: number, chosen: true }], notDone, cut: null };
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

/** Choose another take of its role. */
export function choose(visit: Visit, id: string): Visit {
  const role = visit.takes.find((take) => take.id === id)?.role;
  const takes = visit.takes.map((take) =>
    take.role === role ? { ...take, chosen: take.id === id } : take,
  );
  return { ...visit, takes };
}

/** Say why a recording is not made, and go on; a take that is no good is kept, and stands for nothing. */
export function unable(visit: Visit, protocol: Protocol, role: string, why: NotDone): Visit {
  const takes = visit.takes.map((take) =>
    take.role === role && take.verdict === "fail" ? { ...take, chosen: false } : take,
  );
  const told = { ...visit, takes, cut: null, notDone: { ...visit.notDone, [role]: why } };
  return { ...told, step: after(told, protocol, { name: "recording", role }) };
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

/** Stop here: keep what there is, and say of required recordings that they were cut off. */
export function stopAndKeep(visit: Visit, protocol: Protocol): Visit {
  if (visit.consent === null) return visit;
  const lacking = protocol.recordings.filter(
    ({ role, required }) => required && chosenTake(visit, role) === null && !(role in visit.notDone),
  );
  const cutOff = Object.fromEntries(lacking.map(({ role }) => [role, "interrupted" as const]));
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

/** Return the required roles that are neither recorded nor explained. */
export function openRoles(visit: Visit, protocol: Protocol): string[] {
  return protocol.recordings
    .filter(({ role, required }) => required && chosenTake(visit, role) === null && !(role in visit.notDone))
    .map(({ role }) => role);
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

/** Return the patient before the first doubt, where there is a consent or a recording of them. */
function doubted({ before, consent, takes, form, confirmed, rghOverride, identityCheck }: Visit): Pick<Visit, "before"> {
  if (consent === null && takes.length === 0) return {};
  return { before: before ?? { form, confirmed, rghOverride, identityCheck } };
}

function after(visit: Visit, protocol: Protocol, step: Step): Step {
  const steps = stepsOf(protocol);
  const at = steps.findIndex((one) => isSame(one, step));
  const following = steps[at + 1] ?? { name: "review" };
  // Whatever leads on, nothing leads past the decision.
  if (visit.consent === null && following.name !== "identity") return { name: "consent" };
  return isBehind(visit, following) ? after(visit, protocol, following) : following;
}

/** Return whether a step was done, so that nobody is led there again. */
function isBehind(visit: Visit, step: Step): boolean {
  if (step.name === "identity") return visit.identityCheck !== null;
  if (step.name === "consent") return visit.consent !== null;
  return step.name === "recording" && (visit.stoppedEarly || isSettled(visit, step.role));
}

function isSettled(visit: Visit, role: string): boolean {
  return chosenTake(visit, role) !== null || role in visit.notDone;
}

function isSame(a: Step, b: Step): boolean {
  return a.name === b.name && (a.name !== "recording" || b.name !== "recording" || a.role === b.role);
}
