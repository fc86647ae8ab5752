/** The answers of a form, held against its protocol: the same rules and codes as the box's. */

import { canonical, isClean, momentOf, schemaCode, tidy } from "./answers.ts";
import type { AlertRange, Answer, Answers, Field, Protocol, Range } from "./protocol.ts";

/** What can be wrong with an answer. */
export type FormCode =
  | "required"
  | "unknown"
  | "hidden"
  | "empty"
  | "type"
  | "enum"
  | "range"
  | "length"
  | "pattern"
  | "format"
  | "cid"
  | "future"
  | "date-order"
  | "unknown-hospital"
  | "conflict";

/** One answer at fault. */
export interface FormError {
  readonly field: string;
  readonly code: FormCode;
}

/** The moment and the list that answers are held against. */
export interface FormContext {
  /** When the recordings were taken, ISO 8601 with its offset; its own day bounds dates. */
  readonly capturedAt: string;
  /** While a visit goes on: instants may be as late as this, ISO 8601. */
  readonly now?: string;
  readonly hospitals: readonly string[];
}

/** The bound of what cannot have been after the visit. */
export const CAPTURED_AT = "captured_at";

/** Why an answer is absent, of any field. */
export const ABSENT_REASONS = ["not_measured", "not_possible", "refused", "not_applicable"] as const;
export type AbsentReason = (typeof ABSENT_REASONS)[number];
export const ABSENT_REASON_SUFFIX = "_absent_reason";

const ABSENT_TEXTS: ReadonlySet<string> = new Set(["", "undefined", "null", "NaN"]);

/** Return whether a field is asked, given the answers so far; what hangs on a hidden one is hidden. */
export function isAsked(field: Field, protocol: Protocol, answers: Answers): boolean {
  const { showIf } = field;
  if (showIf === null) return true;
  const other = protocol.fields.find((one) => one.name === showIf.field);
  if (other !== undefined && !isAsked(other, protocol, answers)) return false;
  return holds(field, answers);
}

/** Return why a field has no answer, as far as somebody said. */
export function absentReason(name: string, answers: Answers): AbsentReason | null {
  const told = answers[name + ABSENT_REASON_SUFFIX] ?? null;
  return ABSENT_REASONS.find((reason) => reason === told) ?? null;
}

/** Return whether a field is measured, and may be left out; years of age are told, not measured. */
export function mayBeUnmeasured({ required, unit }: Field): boolean {
  return !required && unit !== null && unit !== "a";
}

/** Return the answers without those to fields that are not asked any more. */
export function withoutHidden(protocol: Protocol, answers: Answers): Answers {
  const hidden = protocol.fields.filter((field) => !isAsked(field, protocol, answers));
  const names = new Set(hidden.flatMap(({ name }) => [name, name + ABSENT_REASON_SUFFIX]));
  return Object.fromEntries(Object.entries(answers).filter(([name]) => !names.has(name)));
}

/** Return everything wrong with a form, one error a field, in the protocol's order. */
export function checkForm(protocol: Protocol, answers: Answers, context: FormContext): FormError[] {
  const fields = new Map(protocol.fields.map((field) => [field.name, field]));
  const given = new Map<string, Answer>();
  for (const [name, value] of Object.entries(answers)) {
    if (value !== null) given.set(name, tidy(value, fields.get(name) ?? null));
  }
  const codes = new Map<string, FormCode>();
  for (const [name, value] of given) {
    const code = answerCode(name, value, fields);
    if (code !== null) codes.set(name, code);
  }
  const sound = new Map([...given].filter(([name]) => !codes.has(name)));
  for (const name of hiddenNames(protocol, given, codes)) {
    for (const key of [name, name + ABSENT_REASON_SUFFIX]) {
      if (given.has(key)) codes.set(key, "hidden");
    }
  }
  for (const field of protocol.fields) {
    const found = contextCode(field, sound, context);
    if (found !== null && !codes.has(found.field)) codes.set(found.field, found.code);
  }
  return inOrder(codes, protocol);
}

/** Return the whole form of answers without errors: every field in order, null where there is none. */
export function completeForm(protocol: Protocol, answers: Answers): Record<string, Answer | null> {
  const fields = new Map(protocol.fields.map((field) => [field.name, field]));
  const given: Record<string, Answer> = {};
  for (const [name, value] of Object.entries(answers)) {
    if (value !== null) given[name] = tidy(value, fields.get(name) ?? null);
  }
  const form: Record<string, Answer | null> = {};
  for (const field of protocol.fields) {
    const reason = given[field.name + ABSENT_REASON_SUFFIX] ?? null;
    let value = given[field.name] ?? null;
    if (value === null && reason === null && holds(field, given)) value = field.default;
    form[field.name] = value === null ? null : canonical(value, field);
    if (reason !== null) form[field.name + ABSENT_REASON_SUFFIX] = reason;
  }
  return form;
}

