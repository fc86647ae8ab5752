import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

import vectors from "../../../tests/vectors/spira-2022.1.json" with { type: "json" };
import type { Protocol } from "../protocol/protocol.ts";
import { readProtocol, taskOf } from "../protocol/protocol.ts";
import type { Column } from "./levels.ts";
import { levelMeter, meterShare, waveformColumns, zoneOf } from "./levels.ts";
import type { Measures } from "./quality.ts";
import { framesOf, judge, measure } from "./quality.ts";
import { joined, writeWav } from "./wav.ts";
import type { Pcm } from "./wav.ts";

const ROOT = new URL("../../../", import.meta.url);
const AUDIO = new URL("../shared/audio/", ROOT);
let protocol: Protocol;

beforeAll(async () => {
  const document = new URL("appliance/protocols/spira-2022.1.json", ROOT);
  protocol = await readProtocol(new Uint8Array(readFileSync(document)));
});

interface Segment {
  kind: string;
  seconds: number;
  amplitude?: number;
  seed?: number;
  frequency_hz?: number;
}

/** Make a sound as tests/core/synthesis.py does. */
function pcm(segments: readonly Segment[], sampleRateHz: number): Int16Array {
  const samples = segments.flatMap((segment) => {
    let state = segment.seed ?? 0;
    const step = (2 * Math.PI * (segment.frequency_hz ?? 0)) / sampleRateHz;
    return Array.from({ length: Math.floor(segment.seconds * sampleRateHz + 0.5) }, (_, n) => {
      if (segment.kind !== "noise") return (segment.amplitude ?? 0) * Math.sin(step * n);
      state = Number((1_664_525n * BigInt(state) + 1_013_904_223n) % 2n ** 32n);
      return (segment.amplitude ?? 0) * (state / 2 ** 31 - 1);
    });
  });
  return Int16Array.from(samples, (x) => Math.floor(Math.min(1, Math.max(-1, x)) * 32_767 + 0.5));
}

describe("sounds are measured and judged as on the box", () => {
  test.each(vectors.sounds.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    const measures = measure({
      samples: pcm(v.segments as Segment[], v.sample_rate_hz),
      sampleRateHz: v.sample_rate_hz,
    });
    for (const [name, tolerance] of Object.entries(vectors.tolerances)) {
      const found = measures[name as keyof Measures];
      const expected = (v.measures as Record<string, number | null>)[name];
      if (expected === null || expected === undefined) expect(found, name).toBe(null);
      else expect(Math.abs((found ?? Number.NaN) - expected), name).toBeLessThanOrEqual(tolerance + 1e-6);
    }
    expect(judge(measures, taskOf(protocol, v.role), v.room_noise_db)).toEqual({
      verdict: v.verdict,
      reasons: v.reasons,
    });
  });
});

describe("files are written byte for byte", () => {
  const mono = vectors.wavs.filter((vector) => vector.pcm.every((frame) => frame.length === 1));
  test.each(mono.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    const samples = Int16Array.from(v.pcm.flat());
    const content = writeWav({ samples, sampleRateHz: v.sample_rate_hz });
    expect(Buffer.from(content).toString("base64")).toBe(v.base64);
  });
});

const EXPECTED: Record<string, string> = {
  parlenda_motoz2_firefox_ns0ec0agc0: "warn clipped",
  sustentada_motoz2_chrome_ns1ec1agc0: "fail gated",
};

/** Return the samples of a file with a plain header of 44 bytes, as those of `AUDIO` are. */
function recorded(name: string): Pcm {
  const content = new DataView(Uint8Array.from(readFileSync(new URL(`${name}.wav`, AUDIO))).buffer);
  const samples = Int16Array.from({ length: (content.byteLength - 44) / 2 }, (_, n) => content.getInt16(44 + 2 * n, true));
  return { samples, sampleRateHz: content.getUint32(24, true) };
}

describe.skipIf(!existsSync(AUDIO))("recordings of real phones", () => {
  test.each([
    "frase_iphone12_safari_ns0ec0agc0",
    "parlenda_iphone12_safari_ns0ec0agc0",
    "parlenda_motoz2_chrome_ns0ec0agc0",
    "parlenda_motoz2_firefox_ns0ec0agc0",
    "sustentada_galaxys20fe_chrome_ns0ec0agc1",
    "sustentada_iphone12_safari_ns0ec0agc0",
    "sustentada_motoz2_chrome_ns1ec1agc0",
    "sustentada_motoz2_firefox_ns0ec0agc0",
  ])("%s", (name) => {
    const task = taskOf(protocol, name.split("_")[0] ?? "");
    const { verdict, reasons } = judge(measure(recorded(name)), task, null);
    expect([verdict, ...reasons].slice(0, 2).join(" ")).toBe(EXPECTED[name] ?? "ok");
  });
});

test("a minute at 48 kHz is judged, drawn and written within 300 ms", () => {
  const second = Int16Array.from({ length: 48_000 }, (_, n) => 9000 * Math.sin(n / 30));
  const pieces = Array<Int16Array>(60).fill(second);
  const tookMs = Array.from({ length: 3 }, () => {
    const began = process.cpuUsage();
    const pcm = { samples: joined(pieces), sampleRateHz: 48_000 };
    const frames = framesOf(pcm);
    judge(measure(pcm, frames), taskOf(protocol, "parlenda"), null);
    waveformColumns(pcm, frames, 160);
    writeWav(pcm);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  });
  // By the processor's clock, and the best of them, since other tests run beside this one.
  expect(Math.min(...tookMs)).toBeLessThan(300);
});

test("the meter names its zones, and its peak falls slowly", () => {
  expect([zoneOf(0.001, 0.01), zoneOf(0.1, 0.3), zoneOf(0.3, 0.9)]).toEqual(["quiet", "good", "loud"]);
  const meter = levelMeter();
  const loud = meter(0.5, 0.9, 0);
  const soon = meter(0.001, 0.002, 0.5);
  const late = meter(0.001, 0.002, 9);
  expect(soon.peak).toBeLessThan(loud.peak);
  expect(soon.peak).toBeGreaterThan(soon.level);
  expect(late.peak).toBeCloseTo(meterShare(20 * Math.log10(0.002)));
});

test("a waveform marks where the voice is", () => {
  const quiet = new Int16Array(16_000);
  const voice = Int16Array.from({ length: 16_000 }, (_, n) => 12_000 * Math.sin(n / 12));
  const columnsOf = (samples: Int16Array): Column[] => {
    const pcm = { samples, sampleRateHz: 16_000 };
    return waveformColumns(pcm, framesOf(pcm), 10);
  };
  const columns = columnsOf(joined([quiet, voice]));
  expect(columns.map(({ voiced }) => voiced)).toEqual([...Array(4).fill(false), columns[4]?.voiced, ...Array(5).fill(true)]);
  expect(columns[0]?.peak).toBe(0);
  expect(columnsOf(new Int16Array(0))).toEqual([]);
});
