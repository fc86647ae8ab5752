/** Protocol documents as the box serves them (PROTOCOL.md): what is asked, recorded and judged. */

import { matches, PROTOCOL_ID } from "./patterns.ts";

export type Answer = string | number | boolean;
export type Answers = Readonly<Record<string, Answer | null>>;
export type Words = Readonly<Record<string, string>>;
export type FieldType = "string" | "integer" | "number" | "boolean";
export type FieldFormat = "date" | "date-time" | "cid-10";

/** Values from minimum to maximum, both included; an absent bound bounds nothing. */
export interface Range {
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Values at or under `at_most`, and at or over `at_least`, ask for attention. */
export interface AlertRange {
  readonly at_most?: number;
  readonly at_least?: number;
}

/** When a field is asked: another one, before it, is answered with one of these. */
export interface ShowIf {
  readonly field: string;
  readonly among: readonly Answer[] | null;
  readonly notAmong: readonly Answer[];
}

/** One field of the form. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  readonly format: FieldFormat | null;
  readonly unit: string | null;
  readonly choices: readonly string[];
  readonly default: Answer | null;
  readonly minLength: number;
  readonly maxLength: number;
  readonly pattern: RegExp | null;
  readonly hardRange: Range;
  readonly softRange: Range;
  readonly alertRange: AlertRange;
  readonly labels: Words;
  readonly helps: Words;
  readonly choiceLabels: Readonly<Record<string, Words>>;
  readonly group: string;
  readonly showIf: ShowIf | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly fromHospitals: boolean;
}

/** The bounds of one measure; `fail_from` includes its value. */
export interface Limit {
  readonly measure: string;
  readonly warn_below?: number;
  readonly warn_above?: number;
  readonly fail_below?: number;
  readonly fail_above?: number;
  readonly fail_from?: number;
}

/** One recording to take. */
export interface RecordingTask {
  readonly role: string;
  readonly required: boolean;
  readonly decides: boolean;
  readonly maxS: number;
  readonly stopAfterS: number | null;
  readonly stopAfterSilenceS: number | null;
  readonly labels: Words;
  readonly prompts: Words;
  readonly limits: readonly Limit[];
}

/** One consent text; its digest is stored with every decision. */
export interface ConsentText {
  readonly version: string;
  readonly demonstration: boolean;
  readonly sha256: string;
  readonly sections: readonly { readonly item: string; readonly heading: string; readonly text: string }[];
  readonly purposes: readonly { readonly key: string; readonly text: string }[];
}

/** One version of the protocol; `sha256` is that of the document's very bytes. */
export interface Protocol {
  readonly id: string;
  readonly sha256: string;
  readonly title: string;
  readonly languages: readonly string[];
  readonly fields: readonly Field[];
  /** Language to reason for an absent answer to its words. */
  readonly absentReasonLabels: Readonly<Record<string, Words>>;
  readonly recordings: readonly RecordingTask[];
  readonly consents: Readonly<Record<string, ConsentText>>;
}

/** A document that is no protocol; the box serves only checked ones, so its copy is damaged. */
export class ProtocolUnreadable extends Error {}

/** Return the words in this language, or in the protocol's first one. */
export function inLanguage(words: Words, language: string): string {
  return words[language] ?? Object.values(words)[0] ?? "";
}

/** Return what people call a recording; its role where this protocol, or none, does not know it. */
export function roleName(role: string, protocol: Protocol | null, language: string): string {
  const task = protocol?.recordings.find((one) => one.role === role);
  return task === undefined ? role : inLanguage(task.labels, language);
}

/** Return the task of a role. */
export function taskOf(protocol: Protocol, role: string): RecordingTask {
  const task = protocol.recordings.find((one) => one.role === role);
  if (task === undefined) throw new ProtocolUnreadable(`no role ${role}`);
  return task;
}

/**
 * Return the protocol of a document's bytes.
 *
 * @throws ProtocolUnreadable where the bytes are no such document.
 */
export async function readProtocol(content: Uint8Array<ArrayBuffer>): Promise<Protocol> {
  let document: Json;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content)) as Json;
    return protocolOf(document, await sha256Hex(content));
  } catch (error) {
    if (error instanceof ProtocolUnreadable) throw error;
    throw new ProtocolUnreadable("not a protocol document", { cause: error });
  }
}

