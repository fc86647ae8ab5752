import { describe, expect, test } from "vitest";

import type { Answers } from "../protocol/protocol.ts";
import { localInstant } from "../protocol/answers.ts";
import { checkForm } from "../protocol/form.ts";
import * as answering from "./answering.ts";
import { formContext, inferenceDocument } from "./document.ts";
import { context, ESSENTIALS, HC, protocol, recorded } from "./fakes.ts";
import type { Visit } from "./visit.ts";

test("a visit makes the document that the box takes", () => {
  const document = inferenceDocument(recorded(), protocol, {
    purpose: "inference",
    modelId: null,
    clockOffsetS: 0.4,
    version: "0.1.0",
    tabletId: "tablet-1",
  });
  expect(document.recordings.map(({ role, speaker }) => [role, speaker])).toEqual([
    ["aceite", "patient"],
    ["ruido", "nobody"],
    ["sustentada", "patient"],
    ["parlenda", "patient"],
    ["frase", "patient"],
  ]);
  expect(Date.parse(document.captured_at)).toBe(Date.parse("2026-11-25T06:10:00.000Z"));
  expect(document.form).toMatchObject({ ...ESSENTIALS, sample_type: "PATIENT", age: null });
});

describe("a visit that crosses midnight", () => {
  const EVENING = new Date(2026, 10, 24, 23, 50);
  const LATE = new Date(2026, 10, 24, 23, 55);
  const AFTER = new Date(2026, 10, 25, 0, 20);
  const minutesAfter = (minutes: number): string => new Date(AFTER.getTime() + minutes * 60_000).toISOString();

  function recordedAt(startedAt: Date): Visit {
    const visit = { ...recorded(), startedAt: localInstant(EVENING) };
    return { ...visit, takes: visit.takes.map((one) => ({ ...one, startedAt: startedAt.toISOString() })) };
  }

  function told(visit: Visit, answers: Answers): Visit {
    return Object.entries(answers).reduce((so, [name, value]) => answering.answer(so, protocol, name, value), visit);
  }

  function inTheWay(visit: Visit): unknown {
    const held = formContext(visit, protocol, context.hospitals, AFTER);
    const { errors } = answering.obstacles(visit, protocol, answering.groupsOf(protocol), held, HC);
    return errors.map(({ field, code }) => [field, code]);
  }

  /** What the box has against it: it knows of no now. */
  function ofBox(visit: Visit): unknown {
    const frame = { purpose: "inference", modelId: null, clockOffsetS: null, version: "0.1.0", tabletId: null } as const;
    const { form, captured_at } = inferenceDocument(visit, protocol, frame);
    const { hospitals } = context;
    return checkForm(protocol, form, { capturedAt: captured_at, hospitals }).map(({ field, code }) => [field, code]);
  }

  test("has no date after the day it was taken on, which the box would refuse for ever", () => {
    for (const [day, found] of [
      ["2026-11-24", []],
      ["2026-11-25", [["last_positive_diagnose_date", "future"]]],
    ] as const) {
      const visit = told(recordedAt(LATE), { covid_status: "TRUE", last_positive_diagnose_date: day });
      expect(ofBox(visit)).toEqual(found);
      expect(inTheWay(visit)).toEqual(found);
    }
    const recordedAfter = told(recordedAt(AFTER), { covid_status: "TRUE", last_positive_diagnose_date: "2026-11-25" });
    expect([inTheWay(recordedAfter), ofBox(recordedAfter)]).toEqual([[], []]);
  });

  test("may have a sign measured after the last take, but none after now", () => {
    const measured = (at: string): Visit => told(recordedAt(LATE), { spo2: 95, spo2_at: at });
    const sound = measured(minutesAfter(-1));
    expect([inTheWay(sound), ofBox(sound)]).toEqual([[], []]);
    expect(inTheWay(measured(minutesAfter(1)))).toEqual([["spo2_at", "future"]]);
    expect(inTheWay(measured("nonsense"))).toEqual([["spo2_at", "format"]]);
  });
});
