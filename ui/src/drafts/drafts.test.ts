import "fake-indexeddb/auto";

import { beforeEach, expect, test } from "vitest";

import { Outbox } from "../outbox/outbox.ts";
import { Tablet } from "../store/database.ts";
import type { Visit } from "../visit/visit.ts";
import type { TakeUnderWay } from "./drafts.ts";
import { Drafts, FORGOTTEN_AFTER_MS } from "./drafts.ts";

let nTablets = 0;
let now = 1_000_000;
let tablet: Tablet;
let drafts: Drafts;

beforeEach(() => {
  nTablets += 1;
  now = 1_000_000;
  tablet = new Tablet(`drafts-${nTablets}`);
  drafts = new Drafts(tablet, () => now);
});

const visit = (id: string): Visit => ({ id, form: { rgh: "14259401E" } }) as unknown as Visit;

test("each nurse finds her own patient again", async () => {
  await drafts.keep(visit("one"), "ana");
  await drafts.keep(visit("two"), "bia");
  expect((await drafts.left("ana"))?.visit.id).toBe("one");
  await drafts.erase("ana");
  expect(await drafts.left("ana")).toBe(null);
  expect((await drafts.left("bia"))?.visit.id).toBe("two");
});

test("what nobody came back to for twelve hours is erased, and told", async () => {
  await drafts.keep(visit("one"), "ana");
  now += FORGOTTEN_AFTER_MS - 1;
  expect(await drafts.forgetOld()).toEqual([]);
  now += 2;
  expect((await drafts.forgetOld()).map((draft) => draft.visit.id)).toEqual(["one"]);
  expect(await drafts.left("ana")).toBe(null);
});

const take = (id: string, role = "aceite"): TakeUnderWay =>
  ({ id, role, sampleRateHz: 16_000, startedAt: new Date(0), capture: {} }) as unknown as TakeUnderWay;

test("a take that a crash cut off is there as far as it came", async () => {
  await drafts.keepSamples("one", take("old"), [Int16Array.of(9)]);
  await drafts.keepSamples("one", take("cut"), [Int16Array.of(1, 2), Int16Array.of(3)]);
  await drafts.keepSamples("one", take("cut"), [Int16Array.of(4)]);
  expect(await drafts.cutTake("one", "frase")).toBe(null);
  const found = await drafts.cutTake("one", "aceite");
  expect([found?.take.id, found?.samples]).toEqual(["cut", Int16Array.of(1, 2, 3, 4)]);
  await drafts.eraseSamples("one");
  expect(await drafts.cutTake("one", "aceite")).toBe(null);
});

test("no take is offered to another patient, nor erased with one", async () => {
  await drafts.keep(visit("one"), "ana");
  await drafts.keep(visit("two"), "bia");
  await drafts.keepSamples("one", take("cut"), [Int16Array.of(1)]);
  expect(await drafts.cutTake("two", "aceite")).toBe(null);
  await drafts.erase("bia");
  await drafts.eraseSamples("two");
  expect(await drafts.cutTake("one", "aceite")).not.toBe(null);
  await drafts.erase("ana");
  expect(await drafts.cutTake("one", "aceite")).toBe(null);
});

test("samples of a patient who is in nobody's hand are erased", async () => {
  await drafts.keepSamples("gone", take("cut"), [Int16Array.of(1)]);
  await drafts.forgetOld();
  expect(await drafts.cutTake("gone", "aceite")).toBe(null);
});

test("sealed takes that wait for nobody's patient are erased, and no others", async () => {
  const outbox = new Outbox(tablet, () => now);
  const hold = (id: string, of: string): Promise<void> =>
    outbox.hold({ id, visit: of, kind: "recording", role: "aceite", sha256: "00", sealed: Uint8Array.of(1) });
  await drafts.keep(visit("forgotten"), "ana");
  await hold("of the forgotten", "forgotten");
  await hold("of an erased one", "erased");
  await hold("of one that was sent", "sent");
  await outbox.release("sent");
  now += FORGOTTEN_AFTER_MS + 1;
  await drafts.keep(visit("in hand"), "bia");
  await hold("of the one in hand", "in hand");
  await drafts.forgetOld();
  const left = await outbox.all();
  expect(left.map(({ id }) => id).sort()).toEqual(["of one that was sent", "of the one in hand"]);
  expect(await outbox.sealedOf("of the forgotten")).toBe(null);
  expect(await outbox.sealedOf("of the one in hand")).toEqual(Uint8Array.of(1));
});
