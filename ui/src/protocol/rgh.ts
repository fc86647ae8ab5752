/** The check letter of a patient number (RGH): a rule each hospital brings as data. */

/** The rule of a hospital, as its list has it. */
export interface RghRule {
  readonly pattern: string;
  readonly length: number;
  readonly weights: readonly number[];
  readonly modulus: number;
  readonly letter_base: number;
}

/** What the rule says of an RGH; `none` where the hospital has no rule. */
export type RghCheck = "ok" | "failed" | "none";

/** Return whether the letter fits; never a reason to refuse (PROTOCOL.md). */
export function checkRgh(rgh: string, rule: RghRule | null): RghCheck {
  if (rule === null) return "none";
  if (!isRghShaped(rgh, rule)) return "failed";
  const digits = Array.from(rgh.slice(0, -1));
  if (digits.some((digit) => digit < "0" || digit > "9")) return "failed";
  const total = rule.weights.reduce((sum, weight, n) => sum + weight * Number(digits[n]), 0);
  const letter = String.fromCharCode(rule.letter_base + rule.modulus - (total % rule.modulus));
  return rgh.endsWith(letter) ? "ok" : "failed";
}

/** Return whether an RGH is written as the rule wants it, whatever its letter. */
export function isRghShaped(rgh: string, rule: RghRule | null): boolean {
  if (rule === null) return rgh !== "";
  return rgh.length === rule.length && new RegExp(`^(?:${rule.pattern})$`).test(rgh);
}

/** Return an RGH in full as it is read aloud: groups of four, the letter apart (`1425 9401-E`). */
export function spokenRgh(rgh: string): string {
  const match = /^([0-9]+)([A-Za-z])$/.exec(rgh);
  if (match === null) return rgh;
  const [, digits = "", letter = ""] = match;
  return `${digits.replace(/(.{4})(?=.)/g, "$1 ")}-${letter}`;
}

/** Return an RGH of which a stranger reads only the end (`••••401-E`). */
export function maskedRgh(rgh: string): string {
  const shown = Math.min(4, Math.floor(rgh.length / 2));
  const end = rgh.slice(rgh.length - shown);
  return `${"•".repeat(rgh.length - shown)}${end}`;
}
