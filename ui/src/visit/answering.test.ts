import { describe, expect, test } from "vitest";

import * as answering from "./answering.ts";
import { context, HC, protocol, recorded, started } from "./fakes.ts";
import * as steps from "./steps.ts";
import type { Visit } from "./visit.ts";
import { begin } from "./visit.ts";

describe("a sign that is measured", () => {
  const [FIRST, SECOND] = ["2026-11-25T03:10:00.000Z", "2026-11-25T03:40:00.000Z"];
  const measured = (visit: Visit, value: number | null, at: string): Visit => answering.measured(visit, protocol, "spo2", value, at);

  test("again has the time of its last value", () => {
    const once = measured(started(), 95, FIRST);
    expect(once.form).toMatchObject({ spo2: 95, spo2_at: FIRST });
    expect(measured(once, 88, SECOND).form).toMatchObject({ spo2: 88, spo2_at: SECOND });
    expect(measured(measured(once, null, SECOND), 95, SECOND).form["spo2_at"]).toBe(SECOND);
    expect("spo2_at" in measured(once, null, SECOND).form).toBe(false);
  });

  test("keeps the time that was typed for its value", () => {
    const typed = answering.answer(measured(started(), 95, SECOND), protocol, "spo2_at", FIRST);
    expect(measured(typed, 95, SECOND).form["spo2_at"]).toBe(FIRST);
    expect(answering.answer(typed, protocol, "age", 61).form["spo2_at"]).toBe(FIRST);
    expect(measured(typed, 88, SECOND).form["spo2_at"]).toBe(SECOND);
  });

  test("without a field for its time is an answer like any other", () => {
    expect(answering.measured(started(), protocol, "bpm", 80, FIRST)).toEqual(answering.answer(started(), protocol, "bpm", 80));
  });
});

describe("what stands in the way", () => {
  test("is named: what is missing, implausible, or does not fit", () => {
    const empty = begin("visit-1", context.capturedAt, protocol, {});
    const missing = answering.obstacles(empty, protocol, ["essentials"], context, HC);
    expect(missing.errors.map(({ field }) => field)).toEqual(["rgh", "local", "gender", "mask_type", "covid_status"]);
    const odd = answering.answer(answering.answer(started(), protocol, "age", 7), protocol, "rgh", "12345678A");
    const found = answering.obstacles(odd, protocol, ["essentials"], context, HC);
    expect(found).toEqual({ errors: [], soft: ["age"], rgh: true });
    const meant = answering.overrideRgh(answering.confirm(odd, ["age"]), "wristband_checked");
    expect(answering.isClear(answering.obstacles(meant, protocol, ["essentials"], context, HC))).toBe(true);
    expect(answering.answer(meant, protocol, "age", 8).confirmed).toEqual([]);
  });

  test("an RGH that changes has to be checked anew", () => {
    const changed = answering.answer(recorded(), protocol, "rgh", "13817615A");
    expect(changed.identityCheck).toBe(null);
    expect(steps.maySend(changed, protocol, context, HC)).toBe(false);
  });
});
