/** The answers of a visit, and what stands in the way of going on with them. */

import type { FormContext, FormError } from "../protocol/form.ts";
import { checkForm, softWarnings, withoutHidden } from "../protocol/form.ts";
import type { Answer, Field, Protocol } from "../protocol/protocol.ts";
import { checkRgh, type RghRule } from "../protocol/rgh.ts";
import type { RghOverride, Visit } from "./visit.ts";
import { doubted } from "./visit.ts";

/** `spo2_at`: when `spo2` was measured. */
const MEASURED_AT_SUFFIX = "_at";

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

/** Say why to go on with an RGH whose letter does not fit. */
export function overrideRgh(visit: Visit, why: RghOverride): Visit {
  return { ...visit, rghOverride: why };
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
