import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

import type { Answers, Protocol } from "../protocol/protocol.ts";
import { readProtocol } from "../protocol/protocol.ts";
import { localInstant } from "../protocol/answers.ts";
import { checkForm } from "../protocol/form.ts";
import { formContext, inferenceDocument } from "./document.ts";
import type { Consent, NotDone, Visit } from "./visit.ts";
import * as way from "./visit.ts";

const DOCUMENT = new URL("../../../appliance/protocols/spira-2022.1.json", import.meta.url);
const HC = {
  pattern: "[0-9]{8}[A-K]",
  length: 9,
  weights: [0, 8, 7, 6, 5, 4, 3, 1],
  modulus: 11,
  letter_base: 64,
};
const context = { capturedAt: "2026-11-25T03:10:00.000-03:00", hospitals: ["Hospital das Clínicas"] };
const ESSENTIALS = {
  rgh: "14259401E",
  local: "Hospital das Clínicas",
  gender: "Feminino",
  mask_type: "NONE",
  covid_status: "FALSE",
} as const;
let protocol: Protocol;

beforeAll(async () => {
  protocol = await readProtocol(new Uint8Array(readFileSync(DOCUMENT)));
});

function consent(): Consent {
  return {
    givenBy: "patient",
    relationship: null,
    witnessPresent: false,
    textSha256: protocol.consents["pt-BR"]?.sha256 ?? "",
    language: "pt-BR",
    purposes: { study: true, future_research: true, audio_sharing: false },
    takenAt: "2026-11-25T06:09:00.000Z",
  };
}

function take(role: string, id: string): Parameters<typeof way.takeKept>[1] {
  return {
    id,
    role,
    startedAt: "2026-11-25T06:10:00.000Z",
    stopReason: "professional",
    promptSha256: "0".repeat(64),
    gaps: 0,
    capture: {
      echo_cancellation: false,
      noise_suppression: false,
      auto_gain_control: false,
      voice_isolation: null,
      sample_rate_hz: 48_000,
      device: null,
      user_agent: null,
    },
    verdict: "ok",
    reasons: [],
    roomDb: role === "ruido" ? -55 : null,
    nBytes: 1000,
    sha256: "0".repeat(64),
  };
}

function started(): Visit {
  return way.begin("visit-1", context.capturedAt, protocol, { ...ESSENTIALS });
}

function agreed(): Visit {
  const checked = way.identified(way.goOn(started(), protocol), protocol, "wristband");
  return way.consented(checked, protocol, consent());
}

function recorded(): Visit {
  return protocol.recordings.reduce(
    (visit, { role }) => way.goOn(way.takeKept(visit, take(role, `take-${role}`)), protocol),
    agreed(),
  );
}

