/** The JSON of an inference, as the box judges it (API.md §2). */

import type { ConsentDocument, InferenceDocument, RecordingDocument } from "../api/types.ts";
import { localInstant } from "../protocol/answers.ts";
import type { FormContext } from "../protocol/form.ts";
import { CAPTURED_AT, completeForm } from "../protocol/form.ts";
import type { Protocol } from "../protocol/protocol.ts";
import { ROOM_NOISE_ROLE } from "../audio/quality.ts";
import type { Consent, KeptTake, Visit } from "./visit.ts";

/** What is not of the patient. */
export interface Frame {
  readonly purpose: "inference" | "collection";
  readonly modelId: string | null;
  /** How far this tablet's clock is ahead of the box's. */
  readonly clockOffsetS: number | null;
  readonly version: string;
  /** As which the box knows this tablet. */
  readonly tabletId: string | null;
}

/**
 * Return the document of a visit that may be sent.
 *
 * @throws RangeError where nobody agreed to it.
 */
export function inferenceDocument(visit: Visit, protocol: Protocol, frame: Frame): InferenceDocument {
  const { consent } = visit;
  if (consent === null) throw new RangeError("nothing is sent without consent");
  if (new Set(visit.takes.map(({ id }) => id)).size < visit.takes.length) throw new RangeError("a take stands twice");
  return {
    purpose: frame.purpose,
    protocol: { id: protocol.id, sha256: protocol.sha256 },
    model_id: frame.purpose === "collection" ? null : frame.modelId,
    form: completeForm(protocol, visit.form),
    rgh_override: visit.rghOverride,
    identity_check: visit.identityCheck,
    consent: consentDocument(consent),
    recordings: visit.takes.map((take) => recordingDocument(take, consent)),
    not_done: visit.notDone,
    stopped_early: visit.stoppedEarly,
    captured_at: capturedAt(visit, protocol),
    clock_offset_s: frame.clockOffsetS,
    tablet_id: frame.tabletId,
    app_version: frame.version,
  };
}

/** Return when the patient was as told here: at the last take, or the last sign measured after it. */
export function capturedAt(visit: Visit, protocol: Protocol): string {
  const measured = protocol.fields
    .filter(({ format, notAfter }) => format === "date-time" && notAfter === CAPTURED_AT)
    .map(({ name }) => visit.form[name]);
  const told = [visit.startedAt, ...visit.takes.map(({ startedAt }) => startedAt), ...measured];
  const instants = told.map((instant) => Date.parse(String(instant))).filter((ms) => !Number.isNaN(ms));
  return localInstant(new Date(Math.max(...instants)));
}

/**
 * Return what the answers are held against: the box knows the visit's own day alone, even after midnight.
 * A sign may be measured until now, since it moves the instant of the visit.
 */
export function formContext(visit: Visit, protocol: Protocol, hospitals: readonly string[], now: Date): FormContext {
  return { capturedAt: capturedAt(visit, protocol), now: localInstant(now), hospitals };
}

function consentDocument(consent: Consent): ConsentDocument {
  return {
    decision: "accepted",
    given_by: consent.givenBy,
    relationship: consent.relationship,
    form_signed: "paper",
    witness_present: consent.witnessPresent,
    text_sha256: consent.textSha256,
    language: consent.language,
    purposes: consent.purposes,
    taken_at: consent.takenAt,
  };
}

function recordingDocument(take: KeptTake, consent: Consent): RecordingDocument {
  const speaks = take.role === "aceite" ? consent.givenBy : "patient";
  return {
    id: take.id,
    role: take.role,
    take: take.take,
    chosen: take.chosen,
    speaker: take.role === ROOM_NOISE_ROLE ? "nobody" : speaks,
    started_at: take.startedAt,
    stop_reason: take.stopReason,
    prompt_sha256: take.promptSha256,
    gaps: take.gaps,
    capture: take.capture,
  };
}
