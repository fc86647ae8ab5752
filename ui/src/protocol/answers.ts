/** One answer at a time: its type, its one spelling, and what it may be. */

import type { FormCode } from "./form.ts";
import type { Answer, Field } from "./protocol.ts";
import { isWithin } from "./form.ts";

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const INSTANT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$/;
const CID_10 = /^([A-Z][0-9]{2})\.?([0-9])?$/;
const MS_A_DAY = 86_400_000;

/** Return the answer as it is judged: no blanks around it, a CID-10 as `J96.0`. */
export function tidy(value: Answer, field: Field | null): Answer {
  if (typeof value !== "string") return value;
  const text = value.trim();
  if (field?.format !== "cid-10") return text;
  const match = CID_10.exec(text.toUpperCase());
  if (match === null) return text;
  const [, category = "", digit] = match;
  return digit === undefined ? category : `${category}.${digit}`;
}

/** Return whether it is no text with control characters or half characters in it. */
export function isClean(value: Answer): boolean {
  return typeof value !== "string" || !/[\p{Cc}\p{Cs}]/u.test(value);
}

/** Return what the field's own schema has against an answer; null where it has nothing. */
export function schemaCode(value: Answer, field: Field): FormCode | null {
  if (!isOfType(value, field)) return "type";
  if (field.choices.length > 0 && !field.choices.includes(String(value))) return "enum";
  if (typeof value === "string") return textCode(value, field);
  if (typeof value === "number" && !isWithin(value, field.hardRange)) return "range";
  return null;
}

/** Return a valid answer in its one spelling: instants in UTC with milliseconds. */
export function canonical(value: Answer, field: Field): Answer {
  if (field.format !== "date-time" || typeof value !== "string") return value;
  return new Date(value).toISOString();
}

/**
 * Return a moment as ISO 8601 with the offset of this place: its own day is the last one a date may
 * have, and late in the evening the day in UTC is tomorrow.
 */
export function localInstant(at: Date, offsetMinutes = -at.getTimezoneOffset()): string {
  const local = new Date(at.getTime() + offsetMinutes * 60_000).toISOString().slice(0, -1);
  const two = (n: number): string => String(Math.floor(n)).padStart(2, "0");
  const size = Math.abs(offsetMinutes);
  return `${local}${offsetMinutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
}

/** Return a number that grows with time: days for dates, seconds for instants; NaN for neither. */
export function momentOf(text: string, field: Field): number {
  return field.format === "date" ? dayMs(text) / MS_A_DAY : instantMs(text) / 1000;
}

function isOfType(value: Answer, field: Field): boolean {
  if (field.type === "integer") return Number.isInteger(value);
  return typeof value === field.type;
}

function textCode(text: string, field: Field): FormCode | null {
  const isCid = field.format === "cid-10";
  if (field.format !== null && !hasFormat(text, field)) return isCid ? "cid" : "format";
  const length = Array.from(text).length;
  if (length < field.minLength || length > field.maxLength) return isCid ? "cid" : "length";
  return field.pattern !== null && !field.pattern.test(text) ? "pattern" : null;
}

function hasFormat(text: string, field: Field): boolean {
  if (field.format === "cid-10") return CID_10.test(text);
  return !Number.isNaN(momentOf(text, field));
}

/** Return the milliseconds of a day's beginning in UTC; NaN for a day that does not exist. */
function dayMs(text: string): number {
  const match = DATE.exec(text);
  if (match === null || Number(match[1]) < 1) return Number.NaN;
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Some engines roll 30 February over into March.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? Number.NaN : ms;
}

function instantMs(text: string): number {
  const match = INSTANT.exec(text);
  if (match === null) return Number.NaN;
  const [, day = "", hours, minutes, seconds] = match;
  const isTime = Number(hours) <= 23 && Number(minutes) <= 59 && Number(seconds) <= 59;
  return isTime && !Number.isNaN(dayMs(day)) ? Date.parse(text) : Number.NaN;
}
