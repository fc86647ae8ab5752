/** When a take ends by itself, and what makes it invalid: rules over what arrives, no browser in them. */

import type { RecordingTask } from "../protocol/protocol.ts";
import type { Piece } from "./capture.worklet.ts";
import { dbfs } from "./levels.ts";

/** Why a take ended in order (API.md, `stop_reason`). */
export type StopReason = "professional" | "patient" | "silence" | "max_duration" | "interruption";

/** Why a take is invalid: it is to be taken again. */
export type Fault = "dead-microphone" | "muted" | "unplugged" | "hidden" | "suspended" | "stalled";

/** What a piece leads to: nothing yet, the end, or a fault. */
export type Heard =
  | { readonly kind: "goes-on" }
  | { readonly kind: "ends"; readonly reason: StopReason }
  | { readonly kind: "fails"; readonly fault: Fault };

const DEAD_AFTER_S = 0.3;
const ACTIVE_UNDER_LOUDEST_DB = 25;
const ACTIVE_FLOOR_DB = -50;
const CLOCK_SHARE = 0.01;
const CLOCK_SLACK_S = 0.5;
const GOES_ON: Heard = { kind: "goes-on" };

/** Follows one take. */
export class TakeRules {
  readonly #task: RecordingTask;
  readonly #rateHz: number;
  #nextFrame = 0;
  #nSamples = 0;
  #nGaps = 0;
  #zeroS = 0;
  #loudestDb = Number.NEGATIVE_INFINITY;
  #voiceEndedS: number | null = null;

  constructor(task: RecordingTask, rateHz: number) {
    this.#task = task;
    this.#rateHz = rateHz;
  }

  /** How often samples were missing between two pieces. */
  get nGaps(): number {
    return this.#nGaps;
  }

  /** Seconds of sound so far. */
  get seconds(): number {
    return this.#nSamples / this.#rateHz;
  }

  /** Take one piece into account. */
  hear(piece: Piece): Heard {
    this.#follow(piece);
    this.#zeroS = piece.peak === 0 ? this.#zeroS + piece.samples.length / this.#rateHz : 0;
    if (this.#zeroS >= DEAD_AFTER_S - 1e-9) return { kind: "fails", fault: "dead-microphone" };
    this.#listen(piece);
    const longest = Math.min(this.#task.maxS, this.#task.stopAfterS ?? this.#task.maxS);
    if (this.seconds >= longest) return { kind: "ends", reason: "max_duration" };
    const silenceS = this.#task.stopAfterSilenceS;
    if (silenceS !== null && this.#voiceEndedS !== null && this.seconds - this.#voiceEndedS >= silenceS) {
      return { kind: "ends", reason: "silence" };
    }
    return GOES_ON;
  }

  /** Return whether so much sound is missing after so many seconds of the wall clock that it shows. */
  hasStalled(wallS: number): boolean {
    return wallS - this.seconds > CLOCK_SLACK_S + CLOCK_SHARE * wallS;
  }

  #follow(piece: Piece): void {
    if (this.#nSamples > 0 && piece.frame !== this.#nextFrame) this.#nGaps += 1;
    this.#nextFrame = piece.frame + piece.samples.length;
    this.#nSamples += piece.samples.length;
  }

  /** Remember when a voice was heard last, as the measures of PROTOCOL.md tell a voice from a room. */
  #listen(piece: Piece): void {
    const db = dbfs(piece.rms);
    this.#loudestDb = Math.max(this.#loudestDb, db);
    if (db > Math.max(this.#loudestDb - ACTIVE_UNDER_LOUDEST_DB, ACTIVE_FLOOR_DB)) {
      this.#voiceEndedS = this.seconds;
    }
  }
}
