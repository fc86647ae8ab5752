/** What a person sees of a sound: the level meter while it is taken, the waveform afterwards. */

import type { Frames } from "./quality.ts";
import { FRAMES_A_SECOND } from "./quality.ts";
import type { Pcm } from "./wav.ts";
import { FULL_SCALE } from "./wav.ts";

export const METER_FLOOR_DB = -60;
export const QUIET_BELOW_DB = -35;
export const LOUD_ABOVE_DB = -6;

const FALL_DB_A_SECOND = 12;

/** The three zones of the meter. */
export type Zone = "quiet" | "good" | "loud";

/** What the meter shows now: shares of its width. */
export interface Meter {
  readonly level: number;
  readonly peak: number;
  readonly zone: Zone;
}

/** Return an amplitude (0 to 1) in decibels of full scale. */
export function dbfs(amplitude: number): number {
  return amplitude <= 0 ? Number.NEGATIVE_INFINITY : 20 * Math.log10(amplitude);
}

/** Return a level as a share of the meter's width. */
export function meterShare(db: number): number {
  return Math.min(1, Math.max(0, 1 - db / METER_FLOOR_DB));
}

/** Return the zone: the peak says too loud, the mean says too quiet. */
export function zoneOf(rms: number, peak: number): Zone {
  if (dbfs(peak) > LOUD_ABOVE_DB) return "loud";
  return dbfs(rms) < QUIET_BELOW_DB ? "quiet" : "good";
}

/** Return a meter that follows what it is told; its peak falls slowly. */
export function levelMeter(): (rms: number, peak: number, atS: number) => Meter {
  let heldDb = Number.NEGATIVE_INFINITY;
  let heldAtS = 0;
  return (rms, peak, atS) => {
    const fallenDb = heldDb - FALL_DB_A_SECOND * Math.max(0, atS - heldAtS);
    heldDb = Math.max(fallenDb, dbfs(peak));
    heldAtS = atS;
    return { level: meterShare(dbfs(rms)), peak: meterShare(heldDb), zone: zoneOf(rms, peak) };
  };
}

/** One column of a waveform: its largest amplitude (0 to 1), and whether a voice is in it. */
export interface Column {
  readonly peak: number;
  readonly voiced: boolean;
}

/** Return a recording as so many columns. */
export function waveformColumns(pcm: Pcm, { active }: Frames, nColumns: number): Column[] {
  const length = pcm.samples.length;
  return Array.from({ length: Math.min(nColumns, length) }, (_, n) => {
    const from = Math.floor((n * length) / nColumns);
    const to = Math.max(from + 1, Math.floor(((n + 1) * length) / nColumns));
    let peak = 0;
    for (let at = from; at < to; at++) peak = Math.max(peak, Math.abs(pcm.samples[at] ?? 0));
    const frame = (at: number): number => Math.floor((at * FRAMES_A_SECOND) / pcm.sampleRateHz);
    return { peak: peak / FULL_SCALE, voiced: active.subarray(frame(from), frame(to) + 1).includes(1) };
  });
}
