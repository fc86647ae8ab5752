import { describe, expect, test } from "vitest";

import * as answering from "./answering.ts";
import { agreed, context, ESSENTIALS, HC, protocol, recorded, started, take } from "./fakes.ts";
import * as identity from "./identity.ts";
import * as steps from "./steps.ts";
import * as takes from "./takes.ts";
import type { Visit } from "./visit.ts";

test("after an interruption the patient is checked, and the step is the same", () => {
  const cut = identity.interrupted(recorded());
  expect(steps.maySend(cut, protocol, context, HC)).toBe(false);
  const checked = identity.identified(cut, protocol, "verbal");
  expect(checked.step).toEqual(cut.step);
  expect(steps.maySend(checked, protocol, context, HC)).toBe(true);
});

describe("the check after an interruption", () => {
  test("cannot be walked round by mending the RGH", () => {
    const begun = takes.takeKept(agreed(), take("aceite", "one"));
    expect(steps.due(begun)).toEqual({ name: "recording", role: "aceite" });
    const cut = identity.interrupted(begun);
    expect(steps.due(cut)).toEqual({ name: "check" });
    const mended = identity.mendRgh(cut);
    expect(steps.due(mended)).toEqual({ name: "essentials" });
    const on = steps.goOn(mended, protocol);
    expect(steps.due(on)).toEqual({ name: "identity" });
    expect(steps.maySend(identity.mendRgh(identity.interrupted(recorded())), protocol, context, HC)).toBe(false);
  });

  test("leads back to the recording that was due, and asks for no consent again", () => {
    const on = steps.goOn(identity.mendRgh(identity.interrupted(agreed())), protocol);
    expect(steps.due(identity.identified(on, protocol, "verbal"))).toEqual({ name: "recording", role: "aceite" });
  });

  test("is asked for before a recording, by whatever way it was reached", () => {
    const mended = identity.mendRgh(identity.interrupted(recorded()));
    const reopened = steps.reopen(steps.stopAndKeep(mended, protocol), { name: "recording", role: "frase" });
    expect(steps.due(reopened)).toEqual({ name: "check" });
    const lost = identity.interrupted(steps.withTakes(mended, protocol, new Set()));
    expect(steps.due(lost)).toEqual({ name: "check" });
    expect(steps.due(identity.identified(lost, protocol, "verbal"))).toEqual({ name: "recording", role: "aceite" });
  });
});

describe("an RGH that changes once there is a consent", () => {
  const OTHER = "13817615A";
  const changed = (visit: Visit): Visit => answering.answer(visit, protocol, "rgh", OTHER);

  test("is asked about before anybody goes on, records or sends", () => {
    for (const visit of [changed(agreed()), changed(identity.mendRgh(identity.interrupted(recorded())))]) {
      for (const on of [steps.goOn(visit, protocol), steps.stopAndKeep(visit, protocol), steps.reopen(visit, { name: "review" })]) {
        expect(steps.due(on)).toEqual({ name: "whose" });
        expect(steps.due(identity.identified(on, protocol, "wristband"))).toEqual({ name: "whose" });
        expect(steps.due(identity.interrupted(on))).toEqual({ name: "whose" });
        expect(steps.maySend(identity.identified(on, protocol, "wristband"), protocol, context, HC)).toBe(false);
      }
    }
  });

  test("is not asked about before, nor where it is the same again", () => {
    const early = identity.identified(steps.goOn(started(), protocol), protocol, "wristband");
    expect(steps.due(steps.goOn(changed(identity.mendRgh(early)), protocol))).toEqual({ name: "identity" });
    const same = answering.answer(changed(identity.mendRgh(recorded())), protocol, "rgh", ESSENTIALS.rgh);
    expect(steps.due(steps.goOn(same, protocol))).toEqual({ name: "identity" });
  });

  test("of the same patient is checked anew, and goes on with what there is", () => {
    const mended = identity.samePatient(steps.goOn(changed(identity.mendRgh(recorded())), protocol));
    expect(steps.due(mended)).toEqual({ name: "identity" });
    const checked = identity.identified(mended, protocol, "wristband");
    expect(checked.step).toEqual({ name: "research" });
    expect(checked.form["rgh"]).toBe(OTHER);
    expect(steps.maySend(checked, protocol, context, HC)).toBe(true);
  });

  test("is told before anybody can say that it is the same patient's", () => {
    const erased = steps.stopAndKeep(answering.answer(recorded(), protocol, "rgh", null), protocol);
    const asked = identity.samePatient(erased);
    expect(steps.due(asked)).toEqual({ name: "essentials" });
    expect(steps.due(steps.goOn(changed(asked), protocol))).toEqual({ name: "whose" });
  });

  test("of another patient leaves what there is to the one before, as it was", () => {
    const measured = answering.answer(recorded(), protocol, "spo2", 96);
    const there = answering.answer(changed(identity.mendRgh(identity.interrupted(measured))), protocol, "spo2", 81);
    const left = identity.leave(steps.goOn(there, protocol), protocol);
    expect(left.form).toEqual(measured.form);
    expect(left.takes).toEqual(measured.takes);
    expect(left.identityCheck).toBe("wristband");
    expect(left.step).toEqual({ name: "research" });
    expect(steps.maySend(left, protocol, context, HC)).toBe(true);
  });
});

describe("a take that was interrupted", () => {
  const cut = { role: "aceite", fault: "hidden" } as const;

  test("is told of until the role is recorded again", () => {
    const told = identity.interrupted(agreed(), cut);
    expect(told.cut).toEqual(cut);
    const later = identity.identified(identity.interrupted(told), protocol, "wristband"); // a lock keeps what was not read yet
    expect(later.cut).toEqual(cut);
    expect(steps.goOn(identity.mendRgh(told), protocol).cut).toEqual(cut);
    expect(takes.recordAgain(later, "aceite").cut).toBe(null);
    expect(takes.recordAgain(later, "frase")).toBe(later);
  });

  test("is told of no more once something else was decided", () => {
    const told = identity.identified(identity.interrupted(agreed(), cut), protocol, "wristband");
    expect(steps.unable(told, protocol, "aceite", "other").cut).toBe(null);
    expect(takes.takeKept(told, take("aceite", "one")).cut).toBe(null);
    expect(steps.goOn(told, protocol).cut).toBe(null);
    expect(steps.stopAndKeep(told, protocol).cut).toBe(null);
  });
});

test("whom somebody left is not recorded again without a check", () => {
  const left = identity.leave(identity.interrupted(takes.takeKept(agreed(), take("aceite", "one"))), protocol);
  expect(left.stoppedEarly).toBe(true);
  expect(steps.maySend(left, protocol, context, HC)).toBe(true);
  const reopened = steps.reopen(left, { name: "recording", role: "frase" });
  expect(steps.due(reopened)).toEqual({ name: "check" });
  expect(steps.due(identity.identified(reopened, protocol, "wristband"))).toEqual({ name: "recording", role: "frase" });
});
