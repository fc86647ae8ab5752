/** One take after the other: from the tap on "record" to a take that is sealed and kept. */

import type { Column, Meter } from "../audio/levels.ts";
import { levelMeter, waveformColumns } from "../audio/levels.ts";
import type { Reason, Verdict } from "../audio/quality.ts";
import { framesOf, judge, measure, ROOM_NOISE_ROLE, roomNoiseDb } from "../audio/quality.ts";
import type { Ending, MicrophoneCode, Take } from "../audio/recorder.ts";
import { isProcessed, MicrophoneUnavailable, startTake } from "../audio/recorder.ts";
import type { Fault, StopReason } from "../audio/take-rules.ts";
import { thisBrowser } from "../audio/browser.ts";
import { keepAwake } from "../audio/wake-lock.ts";
import type { Pcm } from "../audio/wav.ts";
import { joined, writeWav } from "../audio/wav.ts";
import type { KeptChunk, TakeUnderWay } from "../drafts/drafts.ts";
import type { RecordingTask } from "../protocol/protocol.ts";

/** What the screen of a recording shows. */
export type Phase =
  | { readonly kind: "idle" }
  | { readonly kind: "preparing" }
  | { readonly kind: "recording" }
  | { readonly kind: "failed"; readonly fault: Fault }
  | { readonly kind: "no-microphone"; readonly code: MicrophoneCode }
  | { readonly kind: "taken"; readonly taken: Taken };

/** A take that ended in order, in the clear until it is kept or taken again. */
export interface Taken {
  readonly id: string;
  readonly pcm: Pcm;
  readonly wav: Uint8Array<ArrayBuffer>;
  readonly startedAt: Date;
  readonly stopReason: StopReason;
  readonly nGaps: number;
  readonly capture: Take["capture"];
  readonly verdict: Verdict["verdict"];
  readonly reasons: readonly (Reason | "gap" | "processed")[];
  readonly roomDb: number | null;
  readonly columns: readonly Column[];
  readonly voicedPct: number;
}

/** Keeps a second of the take under way. */
export type KeepSamples = (take: TakeUnderWay, samples: Int16Array<ArrayBuffer>[]) => Promise<void>;

const N_COLUMNS = 160;
/** Less of a take that a crash cut off is not worth a look. */
const LEAST_CUT_S = 1;
const STILL: Meter = { level: 0, peak: 0, zone: "quiet" };

/** Takes recordings of one task. */
export class Taking {
  phase = $state.raw<Phase>({ kind: "idle" });
  meter = $state.raw<Meter>(STILL);
  seconds = $state(0);
  /** The tablet has no room for the samples of this take: a crash would lose it. */
  isUnkept = $state(false);

  readonly #task: RecordingTask;
  readonly #roomDb: number | null;
  readonly #keepSamples: KeepSamples;
  #take: Take | null = null;
  #pieces: Int16Array<ArrayBuffer>[] = [];
  #writing: Promise<void> = Promise.resolve();
  #id = "";
  #sleep: () => void = () => undefined;
  #isDisposed = false;

  constructor(
    task: RecordingTask,
    roomDb: number | null,
    keepSamples: KeepSamples,
  ) {
    this.#task = task;
    this.#roomDb = roomDb;
    this.#keepSamples = keepSamples;
  }

  /** Begin; within the tap that asks for it. */
  async start(): Promise<void> {
    this.phase = { kind: "preparing" };
    this.meter = STILL;
    this.seconds = 0;
    this.isUnkept = false;
    this.#pieces = [];
    this.#id = crypto.randomUUID();
    const follow = levelMeter();
    try {
      this.#take = await startTake(
        this.#task,
        {
          onLevel: (rms, peak, seconds) => {
            this.meter = follow(rms, peak, seconds);
            this.seconds = seconds;
          },
          onSamples: (samples) => {
            this.#pieces.push(...samples);
            const underWay = this.#underWay();
            if (underWay !== null) this.#writing = this.#kept(underWay, samples);
          },
          onEnd: (ending) => void this.#end(ending),
        },
        thisBrowser(),
      );
    } catch (error) {
      if (!(error instanceof MicrophoneUnavailable)) throw error;
      this.phase = { kind: "no-microphone", code: error.code };
      return;
    }
    // The screen was left while the microphone was being opened.
    if (this.#isDisposed) return this.#take.stop("professional");
    this.#sleep = keepAwake({ wakeLock: navigator.wakeLock as WakeLock | undefined, document });
    this.phase = { kind: "recording" };
  }

