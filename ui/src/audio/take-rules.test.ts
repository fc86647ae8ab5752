import { describe, expect, test } from "vitest";

import type { RecordingTask } from "../protocol/protocol.ts";
import type { Heard } from "./take-rules.ts";
import { TakeRules } from "./take-rules.ts";

const RATE_HZ = 16_000;
const N = RATE_HZ / 20;

function task(change: Partial<RecordingTask> = {}): RecordingTask {
  return {
    role: "sustentada",
    required: true,
    decides: true,
    maxS: 60,
    stopAfterS: null,
    stopAfterSilenceS: null,
    labels: {},
    prompts: {},
    limits: [],
    ...change,
  };
}

/** Feed pieces of 50 ms at these levels; return what the last one led to, and when. */
function feed(rules: TakeRules, levels: Iterable<number>, from = 0): { heard: Heard; atS: number } {
  let frame = from;
  let heard: Heard = { kind: "goes-on" };
  for (const level of levels) {
    heard = rules.hear({ frame, samples: new Int16Array(N), rms: level, peak: level * 1.4 });
    frame += N;
    if (heard.kind !== "goes-on") break;
  }
  return { heard, atS: rules.seconds };
}

const of = (level: number, seconds: number): number[] => Array(Math.round(seconds * 20)).fill(level);

describe("a take ends by itself", () => {
  test("after the silence that follows a voice", () => {
    const rules = new TakeRules(task({ stopAfterSilenceS: 1.5 }), RATE_HZ);
    const { heard, atS } = feed(rules, [...of(0.001, 4), ...of(0.2, 3), ...of(0.001, 9)]);
    expect(heard).toEqual({ kind: "ends", reason: "silence" });
    expect(atS).toBeCloseTo(8.5);
  });

  test("but not before anybody spoke", () => {
    const rules = new TakeRules(task({ stopAfterSilenceS: 1.5 }), RATE_HZ);
    expect(feed(rules, of(0.001, 20)).heard).toEqual({ kind: "goes-on" });
  });

  test("nor at a breath between words", () => {
    const rules = new TakeRules(task({ stopAfterSilenceS: 1.5 }), RATE_HZ);
    expect(feed(rules, [...of(0.2, 2), ...of(0.001, 1.4), ...of(0.2, 2)]).heard.kind).toBe("goes-on");
  });

  test("when its time is over", () => {
    expect(feed(new TakeRules(task({ stopAfterS: 5 }), RATE_HZ), of(0.01, 9))).toEqual({
      heard: { kind: "ends", reason: "max_duration" },
      atS: 5,
    });
    expect(feed(new TakeRules(task({ maxS: 45 }), RATE_HZ), of(0.2, 99)).atS).toBe(45);
  });
});

test("a dead microphone is noticed within 300 ms", () => {
  const { heard, atS } = feed(new TakeRules(task(), RATE_HZ), [...of(0.2, 1), ...of(0, 1)]);
  expect(heard).toEqual({ kind: "fails", fault: "dead-microphone" });
  expect(atS).toBeCloseTo(1.3);
});

test("what is missing between two pieces is a gap", () => {
  const rules = new TakeRules(task(), RATE_HZ);
  feed(rules, of(0.2, 1), 128);
  expect(rules.nGaps).toBe(0);
  feed(rules, of(0.2, 1), 128 + RATE_HZ + 384);
  expect(rules.nGaps).toBe(1);
});

test("sound that stays behind the clock has stalled", () => {
  const rules = new TakeRules(task(), RATE_HZ);
  feed(rules, of(0.2, 10));
  expect(rules.hasStalled(10.4)).toBe(false);
  expect(rules.hasStalled(10.7)).toBe(true);
});
