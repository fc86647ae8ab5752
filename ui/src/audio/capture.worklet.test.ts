import { afterEach, beforeAll, expect, test, vi } from "vitest";

import type { Piece } from "./capture.worklet.ts";
import { joined } from "./wav.ts";

const RATE_HZ = 44_100;
const BLOCK = 128;

interface Processor {
  process(inputs: Float32Array[][]): boolean;
}
let Capture: new () => Processor;
const posted: Piece[] = [];

/** The port of a worklet: what is handed over is gone on this side. */
class Port {
  postMessage(piece: Piece, transfer: ArrayBuffer[]): void {
    posted.push(structuredClone(piece, { transfer }));
  }
}

beforeAll(async () => {
  vi.stubGlobal("sampleRate", RATE_HZ);
  vi.stubGlobal("AudioWorkletProcessor", class {
    readonly port = new Port();
  });
  vi.stubGlobal("registerProcessor", (name: string, processor: new () => Processor) => {
    expect(name).toBe("capture");
    Capture = processor;
  });
  await import("./capture.worklet.ts");
});
afterEach(() => void posted.splice(0));

/** Let blocks of a sound arrive from this frame on, as the browser hands them over. */
function play(processor: Processor, nBlocks: number, from: number, at: (frame: number) => number): void {
  for (let block = 0; block < nBlocks; block++) {
    const frame = from + block * BLOCK;
    vi.stubGlobal("currentFrame", frame);
    const channel = Float32Array.from({ length: BLOCK }, (_, n) => at(frame + n));
    expect(processor.process([[channel]])).toBe(true);
  }
}

test("every sample is posted once, in pieces of 50 ms that say where they begin", () => {
  play(new Capture(), 100, 256, (frame) => (frame % 30_000) / 32_768);
  expect(posted.length).toBe(Math.floor((100 * BLOCK) / 2_205));
  expect(posted.map(({ frame }) => frame)).toEqual(posted.map((_, n) => 256 + n * 2_205));
  const samples = joined(posted.map((piece) => piece.samples));
  expect(samples).toEqual(Int16Array.from(samples, (_, n) => 256 + n));
});

test("a piece has its own level, and full scale does not wrap", () => {
  play(new Capture(), 18, 0, (frame) => (frame % 2 === 0 ? 1.2 : -1.2));
  expect(posted[0]?.samples.slice(0, 2)).toEqual(Int16Array.of(32_767, -32_768));
  expect(posted[0]?.peak).toBeCloseTo(1.2);
  expect(posted[0]?.rms).toBeCloseTo(1.2);
  const quiet = new Capture();
  posted.splice(0);
  play(quiet, 18, 0, () => 0.5);
  play(quiet, 18, 18 * BLOCK, () => 0);
  expect(posted.map(({ rms }) => Math.round(rms * 10) / 10)).toEqual([0.5, 0.1]);
});

test("blocks that are lost leave a hole between two pieces", () => {
  const processor = new Capture();
  play(processor, 20, 0, () => 0.1);
  play(processor, 40, 25 * BLOCK, () => 0.1);
  const holes = posted.slice(1).map(({ frame }, n) => frame - ((posted[n]?.frame ?? 0) + 2_205));
  expect(holes).toEqual([0, 5 * BLOCK]);
});

test("without a microphone there is nothing to post", () => {
  expect(new Capture().process([[]])).toBe(true);
  expect(posted).toEqual([]);
});