  /** Show what there is of a take that a crash cut off. */
  recover({ take, samples }: KeptChunk): void {
    if (samples.length < LEAST_CUT_S * take.sampleRateHz) return;
    const ended = { ...take, stopReason: "interruption" as const, nGaps: take.nGaps ?? 0 };
    this.phase = { kind: "taken", taken: this.#judged({ samples, sampleRateHz: take.sampleRateHz }, ended) };
  }

  /** End the take in order. */
  stop(): void {
    this.#take?.stop("professional");
  }

  /** The screen is left: whatever records, or is about to, ends. */
  dispose(): void {
    this.#isDisposed = true;
    this.stop();
  }

  /** Forget the take in hand. */
  reset(): void {
    this.#pieces = [];
    this.phase = { kind: "idle" };
  }

  /** Keep a second, after those before it; the take goes on in memory where that fails. */
  async #kept(underWay: TakeUnderWay, samples: Int16Array<ArrayBuffer>[]): Promise<void> {
    await this.#writing;
    try {
      await this.#keepSamples(underWay, samples);
    } catch {
      this.isUnkept = true;
    }
  }

  async #end(ending: Ending): Promise<void> {
    const take = this.#take;
    this.#take = null;
    this.#sleep();
    await this.#writing;
    if (take === null || ending.kind === "failed") {
      this.phase = { kind: "failed", fault: ending.kind === "failed" ? ending.fault : "stalled" };
      return;
    }
    const pcm: Pcm = { samples: joined(this.#pieces), sampleRateHz: take.sampleRateHz };
    this.#pieces = [];
    const { startedAt, capture, nGaps } = take;
    const ended = { id: this.#id, startedAt, capture, nGaps, stopReason: ending.reason };
    this.phase = { kind: "taken", taken: this.#judged(pcm, ended) };
  }

  #underWay(): TakeUnderWay | null {
    if (this.#take === null) return null;
    const { sampleRateHz, startedAt, capture, nGaps } = this.#take;
    return { id: this.#id, role: this.#task.role, sampleRateHz, startedAt, capture, nGaps };
  }

  #judged(pcm: Pcm, ended: Pick<Taken, "id" | "startedAt" | "capture" | "nGaps" | "stopReason">): Taken {
    const frames = framesOf(pcm);
    const measures = measure(pcm, frames);
    const isRoom = this.#task.role === ROOM_NOISE_ROLE;
    const judged = judge(measures, this.#task, isRoom ? null : this.#roomDb);
    const processed = isProcessed(ended.capture) ? (["processed"] as const) : [];
    const gaps = ended.nGaps > 0 ? (["gap"] as const) : [];
    const isCut = ended.stopReason === "interruption";
    const reasons = [...new Set([...gaps, ...judged.reasons, ...processed])];
    const columns = waveformColumns(pcm, frames, N_COLUMNS);
    const nVoiced = columns.filter(({ voiced }) => voiced).length;
    return {
      id: ended.id,
      pcm,
      wav: writeWav(pcm),
      startedAt: ended.startedAt,
      stopReason: ended.stopReason,
      nGaps: ended.nGaps,
      capture: ended.capture,
      // What was cut off is never simply good.
      verdict: judged.verdict === "ok" && (reasons.length > 0 || isCut) ? "warn" : judged.verdict,
      reasons,
      roomDb: isRoom ? roomNoiseDb(measures) : null,
      columns,
      voicedPct: Math.round((100 * nVoiced) / Math.max(1, columns.length)),
    };
  }
}
