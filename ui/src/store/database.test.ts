import "fake-indexeddb/auto";

import { openDB } from "idb";
import { expect, test } from "vitest";

import { Outbox } from "../outbox/outbox.ts";
import { Tablet } from "./database.ts";

/** The tables of version 1, which kept the bytes with the items. */
async function firstVersion(name: string): Promise<void> {
  const database = await openDB(name, 1, {
    upgrade: (made) => {
      made.createObjectStore("items", { keyPath: "id" }).createIndex("visit", "visit");
      made.createObjectStore("drafts");
      made.createObjectStore("chunks", { autoIncrement: true });
      made.createObjectStore("values");
    },
  });
  const known = { visit: "a", sha256: "", nBytes: 3, state: "waiting", receipt: null, safeAt: null, code: null };
  const sealed = new Uint8Array([1, 2, 3]);
  await database.put("items", { ...known, id: "a-aceite", kind: "recording", role: "aceite", createdAt: 1, sealed });
  await database.put("items", { ...known, id: "a", kind: "inference", role: null, createdAt: 2, sealed });
  await database.put("values", "en", "language");
  database.close();
}

test("what an earlier version kept is there, its bytes apart", async () => {
  await firstVersion("migrated");
  const tablet = new Tablet("migrated");
  const outbox = new Outbox(tablet, Date.now);
  expect((await outbox.all()).map((item) => [item.id, "sealed" in item])).toEqual([
    ["a-aceite", false],
    ["a", false],
  ]);
  for (const id of ["a-aceite", "a"]) expect(await outbox.sealedOf(id)).toEqual(new Uint8Array([1, 2, 3]));
  expect(await tablet.value("language", "pt-BR")).toBe("en");
});

test("a connection that the browser closed unsaid is opened again", async () => {
  const tablet = new Tablet("closed");
  await tablet.setValue("language", "en");
  await tablet.use(async (database) => database.close());
  await tablet.setValue("n", 1);
  await tablet.use(async (database) => database.close());
  expect(await tablet.value("n", 0)).toBe(1);
});

test("a fault of the work itself is told, and the work is not repeated", async () => {
  const tablet = new Tablet("faulty");
  let n = 0;
  const fault = tablet.use(async () => {
    n += 1;
    throw new DOMException("full", "QuotaExceededError");
  });
  await expect(fault).rejects.toMatchObject({ name: "QuotaExceededError" });
  expect(n).toBe(1);
});
