/** Vital signs out of the hospital's bounds, in the words of the screen. */

import { alerts, isWithin } from "../../protocol/form.ts";
import type { AlertRange, Answers, Field, Protocol } from "../../protocol/protocol.ts";
import { inLanguage } from "../../protocol/protocol.ts";
import type { Language, Texts } from "../../texts/index.ts";
import { writtenNumber, writtenTime } from "../../texts/index.ts";
import { withoutUnit } from "./words.ts";

/** One sign as it is told. */
export interface ToldSign {
  readonly field: string;
  /** The sign and its value alone: `SpO₂: 88%`. */
  readonly sign: string;
  /** That it was measured and under what, and which bound it is out of. */
  readonly text: string;
}

/** Return what is to be told of the signs of a patient. */
export function toldSigns(protocol: Protocol, answers: Answers, t: Texts, language: Language): ToldSign[] {
  return alerts(protocol, answers).flatMap(({ field: name, bounds }) => {
    const field = protocol.fields.find((one) => one.name === name);
    if (field === undefined) return [];
    const value = Number(answers[name]);
    if (!isWithin(value, field.hardRange)) return [];
    const unit = field.unit === "%" ? "%" : "";
    const label = withoutUnit(inLanguage(field.labels, language));
    const written = writtenNumber(value, language) + unit;
    const measured = t.alert.measured(label, written);
    const under = name === "spo2" ? circumstances(protocol, answers, t, language) : "";
    const sign = `${label}: ${written}`;
    return [{ field: name, sign, text: `${measured}${under}. ${boundWords(value, field, bounds, unit, t, language)}` }];
  });
}

/** Return on which oxygen and when it was measured, as far as that is known. */
function circumstances(protocol: Protocol, answers: Answers, t: Texts, language: Language): string {
  const support = answers["o2_support"];
  const field = protocol.fields.find((one) => one.name === "o2_support");
  const words = typeof support === "string" && support !== "unknown" ? field?.choiceLabels[language]?.[support] : undefined;
  const flow = answers["o2_flow_lpm"];
  const at = answers["spo2_at"];
  const on = words === undefined ? "" : t.alert.on(inSentence(words));
  const told = [
    typeof flow === "number" ? `${writtenNumber(flow, language)} L/min` : "",
    typeof at === "string" ? whenWords(new Date(at), new Date(), t, language) : "",
  ].filter(Boolean);
  return on + told.map((one) => `, ${one}`).join("");
}

/** "às 03:10" today, "ontem, 22:10" before. */
function whenWords(at: Date, now: Date, t: Texts, language: Language): string {
  const written = writtenTime(at, now, language);
  return at.toDateString() === now.toDateString() ? t.alert.at(written) : written;
}

/** A whole number at or under 91 is below 92: the limit is the first value that is well. */
function boundWords(value: number, field: Field, bounds: AlertRange, unit: string, t: Texts, language: Language): string {
  const step = field.type === "integer" ? 1 : 0;
  const { at_most: atMost, at_least: atLeast } = bounds;
  if (atMost !== undefined && value <= atMost) return t.alert.below(writtenNumber(atMost + step, language) + unit);
  return t.alert.above(writtenNumber((atLeast ?? value) - step, language) + unit);
}

/** "Cateter nasal" within a sentence; "VNI" stays. */
function inSentence(words: string): string {
  const second = words.charAt(1);
  return second === second.toLowerCase() ? words.charAt(0).toLowerCase() + words.slice(1) : words;
}
