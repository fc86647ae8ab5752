/** How good a recording is: the measures and verdicts of PROTOCOL.md, the same as the box's. */

import type { Limit, RecordingTask } from "../protocol/protocol.ts";
import type { Pcm } from "./wav.ts";
import { FULL_SCALE } from "./wav.ts";

export const FRAMES_A_SECOND = 100;
export const FRAME_S = 0.025;

const CLIPPED_AT = 0.99;
const CLIPPED_RUN = 3;
const DEAD_BELOW_DB = -75;
const ACTIVE_UNDER_P95_DB = 25;
const ACTIVE_FLOOR_DB = -50;
const MIN_NOISE_FRAMES = 10;
const POWER_FLOOR = 1e-12;
const FRAME_MS = 25;

/** What was measured of one recording; null where nothing could be. */
export interface Measures {
  readonly sample_rate_hz: number;
  readonly duration_s: number;
  readonly peak: number;
  readonly clipped_frac: number;
  readonly dead_frac: number;
  readonly active_s: number;
  readonly level_db: number | null;
  readonly noise_db: number | null;
  readonly snr_db: number | null;
  readonly steady_frac: number | null;
}

export type VerdictWord = "ok" | "warn" | "fail";

/** Why a recording is not as it should be. */
export type Reason =
  | "clipped"
  | "gated"
  | "quiet"
  | "noisy"
  | "processed"
  | "short"
  | "broken"
  | "silent";

/** The verdict on one recording; reasons that fail come first. */
export interface Verdict {
  readonly verdict: VerdictWord;
  readonly reasons: readonly Reason[];
}

/** The role in which nobody speaks: its noise is the noise of all others. */
export const ROOM_NOISE_ROLE = "ruido";

const BELOW: Readonly<Record<string, Reason>> = {
  level_db: "quiet",
  snr_db: "noisy",
  active_s: "short",
  steady_frac: "broken",
};
const ABOVE: Readonly<Record<string, Reason>> = {
  clipped_frac: "clipped",
  dead_frac: "gated",
  snr_db: "processed",
};
const OF_SOUND: ReadonlySet<string> = new Set(["level_db", "active_s"]);

/** The frames of a recording: frame k begins at k/100 s and lasts 25 ms. */
export interface Frames {
  /** The mean square of each, full scale 1. */
  readonly power: Float64Array;
  readonly db: Float64Array;
  /** 1 where a frame holds a voice. */
  readonly active: Uint8Array;
}

/** Return the whole frames of a recording. */
export function framesOf({ samples, sampleRateHz }: Pcm): Frames {
  const power = framePower(samples, sampleRateHz);
  const db = power.map(decibel);
  return { power, db, active: activeFrames(db) };
}

/** Return the measures of a recording. */
export function measure(pcm: Pcm, { power, db, active } = framesOf(pcm)): Measures {
  const { samples, sampleRateHz } = pcm;
  const nActive = active.reduce((sum, is) => sum + is, 0);
  const levelDb = nActive === 0 ? null : decibel(meanWhere(power, active));
  const noiseDb = medianNoise(db, active);
  const peak = peakOf(samples);
  const nDead = db.reduce((sum, one) => sum + (one < DEAD_BELOW_DB ? 1 : 0), 0);
  return {
    sample_rate_hz: sampleRateHz,
    duration_s: samples.length / sampleRateHz,
    peak,
    clipped_frac: peak >= CLIPPED_AT ? clippedFrac(samples) : 0,
    dead_frac: db.length === 0 ? 0 : nDead / db.length,
    active_s: nActive / FRAMES_A_SECOND,
    level_db: levelDb,
    noise_db: noiseDb,
    snr_db: levelDb === null || noiseDb === null ? null : levelDb - noiseDb,
    steady_frac: nActive === 0 ? null : steadyFrac(active, nActive),
  };
}

/** Return the noise of the room, from the recording in which nobody speaks. */
export function roomNoiseDb(ruido: Measures): number | null {
  return ruido.noise_db ?? ruido.level_db;
}

/** Return the verdict of the task's limits; `roomDb` is the room's noise where it was recorded. */
export function judge(measures: Measures, task: RecordingTask, roomDb: number | null): Verdict {
  const values = judgedValues(measures, roomDb);
  let fails = task.limits.map((limit) => failing(limit, values[limit.measure] ?? null));
  let warns = task.limits.map((limit) => warning(limit, values[limit.measure] ?? null));
  const needsSound = task.limits.some((limit) => OF_SOUND.has(limit.measure));
  if (needsSound && measures.level_db === null) {
    fails = [measures.duration_s < FRAME_S ? "short" : "silent"];
    warns = [];
  }
  const failed = fails.filter((reason) => reason !== null);
  const reasons = [...new Set([...failed, ...warns.filter((reason) => reason !== null)])];
  if (failed.length > 0 && task.decides) return { verdict: "fail", reasons };
  return { verdict: reasons.length > 0 ? "warn" : "ok", reasons };
}

