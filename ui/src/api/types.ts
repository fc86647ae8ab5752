/** What travels between app and box (API.md): shapes, no behaviour. */

import type { Capture } from "../audio/recorder.ts";
import type { Answer } from "../protocol/protocol.ts";
import type { RghRule } from "../protocol/rgh.ts";

/** The box, to anybody who asks. */
export interface Box {
  readonly box_name: string;
  readonly version: string;
  readonly mode: "inference" | "collection";
  readonly show_probabilities: boolean;
  readonly demonstration: boolean;
  readonly min_app_version: string;
  readonly time: string;
}

/** A sign-in of the app; its cookies are out of reach. */
export interface SignIn {
  readonly id: string;
  readonly username: string;
  readonly role: "nurse" | "researcher" | "admin";
  readonly hospitals: readonly string[];
  readonly author_pass: string;
  readonly author_pass_expires_at: string;
  readonly session_expires_at: string;
}

/** A hospital of the box's list. */
export interface Hospital {
  readonly id: string;
  readonly name: string;
  readonly rgh_rule: RghRule | null;
}

/** A model of the box's list; the first one is the default. */
export interface Model {
  readonly id: string;
  readonly name: string;
  readonly ready: boolean;
  readonly version: string | null;
  readonly demonstration: boolean;
}

/** The public key that items are sealed to. */
export interface OutboxKey {
  readonly key_id: string;
  readonly public_key: string;
  readonly fingerprint: string;
  readonly algorithm: string;
}

/** That an item is on the box's disk; `sha256` is of what was sealed. */
export interface Receipt {
  readonly id: string;
  readonly sha256: string;
  readonly seq: number;
  readonly epoch: string;
}

/** How far the box got. */
export interface Heartbeat {
  readonly epoch: string;
  readonly last_seq: number;
  readonly backed_up_through_seq: number | null;
  readonly time: string;
  readonly min_app_version: string;
  /** As whom the box knows this tablet; null where it is not enrolled. */
  readonly tablet: EnrolledTablet | null;
}

/** A tablet that brings its work home while nobody is signed in. */
export interface EnrolledTablet {
  readonly id: string;
  readonly name: string;
}

export type Status = "processing" | "completed" | "error";
export type Diagnosis = "positive" | "negative" | "inconclusive";

/** An inference on the wire: the form's fields beside these. */
export interface Inference {
  readonly id: string;
  readonly status: Status;
  readonly user_id: string;
  readonly captured_at: string;
  readonly received_at: string;
  readonly model_name: string | null;
  readonly purpose: "inference" | "collection";
  readonly rgh: string | null;
  readonly local: string | null;
  readonly gender: string | null;
  readonly age: number | null;
  readonly spo2: number | null;
  readonly spo2_at: string | null;
  readonly o2_support: string | null;
  readonly o2_flow_lpm: number | null;
  readonly fio2_pct: number | null;
  readonly bpm: number | null;
  readonly respiratory_frequency: number | null;
  readonly consent: string;
  /** Of one's own inferences only. */
  readonly recordings?: readonly RecordingState[];
  readonly diagnosis: Diagnosis | null;
  readonly reason: string | null;
  readonly first_shown_at: string | null;
  readonly disagreed_at: string | null;
  readonly result?: Result | null;
}

/** A recording of an inference, and why it is not a good one. */
export interface RecordingState {
  readonly id: string;
  readonly role: string;
  readonly chosen: boolean;
  readonly verdict_reasons: readonly string[];
}

/** What a model said. */
export interface Result {
  readonly diagnosis: Diagnosis | "not available" | null;
  readonly reason: string | null;
  readonly reason_subject: string | null;
  readonly probability: number | null;
  readonly model_name: string;
  readonly model_version: string | null;
  readonly demonstration: boolean;
  readonly error_code: string | null;
  readonly computed_at: string | null;
}

/** One page of a list. */
export interface Page {
  readonly inferences: readonly Inference[];
  readonly next: string | null;
}

/** A decision about taking part. */
export interface ConsentDocument {
  readonly decision: "accepted" | "refused";
  readonly given_by: "patient" | "legal_representative" | null;
  readonly relationship: string | null;
  readonly form_signed: "paper" | null;
  readonly witness_present: boolean | null;
  readonly text_sha256: string;
  readonly language: string;
  readonly purposes: Readonly<Record<string, boolean>>;
  readonly taken_at: string;
}

/** A recording in its place in an inference. */
export interface RecordingDocument {
  readonly id: string;
  readonly role: string;
  readonly take: number;
  readonly chosen: boolean;
  readonly speaker: "patient" | "legal_representative" | "nobody";
  readonly started_at: string;
  readonly stop_reason: string;
  readonly prompt_sha256: string;
  readonly gaps: number;
  readonly capture: Capture;
}

/** The JSON of an inference (PUT inferences). */
export interface InferenceDocument {
  readonly purpose: "inference" | "collection";
  readonly protocol: { readonly id: string; readonly sha256: string };
  readonly model_id: string | null;
  readonly form: Readonly<Record<string, Answer | null>>;
  readonly rgh_override: string | null;
  readonly identity_check: "wristband" | "verbal" | "not_possible" | null;
  readonly consent: ConsentDocument;
  readonly recordings: readonly RecordingDocument[];
  readonly not_done: Readonly<Record<string, string>>;
  readonly stopped_early: boolean;
  readonly captured_at: string;
  readonly clock_offset_s: number | null;
  readonly tablet_id: string | null;
  readonly app_version: string;
}