describe("the straight way", () => {
  test("leads from the form over every role to the review", () => {
    expect(way.goOn(started(), protocol).step).toEqual({ name: "identity" });
    expect(agreed().step).toEqual({ name: "recording", role: "aceite" });
    const done = recorded();
    expect(done.step).toEqual({ name: "research" });
    expect(way.goOn(done, protocol).step).toEqual({ name: "review" });
    expect(way.maySend(done, protocol, context, HC)).toBe(true);
    expect(way.roomDb(done)).toBe(-55);
  });

  test("makes the document that the box takes", () => {
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
});

describe("a sign that is measured", () => {
  const [FIRST, SECOND] = ["2026-11-25T03:10:00.000Z", "2026-11-25T03:40:00.000Z"];
  const measured = (visit: Visit, value: number | null, at: string): Visit => way.measured(visit, protocol, "spo2", value, at);

  test("again has the time of its last value", () => {
    const once = measured(started(), 95, FIRST);
    expect(once.form).toMatchObject({ spo2: 95, spo2_at: FIRST });
    expect(measured(once, 88, SECOND).form).toMatchObject({ spo2: 88, spo2_at: SECOND });
    expect(measured(measured(once, null, SECOND), 95, SECOND).form["spo2_at"]).toBe(SECOND);
    expect("spo2_at" in measured(once, null, SECOND).form).toBe(false);
  });

  test("keeps the time that was typed for its value", () => {
    const typed = way.answer(measured(started(), 95, SECOND), protocol, "spo2_at", FIRST);
    expect(measured(typed, 95, SECOND).form["spo2_at"]).toBe(FIRST);
    expect(way.answer(typed, protocol, "age", 61).form["spo2_at"]).toBe(FIRST);
    expect(measured(typed, 88, SECOND).form["spo2_at"]).toBe(SECOND);
  });

  test("without a field for its time is an answer like any other", () => {
    expect(way.measured(started(), protocol, "bpm", 80, FIRST)).toEqual(way.answer(started(), protocol, "bpm", 80));
  });
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
    return Object.entries(answers).reduce((so, [name, value]) => way.answer(so, protocol, name, value), visit);
  }

  function inTheWay(visit: Visit): unknown {
    const held = formContext(visit, protocol, context.hospitals, AFTER);
    const { errors } = way.obstacles(visit, protocol, way.groupsOf(protocol), held, HC);
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

describe("what stands in the way", () => {
  test("is named: what is missing, implausible, or does not fit", () => {
    const empty = way.begin("visit-1", context.capturedAt, protocol, {});
    const missing = way.obstacles(empty, protocol, ["essentials"], context, HC);
    expect(missing.errors.map(({ field }) => field)).toEqual(["rgh", "local", "gender", "mask_type", "covid_status"]);
    const odd = way.answer(way.answer(started(), protocol, "age", 7), protocol, "rgh", "12345678A");
    const found = way.obstacles(odd, protocol, ["essentials"], context, HC);
    expect(found).toEqual({ errors: [], soft: ["age"], rgh: true });
    const meant = way.overrideRgh(way.confirm(odd, ["age"]), "wristband_checked");
    expect(way.isClear(way.obstacles(meant, protocol, ["essentials"], context, HC))).toBe(true);
    expect(way.answer(meant, protocol, "age", 8).confirmed).toEqual([]);
  });

  test("an RGH that changes has to be checked anew", () => {
    const changed = way.answer(recorded(), protocol, "rgh", "13817615A");
    expect(changed.identityCheck).toBe(null);
    expect(way.maySend(changed, protocol, context, HC)).toBe(false);
  });
});

describe("takes", () => {
  test("are numbered and never overwritten; the last one is chosen until another is", () => {
    const second = way.takeKept(way.takeKept(agreed(), take("aceite", "one")), take("aceite", "two"));
    expect(way.takesOf(second, "aceite").map(({ id, take: n, chosen }) => [id, n, chosen])).toEqual([
      ["one", 1, false],
      ["two", 2, true],
    ]);
    expect(way.chosenTake(way.choose(second, "one"), "aceite")?.id).toBe("one");
    expect(way.mayRedo(second, "aceite")).toBe(true);
    expect(way.mayRedo(way.takeKept(second, take("aceite", "three")), "aceite")).toBe(false);
  });

  test("are kept once, and lead on once, whoever taps twice", () => {
    const role = { name: "recording", role: "aceite" } as const;
    const once = way.takeKept(agreed(), take("aceite", "one"));
    expect(way.takeKept(once, take("aceite", "one"))).toBe(once);
    const on = way.goOn(once, protocol, role);
    expect(on.step).toEqual({ name: "recording", role: "ruido" });
    expect(way.goOn(on, protocol, role)).toBe(on);
  });

  test("that are no good are kept, and stand for nothing, where the patient could not do better", () => {
    const bad = way.takeKept(agreed(), { ...take("sustentada", "bad"), verdict: "fail" });
    const told = way.unable(bad, protocol, "sustentada", "too_breathless");
    expect(told.takes.map(({ id, chosen }) => [id, chosen])).toEqual([["bad", false]]);
    expect(told.notDone).toEqual({ sustentada: "too_breathless" });
    const good = way.unable(way.takeKept(agreed(), take("sustentada", "good")), protocol, "sustentada", "other");
    expect(way.chosenTake(good, "sustentada")?.id).toBe("good");
  });

  test("that are gone are made again, the last one left of a role being the chosen one", () => {
    const twice = way.takeKept(recorded(), take("aceite", "again"));
    expect(way.withTakes(twice, protocol, new Set(twice.takes.map(({ id }) => id)))).toBe(twice);
    const left = way.withTakes(twice, protocol, new Set(["take-aceite", "take-ruido", "take-frase"]));
    expect(way.chosenTake(left, "aceite")?.id).toBe("take-aceite");
    expect(left.step).toEqual({ name: "recording", role: "sustentada" });
    expect(way.openRoles(left, protocol)).toEqual(["sustentada", "parlenda"]);
    const made = way.goOn(way.takeKept(left, take("sustentada", "new")), protocol);
    expect(made.step).toEqual({ name: "recording", role: "parlenda" });
  });

  test("keep their numbers apart when an earlier one is gone", () => {
    const second = way.takeKept(way.takeKept(agreed(), take("aceite", "one")), take("aceite", "two"));
    const third = way.takeKept(way.withTakes(second, protocol, new Set(["two"])), take("aceite", "three"));
    expect(third.takes.map(({ take: n }) => n)).toEqual([2, 3]);
  });

  test("are not made without consent", () => {
    expect(() => way.takeKept(started(), take("aceite", "one"))).toThrow(RangeError);
  });
});

test("who stops keeps what there is, and says of the rest that it was cut off", () => {
  const some = way.takeKept(agreed(), take("aceite", "one"));
  const stopped = way.stopAndKeep(some, protocol);
  expect(stopped.notDone).toEqual({ sustentada: "interrupted", parlenda: "interrupted" });
  expect(stopped.step).toEqual({ name: "research" });
  expect(way.maySend(stopped, protocol, context, HC)).toBe(true);
});

test("after an interruption the patient is checked, and the step is the same", () => {
  const cut = way.interrupted(recorded());
  expect(way.maySend(cut, protocol, context, HC)).toBe(false);
  const checked = way.identified(cut, protocol, "verbal");
  expect(checked.step).toEqual(cut.step);
  expect(way.maySend(checked, protocol, context, HC)).toBe(true);
});

describe("the check after an interruption", () => {
  test("cannot be walked round by mending the RGH", () => {
    const begun = way.takeKept(agreed(), take("aceite", "one"));
    expect(way.due(begun)).toEqual({ name: "recording", role: "aceite" });
    const cut = way.interrupted(begun);
    expect(way.due(cut)).toEqual({ name: "check" });
    const mended = way.mendRgh(cut);
    expect(way.due(mended)).toEqual({ name: "essentials" });
    const on = way.goOn(mended, protocol);
    expect(way.due(on)).toEqual({ name: "identity" });
    expect(way.maySend(way.mendRgh(way.interrupted(recorded())), protocol, context, HC)).toBe(false);
  });

  test("leads back to the recording that was due, and asks for no consent again", () => {
    const on = way.goOn(way.mendRgh(way.interrupted(agreed())), protocol);
    expect(way.due(way.identified(on, protocol, "verbal"))).toEqual({ name: "recording", role: "aceite" });
  });

  test("is asked for before a recording, by whatever way it was reached", () => {
    const mended = way.mendRgh(way.interrupted(recorded()));
    const reopened = way.reopen(way.stopAndKeep(mended, protocol), { name: "recording", role: "frase" });
    expect(way.due(reopened)).toEqual({ name: "check" });
    const lost = way.interrupted(way.withTakes(mended, protocol, new Set()));
    expect(way.due(lost)).toEqual({ name: "check" });
    expect(way.due(way.identified(lost, protocol, "verbal"))).toEqual({ name: "recording", role: "aceite" });
  });
});

describe("an RGH that changes once there is a consent", () => {
  const OTHER = "13817615A";
  const changed = (visit: Visit): Visit => way.answer(visit, protocol, "rgh", OTHER);

  test("is asked about before anybody goes on, records or sends", () => {
    for (const visit of [changed(agreed()), changed(way.mendRgh(way.interrupted(recorded())))]) {
      for (const on of [way.goOn(visit, protocol), way.stopAndKeep(visit, protocol), way.reopen(visit, { name: "review" })]) {
        expect(way.due(on)).toEqual({ name: "whose" });
        expect(way.due(way.identified(on, protocol, "wristband"))).toEqual({ name: "whose" });
        expect(way.due(way.interrupted(on))).toEqual({ name: "whose" });
        expect(way.maySend(way.identified(on, protocol, "wristband"), protocol, context, HC)).toBe(false);
      }
    }
  });

  test("is not asked about before, nor where it is the same again", () => {
    const early = way.identified(way.goOn(started(), protocol), protocol, "wristband");
    expect(way.due(way.goOn(changed(way.mendRgh(early)), protocol))).toEqual({ name: "identity" });
    const same = way.answer(changed(way.mendRgh(recorded())), protocol, "rgh", ESSENTIALS.rgh);
    expect(way.due(way.goOn(same, protocol))).toEqual({ name: "identity" });
  });

  test("of the same patient is checked anew, and goes on with what there is", () => {
    const mended = way.samePatient(way.goOn(changed(way.mendRgh(recorded())), protocol));
    expect(way.due(mended)).toEqual({ name: "identity" });
    const checked = way.identified(mended, protocol, "wristband");
    expect(checked.step).toEqual({ name: "research" });
    expect(checked.form["rgh"]).toBe(OTHER);
    expect(way.maySend(checked, protocol, context, HC)).toBe(true);
  });

  test("is told before anybody can say that it is the same patient's", () => {
    const erased = way.stopAndKeep(way.answer(recorded(), protocol, "rgh", null), protocol);
    const asked = way.samePatient(erased);
    expect(way.due(asked)).toEqual({ name: "essentials" });
    expect(way.due(way.goOn(changed(asked), protocol))).toEqual({ name: "whose" });
  });

  test("of another patient leaves what there is to the one before, as it was", () => {
    const measured = way.answer(recorded(), protocol, "spo2", 96);
    const there = way.answer(changed(way.mendRgh(way.interrupted(measured))), protocol, "spo2", 81);
    const left = way.leave(way.goOn(there, protocol), protocol);
    expect(left.form).toEqual(measured.form);
    expect(left.takes).toEqual(measured.takes);
    expect(left.identityCheck).toBe("wristband");
    expect(left.step).toEqual({ name: "research" });
    expect(way.maySend(left, protocol, context, HC)).toBe(true);
  });
});

describe("a take that was interrupted", () => {
  const cut = { role: "aceite", fault: "hidden" } as const;

  test("is told of until the role is recorded again", () => {
    const told = way.interrupted(agreed(), cut);
    expect(told.cut).toEqual(cut);
    const later = way.identified(way.interrupted(told), protocol, "wristband"); // a lock keeps what was not read yet
    expect(later.cut).toEqual(cut);
    expect(way.goOn(way.mendRgh(told), protocol).cut).toEqual(cut);
    expect(way.recordAgain(later, "aceite").cut).toBe(null);
    expect(way.recordAgain(later, "frase")).toBe(later);
  });

  test("is told of no more once something else was decided", () => {
    const told = way.identified(way.interrupted(agreed(), cut), protocol, "wristband");
    expect(way.unable(told, protocol, "aceite", "other").cut).toBe(null);
    expect(way.takeKept(told, take("aceite", "one")).cut).toBe(null);
    expect(way.goOn(told, protocol).cut).toBe(null);
    expect(way.stopAndKeep(told, protocol).cut).toBe(null);
  });
});

test("whom somebody left is not recorded again without a check", () => {
  const left = way.leave(way.interrupted(way.takeKept(agreed(), take("aceite", "one"))), protocol);
  expect(left.stoppedEarly).toBe(true);
  expect(way.maySend(left, protocol, context, HC)).toBe(true);
  const reopened = way.reopen(left, { name: "recording", role: "frase" });
  expect(way.due(reopened)).toEqual({ name: "check" });
  expect(way.due(way.identified(reopened, protocol, "wristband"))).toEqual({ name: "recording", role: "frase" });
});

/** A generator of numbers from a seed: the same way is tried again by the same number. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

test.each(Array.from({ length: 300 }, (_, seed) => seed))("no way loses a take or sends what is not whole (%i)", (seed) => {
  const roll = dice(seed);
  const roles = protocol.recordings.map(({ role }) => role);
  let visit = started();
  const kept: string[] = [];
  let isChecked = false;
  /** Whose consent and recordings these are, as the nurse said. */
  let own: unknown = visit.form["rgh"];
  for (let n = 0; n < 60; n++) {
    const role = roles[roll(roles.length)] ?? "";
    const why = way.NOT_DONE[roll(way.NOT_DONE.length)] as NotDone;
    const moves: (() => Visit)[] = [
      () => way.goOn(visit, protocol),
      () => {
        isChecked = way.due(visit).name !== "whose";
        return way.identified(visit, protocol, "wristband");
      },
      () => way.consented(visit, protocol, consent()),
      () => {
        if (visit.consent === null) return visit;
        kept.push(`${seed}-${n}`);
        return way.takeKept(visit, take(role, `${seed}-${n}`));
      },
      () => way.unable(visit, protocol, role, why),
      () => {
        isChecked = false;
        return way.interrupted(visit);
      },
      () => {
        isChecked = false;
        return way.mendRgh(visit);
      },
      () => {
        isChecked &&= visit.consent === null; // there is nothing to leave
        return way.leave(visit, protocol);
      },
      () => {
        if (way.due(visit).name !== "whose") return visit;
        own = visit.form["rgh"] ?? own;
        return way.samePatient(visit);
      },
      () => {
        const rgh = ["14259401E", "13817615A", null][roll(3)] ?? null;
        if (rgh !== (visit.form["rgh"] ?? null)) isChecked = false;
        return way.answer(visit, protocol, "rgh", rgh);
      },
      () => way.stopAndKeep(visit, protocol),
      () => way.reopen(visit, way.stepsOf(protocol)[roll(9)] ?? { name: "review" }),
      () => way.choose(visit, kept[roll(kept.length)] ?? ""),
      () => way.answer(visit, protocol, "age", [61, 7, 200, null][roll(4)] ?? null),
    ];
    visit = moves[roll(moves.length)]?.() ?? visit;
    expect(visit.takes.map(({ id }) => id)).toEqual(kept);
    for (const one of roles) {
      const takes = way.takesOf(visit, one);
      expect(takes.map((each) => each.take)).toEqual(takes.map((_, at) => at + 1));
      expect(takes.filter(({ chosen }) => chosen).length).toBe(Math.min(1, takes.length));
    }
    if (way.maySend(visit, protocol, context, HC)) {
      expect(visit.consent).not.toBe(null);
      expect(way.openRoles(visit, protocol)).toEqual([]);
      expect([61, null, undefined]).toContain(visit.form["age"]);
    }
    if (visit.step.name === "recording") expect(visit.consent).not.toBe(null);
    // Nobody records between an interruption and the check.
    if (way.due(visit).name === "recording") expect(isChecked).toBe(true);
    // No other number gets what was recorded, unless somebody said that it is the same patient.
    if (visit.consent === null && visit.takes.length === 0) own = visit.form["rgh"];
    const goesOn = way.due(visit).name === "recording" || way.maySend(visit, protocol, context, HC);
    if (goesOn) expect(visit.form["rgh"]).toBe(own);
  }
});