/** Return the vital signs that ask for attention, in the protocol's order. */
export function alerts(protocol: Protocol, answers: Answers): { field: string; bounds: AlertRange }[] {
  return protocol.fields.flatMap((field) => {
    const value = answers[field.name];
    const { at_most: atMost, at_least: atLeast } = field.alertRange;
    if (typeof value !== "number") return [];
    const low = atMost !== undefined && value <= atMost;
    const high = atLeast !== undefined && value >= atLeast;
    return low || high ? [{ field: field.name, bounds: field.alertRange }] : [];
  });
}

/** Return the implausible answers, to be confirmed and never refused, in the protocol's order. */
export function softWarnings(protocol: Protocol, answers: Answers): { field: string; bounds: Range }[] {
  return protocol.fields.flatMap((field) => {
    const value = answers[field.name];
    if (typeof value !== "number" || isWithin(value, field.softRange)) return [];
    return [{ field: field.name, bounds: field.softRange }];
  });
}

/** Return whether a value lies inside a range. */
export function isWithin(value: number, range: Range): boolean {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = range;
  return value >= minimum && value <= maximum;
}

function holds(field: Field, answers: Answers): boolean {
  if (field.showIf === null) return true;
  const answer = answers[field.showIf.field] ?? null;
  if (answer === null || field.showIf.notAmong.includes(answer)) return false;
  return field.showIf.among === null || field.showIf.among.includes(answer);
}

function answerCode(
  name: string,
  value: Answer,
  fields: ReadonlyMap<string, Field>,
): FormCode | null {
  const field = fields.get(name);
  if (field === undefined) {
    const isReason = name.endsWith(ABSENT_REASON_SUFFIX);
    if (!isReason || !fields.has(name.slice(0, -ABSENT_REASON_SUFFIX.length))) return "unknown";
  }
  if (typeof value === "string" && ABSENT_TEXTS.has(value)) {
    return field?.required === true ? "required" : "empty";
  }
  if (typeof value === "number" && !Number.isFinite(value)) return "type";
  if (!isClean(value)) return "pattern";
  if (field !== undefined) return schemaCode(value, field);
  if (typeof value !== "string") return "type";
  return (ABSENT_REASONS as readonly string[]).includes(value) ? null : "enum";
}

function hiddenNames(
  protocol: Protocol,
  given: ReadonlyMap<string, Answer>,
  codes: ReadonlyMap<string, FormCode>,
): Set<string> {
  const answers = Object.fromEntries(given);
  const hidden = new Set<string>();
  for (const field of protocol.fields) {
    // What hangs on a faulty answer counts as asked.
    if (field.showIf === null || codes.has(field.showIf.field)) continue;
    if (hidden.has(field.showIf.field) || !holds(field, answers)) hidden.add(field.name);
  }
  return hidden;
}

function contextCode(
  field: Field,
  sound: ReadonlyMap<string, Answer>,
  context: FormContext,
): FormError | null {
  const reason = field.name + ABSENT_REASON_SUFFIX;
  const value = sound.get(field.name);
  if (value === undefined) return field.required ? { field: field.name, code: "required" } : null;
  if (sound.has(reason)) return { field: reason, code: "conflict" };
  if (field.fromHospitals && !context.hospitals.includes(String(value))) {
    return { field: field.name, code: "unknown-hospital" };
  }
  const code = dateCode(field, String(value), sound, context);
  return code === null ? null : { field: field.name, code };
}

function dateCode(
  field: Field,
  text: string,
  sound: ReadonlyMap<string, Answer>,
  context: FormContext,
): FormCode | null {
  const sides = [
    [field.notBefore, -1],
    [field.notAfter, 1],
  ] as const;
  for (const [bound, sign] of sides) {
    if (bound === null) continue;
    const limit = limitOf(bound, field, sound, context);
    if (limit === null || (momentOf(text, field) - limit) * sign <= 0) continue;
    if (bound === CAPTURED_AT && sign > 0) return "future";
    return isLiteral(bound) ? "range" : "date-order";
  }
  return null;
}

function limitOf(
  bound: string,
  field: Field,
  sound: ReadonlyMap<string, Answer>,
  context: FormContext,
): number | null {
  if (bound === CAPTURED_AT) {
    const isDay = field.format === "date";
    return momentOf(isDay ? context.capturedAt.slice(0, 10) : (context.now ?? context.capturedAt), field);
  }
  const text = isLiteral(bound) ? bound : sound.get(bound);
  return text === undefined ? null : momentOf(String(text), field);
}

function isLiteral(bound: string): boolean {
  return bound.charAt(0) >= "0" && bound.charAt(0) <= "9";
}

function inOrder(codes: ReadonlyMap<string, FormCode>, protocol: Protocol): FormError[] {
  const order = new Map(protocol.fields.map((field, number) => [field.name, number]));
  const place = (name: string): number => {
    const bare = name.endsWith(ABSENT_REASON_SUFFIX)
      ? name.slice(0, -ABSENT_REASON_SUFFIX.length)
      : name;
    return order.get(bare) ?? order.size;
  };
  return [...codes]
    .map(([field, code]) => ({ field, code }))
    .sort((a, b) => place(a.field) - place(b.field) || (a.field < b.field ? -1 : 1));
}
