/** What is wrong with an answer, in the words of the screen. */

import type { FormCode } from "../../protocol/form.ts";
import type { Field } from "../../protocol/protocol.ts";
import { isRghShaped } from "../../protocol/rgh.ts";
import type { RghRule } from "../../protocol/rgh.ts";
import type { Language, Texts } from "../../texts/index.ts";
import { writtenNumber } from "../../texts/index.ts";

/** Return the sentence for an error of a field. */
export function errorWords(t: Texts, label: string, field: Field, code: FormCode, language: Language): string {
  const { minimum, maximum } = field.hardRange;
  switch (code) {
    case "required":
    case "empty":
      return t.errors.required(label);
    case "range":
      return minimum === undefined || maximum === undefined
        ? t.errors.other(label)
        : t.errors.range(label, writtenNumber(minimum, language), writtenNumber(maximum, language));
    case "future":
      return t.errors.future;
    case "date-order":
      return t.errors["date-order"];
    case "cid":
      return t.errors.cid;
    default:
      return t.errors.other(label);
  }
}

/** Return why a number does not fit the hospital's rule: another shape, or a letter that is not its own. */
export function rghWords(t: Texts, rgh: string, rule: RghRule | null): string {
  return rule === null || isRghShaped(rgh, rule) ? t.visit.rghLetter : t.visit.rghShape(rule.length - 1);
}

/** Return a label without the unit or hint in brackets at its end. */
export function withoutUnit(label: string): string {
  return label.replace(/ \([^()]*\)$/, "");
}
