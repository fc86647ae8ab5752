/** What is told of an evaluation: the signs that were measured, then what the voice says. */

import type { Diagnosis, Inference, Result } from "../api/types.ts";
import { inLanguage, roleName } from "../protocol/protocol.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { withoutUnit } from "../screens/visit/words.ts";
import type { Language, Texts } from "../texts/index.ts";
import { writtenNumber, writtenTime } from "../texts/index.ts";

/** What is said of a result, in words and in its kind. */
export interface Said {
  readonly kind: Diagnosis | "waiting" | "failed";
  readonly title: string;
  readonly text: string;
}

/** A sign, its value, and under it what it was measured with and when. */
export interface Sign {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly under: readonly string[];
}

const SIGNS = ["spo2", "o2_support", "respiratory_frequency", "bpm"] as const;
/** What is told beneath another sign. */
const UNDER: Readonly<Record<string, readonly string[]>> = { spo2: ["spo2_at"], o2_support: ["o2_flow_lpm", "fio2_pct"] };

/** Return what to say of the result of an inference; a reason names what it is about. */
export function saidOf(inference: Inference, result: Result, protocol: Protocol | null, t: Texts, language: Language): Said {
  if (inference.status === "processing") return { kind: "waiting", ...t.result.waiting };
  if (inference.status === "error" || result.error_code !== null) {
    return { kind: "failed", ...t.result.error(result.error_code) };
  }
  const kind = inference.diagnosis ?? "inconclusive";
  if (kind !== "inconclusive") return { kind, ...t.result[kind] };
  const reasons: Readonly<Record<string, (about: string) => { title: string; text: string }>> = t.result.inconclusive;
  const words = reasons[inference.reason ?? "other"] ?? t.result.inconclusive.other;
  return { kind, ...words(aboutWords(inference, result.reason_subject, protocol, t, language)) };
}

/** Return the signs that the form has, each in the words of its protocol. */
export function signsOf(inference: Inference, protocol: Protocol | null, language: Language): Sign[] {
  return SIGNS.flatMap((name) => {
    const [found, ...under] = [name, ...(UNDER[name] ?? [])].map((one) => answerWords(inference, one, protocol, language));
    if (found === undefined || found === null) return [];
    const told = under.flatMap((one) => (one === null ? [] : [one]));
    return [{ name, label: found.label, value: found.value, unit: found.unit, under: told.map(inALine) }];
  });
}

/** Return what a reason is about; empty where nobody says. */
function aboutWords(inference: Inference, subject: string | null, protocol: Protocol | null, t: Texts, language: Language): string {
  if (subject === null) return "";
  const role = roleName(subject, protocol, language);
  if (inference.reason === "missing-recording") return role;
  if (inference.reason === "invalid-recording") return t.result.recordingAbout(role, faultWords(inference, subject, t));
  if (inference.reason !== "outside-intended-use") return "";
  const names: Readonly<Record<string, string>> = t.result.outside;
  const answer = answerWords(inference, subject, protocol, language);
  return names[subject] ?? (answer === null ? subject : `${answer.label}: ${withoutUnit(answer.value)}`);
}

/** Return what is wrong with the recording of a role that was used. */
function faultWords(inference: Inference, role: string, t: Texts): string {
  const used = inference.recordings?.find((one) => one.role === role && one.chosen);
  const faults: Readonly<Record<string, string>> = t.result.recordingFaults;
  const words = (used?.verdict_reasons ?? []).flatMap((reason) => faults[reason] ?? []);
  return [...new Set(words)].join(", ");
}

interface AnswerWords {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly unit: string;
}

/** Return an answer of the form in words; null where there is none. */
function answerWords(inference: Inference, name: string, protocol: Protocol | null, language: Language): AnswerWords | null {
  const answer: unknown = Reflect.get(inference, name);
  const field = protocol?.fields.find((one) => one.name === name);
  const whole = field === undefined ? name : inLanguage(field.labels, language);
  const label = withoutUnit(whole);
  const unit = /\(([^()]+)\)$/.exec(whole)?.[1] ?? "";
  if (typeof answer === "number") {
    const value = writtenNumber(answer, language);
    return unit === "%" ? { name, label, value: `${value}%`, unit: "" } : { name, label, value, unit };
  }
  if (typeof answer !== "string") return null;
  if (field?.format === "date-time") return { name, label, value: writtenTime(new Date(answer), new Date(), language), unit };
  return { name, label, value: field?.choiceLabels[language]?.[answer] ?? answer, unit };
}

/** `Hora da medida: 03:10`, `FiO₂ 40%`, and a flow by its unit alone. */
function inALine({ name, label, value, unit }: AnswerWords): string {
  if (unit !== "") return `${value} ${unit}`;
  return name === "spo2_at" ? `${label}: ${value}` : `${label} ${value}`;
}
