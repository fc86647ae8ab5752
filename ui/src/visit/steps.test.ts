import { expect, test } from "vitest";

import * as answering from "./answering.ts";
import { agreed, consent, context, HC, protocol, recorded, started, take } from "./fakes.ts";
import * as identity from "./identity.ts";
import * as steps from "./steps.ts";
import * as takes from "./takes.ts";
import type { NotDone, Visit } from "./visit.ts";
import { NOT_DONE } from "./visit.ts";

test("the straight way leads from the form over every role to the review", () => {
  expect(steps.goOn(started(), protocol).step).toEqual({ name: "identity" });
  expect(agreed().step).toEqual({ name: "recording", role: "aceite" });
  const done = recorded();
  expect(done.step).toEqual({ name: "research" });
  expect(steps.goOn(done, protocol).step).toEqual({ name: "review" });
  expect(steps.maySend(done, protocol, context, HC)).toBe(true);
  expect(takes.roomDb(done)).toBe(-55);
});

test("who stops keeps what there is, and says of the rest that it was cut off", () => {
  const some = takes.takeKept(agreed(), take("aceite", "one"));
  const stopped = steps.stopAndKeep(some, protocol);
  expect(stopped.notDone).toEqual({ sustentada: "interrupted", parlenda: "interrupted" });
  expect(stopped.step).toEqual({ name: "research" });
  expect(steps.maySend(stopped, protocol, context, HC)).toBe(true);
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
    const why = NOT_DONE[roll(NOT_DONE.length)] as NotDone;
    const moves: (() => Visit)[] = [
      () => steps.goOn(visit, protocol),
      () => {
        isChecked = steps.due(visit).name !== "whose";
        return identity.identified(visit, protocol, "wristband");
      },
      () => steps.consented(visit, protocol, consent()),
      () => {
        if (visit.consent === null) return visit;
        kept.push(`${seed}-${n}`);
        return takes.takeKept(visit, take(role, `${seed}-${n}`));
      },
      () => steps.unable(visit, protocol, role, why),
      () => {
        isChecked = false;
        return identity.interrupted(visit);
      },
      () => {
        isChecked = false;
        return identity.mendRgh(visit);
      },
      () => {
        isChecked &&= visit.consent === null; // there is nothing to leave
        return identity.leave(visit, protocol);
      },
      () => {
        if (steps.due(visit).name !== "whose") return visit;
        own = visit.form["rgh"] ?? own;
        return identity.samePatient(visit);
      },
      () => {
        const rgh = ["14259401E", "13817615A", null][roll(3)] ?? null;
        if (rgh !== (visit.form["rgh"] ?? null)) isChecked = false;
        return answering.answer(visit, protocol, "rgh", rgh);
      },
      () => steps.stopAndKeep(visit, protocol),
      () => steps.reopen(visit, steps.stepsOf(protocol)[roll(9)] ?? { name: "review" }),
      () => takes.choose(visit, kept[roll(kept.length)] ?? ""),
      () => answering.answer(visit, protocol, "age", [61, 7, 200, null][roll(4)] ?? null),
    ];
    visit = moves[roll(moves.length)]?.() ?? visit;
    expect(visit.takes.map(({ id }) => id)).toEqual(kept);
    for (const one of roles) {
      const ofRole = takes.takesOf(visit, one);
      expect(ofRole.map((each) => each.take)).toEqual(ofRole.map((_, at) => at + 1));
      expect(ofRole.filter(({ chosen }) => chosen).length).toBe(Math.min(1, ofRole.length));
    }
    if (steps.maySend(visit, protocol, context, HC)) {
      expect(visit.consent).not.toBe(null);
      expect(takes.openRoles(visit, protocol)).toEqual([]);
      expect([61, null, undefined]).toContain(visit.form["age"]);
    }
    if (visit.step.name === "recording") expect(visit.consent).not.toBe(null);
    // Nobody records between an interruption and the check.
    if (steps.due(visit).name === "recording") expect(isChecked).toBe(true);
    // No other number gets what was recorded, unless somebody said that it is the same patient.
    if (visit.consent === null && visit.takes.length === 0) own = visit.form["rgh"];
    const goesOn = steps.due(visit).name === "recording" || steps.maySend(visit, protocol, context, HC);
    if (goesOn) expect(visit.form["rgh"]).toBe(own);
  }
});
