import { describe, expect, test } from "vitest";

import { agreed, protocol, recorded, started, take } from "./fakes.ts";
import * as steps from "./steps.ts";
import * as takes from "./takes.ts";

describe("takes", () => {
  test("are numbered and never overwritten; the last one is chosen until another is", () => {
    const second = takes.takeKept(takes.takeKept(agreed(), take("aceite", "one")), take("aceite", "two"));
    expect(takes.takesOf(second, "aceite").map(({ id, take: n, chosen }) => [id, n, chosen])).toEqual([
      ["one", 1, false],
      ["two", 2, true],
    ]);
    expect(takes.chosenTake(takes.choose(second, "one"), "aceite")?.id).toBe("one");
    expect(takes.mayRedo(second, "aceite")).toBe(true);
    expect(takes.mayRedo(takes.takeKept(second, take("aceite", "three")), "aceite")).toBe(false);
  });

  test("are kept once, and lead on once, whoever taps twice", () => {
    const role = { name: "recording", role: "aceite" } as const;
    const once = takes.takeKept(agreed(), take("aceite", "one"));
    expect(takes.takeKept(once, take("aceite", "one"))).toBe(once);
    const on = steps.goOn(once, protocol, role);
    expect(on.step).toEqual({ name: "recording", role: "ruido" });
    expect(steps.goOn(on, protocol, role)).toBe(on);
  });

  test("that are no good are kept, and stand for nothing, where the patient could not do better", () => {
    const bad = takes.takeKept(agreed(), { ...take("sustentada", "bad"), verdict: "fail" });
    const told = steps.unable(bad, protocol, "sustentada", "too_breathless");
    expect(told.takes.map(({ id, chosen }) => [id, chosen])).toEqual([["bad", false]]);
    expect(told.notDone).toEqual({ sustentada: "too_breathless" });
    const good = steps.unable(takes.takeKept(agreed(), take("sustentada", "good")), protocol, "sustentada", "other");
    expect(takes.chosenTake(good, "sustentada")?.id).toBe("good");
  });

  test("that are gone are made again, the last one left of a role being the chosen one", () => {
    const twice = takes.takeKept(recorded(), take("aceite", "again"));
    expect(steps.withTakes(twice, protocol, new Set(twice.takes.map(({ id }) => id)))).toBe(twice);
    const left = steps.withTakes(twice, protocol, new Set(["take-aceite", "take-ruido", "take-frase"]));
    expect(takes.chosenTake(left, "aceite")?.id).toBe("take-aceite");
    expect(left.step).toEqual({ name: "recording", role: "sustentada" });
    expect(takes.openRoles(left, protocol)).toEqual(["sustentada", "parlenda"]);
    const made = steps.goOn(takes.takeKept(left, take("sustentada", "new")), protocol);
    expect(made.step).toEqual({ name: "recording", role: "parlenda" });
  });

  test("keep their numbers apart when an earlier one is gone", () => {
    const second = takes.takeKept(takes.takeKept(agreed(), take("aceite", "one")), take("aceite", "two"));
    const third = takes.takeKept(steps.withTakes(second, protocol, new Set(["two"])), take("aceite", "three"));
    expect(third.takes.map(({ take: n }) => n)).toEqual([2, 3]);
  });

  test("are not made without consent", () => {
    expect(() => takes.takeKept(started(), take("aceite", "one"))).toThrow(RangeError);
  });
});