/** Return the SHA-256 of bytes in lower-case hexadecimal. */
export async function sha256Hex(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

type Json = Readonly<Record<string, unknown>>;

function protocolOf(document: Json, sha256: string): Protocol {
  if (!matches(PROTOCOL_ID, text(document["id"]))) throw new ProtocolUnreadable("no id");
  const form = document["form"] as Json;
  const required = new Set(form["required"] as string[]);
  return {
    id: text(document["id"]),
    sha256,
    title: text(document["title"]),
    languages: document["languages"] as string[],
    fields: Object.entries(form["properties"] as Record<string, Json>).map(([name, field]) =>
      fieldOf(name, field, required.has(name)),
    ),
    absentReasonLabels: absentReasonLabelsOf(form["patternProperties"] as Record<string, Json>),
    recordings: (document["recordings"] as Json[]).map(taskOfDocument),
    consents: Object.fromEntries(
      Object.entries(document["consent"] as Record<string, Json>).map(([language, consent]) => [
        language,
        consentOf(consent),
      ]),
    ),
  };
}

function absentReasonLabelsOf(patternProperties: Record<string, Json>): Record<string, Words> {
  const [reason] = Object.values(patternProperties);
  return (reason?.["x-enum-labels"] as Record<string, Words> | undefined) ?? {};
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new ProtocolUnreadable("a text is missing");
  return value;
}

const RULES: ReadonlySet<string> = new Set(
  "type enum default minimum maximum minLength maxLength pattern format".split(" "),
);
const TYPES: readonly unknown[] = ["string", "integer", "number", "boolean"];
const FORMATS: readonly unknown[] = [undefined, "date", "date-time", "cid-10"];

function fieldOf(name: string, field: Json, required: boolean): Field {
  const unknown = Object.keys(field).find((key) => !RULES.has(key) && !key.startsWith("x-"));
  if (unknown !== undefined) throw new ProtocolUnreadable(`${name}: unknown rule ${unknown}`);
  if (!TYPES.includes(field["type"]) || !FORMATS.includes(field["format"])) {
    throw new ProtocolUnreadable(`${name}: unknown type or format`);
  }
  const pattern = field["pattern"] as string | undefined;
  return {
    name,
    type: field["type"] as FieldType,
    required,
    format: (field["format"] as FieldFormat | undefined) ?? null,
    unit: (field["x-unit"] as string | undefined) ?? null,
    choices: (field["enum"] as string[] | undefined) ?? [],
    default: (field["default"] as Answer | undefined) ?? null,
    minLength: (field["minLength"] as number | undefined) ?? 0,
    maxLength: (field["maxLength"] as number | undefined) ?? Number.POSITIVE_INFINITY,
    pattern: pattern === undefined ? null : new RegExp(pattern, "u"),
    hardRange: bounds(field["minimum"] as number | undefined, field["maximum"] as number | undefined),
    softRange: (field["x-soft-range"] as Range | undefined) ?? {},
    alertRange: (field["x-alert-range"] as AlertRange | undefined) ?? {},
    labels: field["x-label"] as Words,
    helps: (field["x-help"] as Words | undefined) ?? {},
    choiceLabels: (field["x-enum-labels"] as Record<string, Words> | undefined) ?? {},
    group: text(field["x-group"]),
    showIf: showIfOf(field["x-show-if"] as Json | undefined),
    notBefore: (field["x-not-before"] as string | undefined) ?? null,
    notAfter: (field["x-not-after"] as string | undefined) ?? null,
    fromHospitals: "x-options" in field,
  };
}

function bounds(minimum?: number, maximum?: number): Range {
  return {
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function showIfOf(document: Json | undefined): ShowIf | null {
  if (document === undefined) return null;
  const among = "equals" in document ? [document["equals"]] : document["in"];
  return {
    field: text(document["field"]),
    among: (among as Answer[] | undefined) ?? null,
    notAmong: (document["not_in"] as Answer[] | undefined) ?? [],
  };
}

function taskOfDocument(task: Json): RecordingTask {
  return {
    role: text(task["role"]),
    required: task["required"] === true,
    decides: task["decides"] !== false,
    maxS: task["max_s"] as number,
    stopAfterS: (task["stop_after_s"] as number | undefined) ?? null,
    stopAfterSilenceS: (task["stop_after_silence_s"] as number | undefined) ?? null,
    labels: task["label"] as Words,
    prompts: task["prompt"] as Words,
    limits: Object.entries(task["limits"] as Record<string, Omit<Limit, "measure">>).map(
      ([measure, limit]) => ({ measure, ...limit }),
    ),
  };
}

function consentOf(consent: Json): ConsentText {
  const purposes = (consent["purposes"] as Record<string, string> | undefined) ?? {};
  return {
    version: text(consent["version"]),
    demonstration: consent["demonstration"] === true,
    sha256: text(consent["sha256"]),
    sections: consent["sections"] as ConsentText["sections"],
    purposes: Object.entries(purposes).map(([key, said]) => ({ key, text: said })),
  };
}
