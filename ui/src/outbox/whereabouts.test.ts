import { expect, test } from "vitest";

import type { Item, ItemState } from "./outbox.ts";
import { whereabouts } from "./whereabouts.ts";

const VISIT = { id: "visit", takes: [{ id: "one", role: "aceite" }, { id: "two", role: "frase" }] };

const item = (id: string, state: ItemState): Item =>
  ({ id, visit: "visit", kind: id === "visit" ? "inference" : "recording", role: null, state }) as Item;

const told = (items: readonly Item[], refused: readonly string[] = []): readonly string[] =>
  whereabouts(VISIT, items, new Set(refused)).map(({ id, state }) => `${id} ${state}`);

test("a sent visit is its takes, then its form, each where it is", () => {
  expect(told([item("visit", "waiting"), item("two", "waiting"), item("one", "safe")])).toEqual([
    "one safe",
    "two waiting",
    "visit waiting",
  ]);
});

test("what is kept here no more is safe: nothing else is let go of", () => {
  expect(told([])).toEqual(["one safe", "two safe", "visit safe"]);
  expect(told([item("visit", "parked")])).toEqual(["one safe", "two safe", "visit parked"]);
});

test("what the box would not keep, because the patient refused, is told as nothing", () => {
  expect(told([item("visit", "safe")], ["one", "two"])).toEqual(["visit safe"]);
});