/** Return the mean square of each whole frame, full scale 1. */
function framePower(samples: Int16Array, rateHz: number): Float64Array {
  const length = Math.floor((rateHz * FRAME_MS) / 1000);
  let nFrames = 0;
  if (samples.length >= length) {
    nFrames = Math.floor(((samples.length - length + 1) * FRAMES_A_SECOND - 1) / rateHz) + 1;
  }
  return Float64Array.from({ length: nFrames }, (_, k) => {
    const start = Math.floor((k * rateHz) / FRAMES_A_SECOND);
    let sum = 0; // of squares of whole numbers: exact
    for (let n = start; n < start + length; n++) {
      const sample = samples[n] ?? 0;
      sum += sample * sample;
    }
    return sum / (FULL_SCALE * FULL_SCALE) / length;
  });
}

function decibel(power: number): number {
  return 10 * Math.log10(power + POWER_FLOOR);
}

function activeFrames(frameDb: Float64Array): Uint8Array {
  if (frameDb.length === 0) return new Uint8Array(0);
  const threshold = Math.max(percentile(frameDb, 0.95) - ACTIVE_UNDER_P95_DB, ACTIVE_FLOOR_DB);
  return Uint8Array.from(frameDb, (db) => (db > threshold ? 1 : 0));
}

/** Return a percentile between the two nearest ranks, by the share of its distance to each. */
function percentile(values: Float64Array, share: number): number {
  const ranked = Float64Array.from(values).sort();
  const place = share * (ranked.length - 1);
  const low = ranked[Math.floor(place)] ?? 0;
  const high = ranked[Math.ceil(place)] ?? 0;
  return low + (high - low) * (place - Math.floor(place));
}

function medianNoise(frameDb: Float64Array, active: Uint8Array): number | null {
  const rest = frameDb.filter((db, k) => active[k] === 0 && db >= DEAD_BELOW_DB);
  return rest.length < MIN_NOISE_FRAMES ? null : percentile(rest, 0.5);
}

function meanWhere(values: Float64Array, chosen: Uint8Array): number {
  let sum = 0;
  let n = 0;
  for (let k = 0; k < values.length; k++) {
    if (chosen[k] === 1) {
      sum += values[k] ?? 0;
      n += 1;
    }
  }
  return sum / n;
}

function steadyFrac(active: Uint8Array, nActive: number): number {
  return nActive / (active.lastIndexOf(1) - active.indexOf(1) + 1);
}

function peakOf(samples: Int16Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak / FULL_SCALE;
}

function clippedFrac(samples: Int16Array): number {
  let clipped = 0;
  let run = 0;
  const end = (): void => {
    if (run >= CLIPPED_RUN) clipped += run;
    run = 0;
  };
  for (const sample of samples) {
    if (Math.abs(sample) / FULL_SCALE >= CLIPPED_AT) run += 1;
    else end();
  }
  end();
  return clipped / samples.length;
}

function judgedValues(measures: Measures, roomDb: number | null): Record<string, number | null> {
  const over = roomDb === null || measures.level_db === null ? measures.snr_db : measures.level_db - roomDb;
  return {
    clipped_frac: measures.clipped_frac,
    dead_frac: measures.dead_frac,
    level_db: measures.level_db,
    snr_db: over,
    active_s: measures.active_s,
    steady_frac: measures.steady_frac,
  };
}

function failing(limit: Limit, value: number | null): Reason | null {
  if (value !== null && limit.fail_from !== undefined && value >= limit.fail_from) {
    return ABOVE[limit.measure] ?? null;
  }
  return outOfBounds(limit.measure, value, limit.fail_below, limit.fail_above);
}

function warning(limit: Limit, value: number | null): Reason | null {
  return outOfBounds(limit.measure, value, limit.warn_below, limit.warn_above);
}

function outOfBounds(name: string, value: number | null, below?: number, above?: number): Reason | null {
  if (value === null) return null;
  if (below !== undefined && value < below) return BELOW[name] ?? null;
  if (above !== undefined && value > above) return ABOVE[name] ?? null;
  return null;
}
