/** One patient at one moment: what is known, from the form to "sent", and no browser in it. */

import type { Capture } from "../audio/recorder.ts";
import type { Reason, VerdictWord } from "../audio/quality.ts";
import type { Fault, StopReason } from "../audio/take-rules.ts";
import type { Answers, Protocol } from "../protocol/protocol.ts";

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

/** Return whether consent and recordings were given under another RGH, and nobody said whose this one is. */
export function hasOtherRgh({ before, form }: Visit): boolean {
  return before != null && (before.form["rgh"] ?? null) !== (form["rgh"] ?? null);
}

/** Return the patient before the first doubt, where there is a consent or a recording of them. */
export function doubted({ before, consent, takes, form, confirmed, rghOverride, identityCheck }: Visit): Pick<Visit, "before"> {
  if (consent === null && takes.length === 0) return {};
  return { before: before ?? { form, confirmed, rghOverride, identityCheck } };
}
