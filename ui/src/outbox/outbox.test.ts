import "fake-indexeddb/auto";

import { beforeEach, describe, expect, test } from "vitest";

import { Refusal, Unreachable } from "../api/client.ts";
import type { Heartbeat, Receipt } from "../api/types.ts";
import { KeyChanged } from "../sealing/seal.ts";
import { Tablet } from "../store/database.ts";
import type { Courier, Outcome } from "./drainer.ts";
import { Drainer } from "./drainer.ts";
import { KEPT_MS, Outbox } from "./outbox.ts";

let nTablets = 0;
let now = 1_000_000;
let outbox: Outbox;
let tablet: Tablet;

beforeEach(() => {
  nTablets += 1;
  now = 1_000_000;
  tablet = new Tablet(`tablet-${nTablets}`);
  outbox = new Outbox(tablet, () => (now += 1));
});

const digestOf = (id: string): string => id.padEnd(64, "0");

async function visit(name: string, roles: readonly string[] = ["aceite", "sustentada"]): Promise<void> {
  const sealed = new Uint8Array([1, 2, 3]);
  for (const role of roles) {
    const id = `${name}-${role}`;
    await outbox.hold({ id, visit: name, kind: "recording", role, sha256: digestOf(id), sealed });
  }
  await outbox.hold({ id: name, visit: name, kind: "inference", role: null, sha256: digestOf(name), sealed });
  await outbox.release(name);
}

/** A box that holds what it acknowledged, behind a network that does what it likes. */
class Network implements Courier {
  held = new Map<string, number>();
  epoch = "one";
  hasOtherKey = false;
  /** Done to each request before, and after, the box has taken it. */
  before: (id: string) => void = () => undefined;
  after: (id: string) => void = () => undefined;
  nPuts = 0;

  async putEnvelope(id: string, _sealed: unknown, onprogress: (share: number) => void): Promise<Receipt> {
    this.nPuts += 1;
    this.before(id);
    onprogress(0.6);
    const needed = id.includes("-") ? [] : [...this.#recordingsOf(id)];
    if (needed.some((one) => !this.held.has(one))) throw new Refusal(422, "recordings-missing", [], null);
    if (!this.held.has(id)) this.held.set(id, this.held.size + 1);
    this.after(id);
    return { id, sha256: digestOf(id), seq: this.held.get(id) ?? 0, epoch: this.epoch };
  }

  async missing(items: readonly { id: string }[]): Promise<readonly string[]> {
    return items.filter(({ id }) => !this.held.has(id)).map(({ id }) => id);
  }

  async heartbeat(): Promise<Heartbeat> {
    this.before("heartbeat");
    const seqs = [...this.held.values()];
    const lastSeq = Math.max(0, ...seqs);
    return { epoch: this.epoch, last_seq: lastSeq, backed_up_through_seq: null, time: "", min_app_version: "", tablet: null };
  }

  *#recordingsOf(name: string): Generator<string> {
    for (const role of ["aceite", "sustentada"]) yield `${name}-${role}`;
  }
}

function drainer(network: Network, told: Outcome[] = [], usedPct = 1, planned: (() => void)[] = []): Drainer {
  return new Drainer(outbox, network, {
    now: () => now,
    random: () => 0.5,
    version: "0.1.0",
    recognise: async () => {
      network.before("outbox-key");
      if (network.hasOtherKey) throw new KeyChanged("another box");
    },
    alone: (run) => run(),
    later: (_ms, run) => {
      planned.push(run);
      return () => undefined;
    },
    storagePct: async () => usedPct,
    tell: (outcome) => told.push(outcome),
    heard: () => undefined,
  });
}

/** A generator of numbers from a seed. */
function dice(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("recordings go before their inference, the oldest patient first", async () => {
  const network = new Network();
  await visit("a");
  await visit("b");
  await drainer(network).now();
  expect([...network.held.keys()]).toEqual(["a-aceite", "a-sustentada", "a", "b-aceite", "b-sustentada", "b"]);
  expect((await outbox.outlook()).nItems).toBe(0);
});

test("it is told what is on its way, and how far", async () => {
  await visit("a");
  const told: Outcome[] = [];
  await drainer(new Network(), told).now();
  expect(told.slice(-3)).toEqual([
    { kind: "sending", id: "a", share: 0 },
    { kind: "sending", id: "a", share: 0.6 },
    { kind: "idle" },
  ]);
});

test("what is held back is not sent, and can be erased without a trace", async () => {
  const network = new Network();
  const sealed = new Uint8Array([1]);
  await outbox.hold({ id: "x", visit: "v", kind: "recording", role: "aceite", sha256: "", sealed });
  await drainer(network).now();
  expect(network.nPuts).toBe(0);
  await outbox.erase("v");
  expect(await outbox.all()).toEqual([]);
});

describe("a network that loses, repeats and answers late", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))("brings everything home once (%i)", async (seed) => {
    const network = new Network();
    const roll = dice(seed);
    network.before = () => {
      if (roll() < 0.3) throw new Unreachable("lost on the way there");
      if (roll() < 0.1) throw new Refusal([429, 503, 507][Math.floor(roll() * 3)] ?? 503, "busy", [], 1);
    };
    network.after = () => {
      if (roll() < 0.3) throw new Unreachable("the answer was lost");
    };
    for (const name of ["a", "b", "c"]) await visit(name);
    const courier = drainer(network);
    for (let n = 0; n < 200 && (await outbox.outlook()).nItems > 0; n++) {
      now += 1_000;
      await courier.now();
    }
    expect(network.held.size).toBe(9);
    expect(new Set(network.held.values()).size).toBe(9);
    expect((await outbox.all()).every(({ state }) => state === "safe")).toBe(true);
  });
});

test("a box that was put back to an older copy gets what it lost, and nothing else", async () => {
  const network = new Network();
  await visit("a");
  await drainer(network).now();
  await visit("b");
  await drainer(network).now();
  for (const id of ["b-aceite", "b-sustentada", "b"]) network.held.delete(id);
  network.epoch = "two";
  network.nPuts = 0;
  await drainer(network).now();
  expect(network.held.size).toBe(6);
  expect(network.nPuts).toBe(3);
  await drainer(network).now();
  expect(network.nPuts).toBe(3);
});

test("recordings that the box lost go again before their inference", async () => {
  const network = new Network();
  await visit("a");
  network.before = (id) => {
    if (id === "a") throw new Unreachable("not yet");
  };
  await drainer(network).now();
  network.held.clear();
  network.before = () => undefined;
  await drainer(network).now();
  expect([...network.held.keys()].at(-1)).toBe("a");
});

test.each([
  [409, "content-conflict"],
  [422, "invalid-form"],
])("what the box will never take (%i) is set aside, and holds up nobody", async (status, code) => {
  const network = new Network();
  network.before = (id) => {
    if (id === "a") throw new Refusal(status, code, [], null);
  };
  await visit("a");
  await visit("b");
  await drainer(network).now();
  expect(network.held.has("b")).toBe(true);
  const { parked, nVisits } = await outbox.outlook();
  expect(parked.map(({ id, code: why }) => [id, why])).toEqual([["a", code]]);
  expect(nVisits).toBe(1);
  const file = JSON.parse(await (await outbox.exported()).text()) as { items: { id: string }[] };
  expect(file.items.map(({ id }) => id)).toEqual(["a-aceite", "a-sustentada", "a"]);
  network.before = () => undefined;
  await outbox.unpark();
  await drainer(network).now();
  expect(network.held.has("a")).toBe(true);
});

test("a box with another key is told nothing and sent nothing; the right one gets everything", async () => {
  const network = new Network();
  const asked: string[] = [];
  network.before = (what) => void asked.push(what);
  network.hasOtherKey = true;
  await visit("a");
  const told: Outcome[] = [];
  const courier = drainer(network, told);
  await courier.now();
  expect(asked).toEqual(["outbox-key"]);
  expect(told).toEqual([{ kind: "other-key" }]);
  expect((await outbox.all()).map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting"]);
  network.hasOtherKey = false;
  await courier.now();
  expect(network.held.size).toBe(3);
});

test("what was held back for a key that is gone is erased; what was sent or released stays", async () => {
  const [old, young] = [new Uint8Array(80).fill(0xaa), new Uint8Array(80).fill(0xbb)];
  for (const [id, sealed] of [["old", old], ["young", young]] as const) {
    await outbox.hold({ id, visit: "in-hand", kind: "recording", role: "aceite", sha256: "", sealed });
  }
  await outbox.hold({ id: "out", visit: "released", kind: "recording", role: "aceite", sha256: "", sealed: old });
  await outbox.release("released");
  await outbox.eraseUnreadable("b".repeat(64));
  expect((await outbox.all()).map(({ id }) => id)).toEqual(["young", "out"]);
});

test("what is on its way is not written over", async () => {
  await visit("a", []);
  const other = new Uint8Array([9]);
  const again = { id: "a", visit: "a", kind: "inference", role: null, sha256: "f".repeat(64), sealed: other } as const;
  await expect(outbox.hold(again)).rejects.toBeInstanceOf(RangeError);
  expect(await outbox.sealedOf("a")).toEqual(new Uint8Array([1, 2, 3]));
  expect((await outbox.get("a"))?.state).toBe("waiting");
});

test("a visit counts as released once its inference may go", async () => {
  const sealed = new Uint8Array([1]);
  await outbox.hold({ id: "a", visit: "a", kind: "inference", role: null, sha256: "", sealed });
  expect(await outbox.isReleased("a")).toBe(false);
  await outbox.release("a");
  expect(await outbox.isReleased("a")).toBe(true);
});

test("an error page of something between is no refusal of the box", async () => {
  const network = new Network();
  network.before = () => {
    throw new Refusal(404, "", [], null);
  };
  await visit("a");
  const told: Outcome[] = [];
  await drainer(network, told).now();
  expect((await outbox.outlook()).parked).toEqual([]);
  expect(told.at(-1)).toMatchObject({ kind: "refused", status: 404 });
});

test("a patient the box stumbles over holds up no other, and comes again", async () => {
  const network = new Network();
  network.before = (id) => {
    if (id === "a-aceite") throw new Refusal(500, "unexpected", [], null);
  };
  await visit("a");
  await visit("b");
  const told: Outcome[] = [];
  const courier = drainer(network, told);
  await courier.now();
  expect(network.held.has("b")).toBe(true);
  expect((await outbox.outlook()).parked).toEqual([]);
  expect(told.at(-1)).toMatchObject({ kind: "refused", status: 500 });
  network.before = () => undefined;
  await courier.now();
  expect(network.held.has("a")).toBe(true);
});

test("a box that asks to be left alone is, whatever is saved meanwhile", async () => {
  const network = new Network();
  network.before = () => {
    throw new Refusal(503, "not-ready", [], 30);
  };
  await visit("a");
  const courier = drainer(network);
  await courier.now();
  network.before = () => undefined;
  now += 29_000;
  await courier.now();
  expect(network.held.size).toBe(0);
  now += 1_000;
  await courier.now();
  expect(network.held.has("a")).toBe(true);
});

test("what was planned is done, although the clock was set back a little meanwhile", async () => {
  const network = new Network();
  network.before = () => {
    throw new Refusal(503, "not-ready", [], 30);
  };
  await visit("a");
  const planned: (() => void)[] = [];
  await drainer(network, [], 1, planned).now();
  network.before = () => undefined;
  now -= 5_000;
  planned.at(-1)?.();
  await expect.poll(() => network.held.has("a")).toBe(true);
});

test("work goes home although the box refuses to hear how the tablet stands", async () => {
  const network = new Network();
  network.before = (id) => {
    if (id === "heartbeat") throw new Refusal(500, "unexpected", [], null);
  };
  await visit("a");
  await drainer(network).now();
  expect(network.held.has("a")).toBe(true);
});

test("a tablet whose browser lost the bytes of an item says so, and brings the others", async () => {
  const network = new Network();
  await visit("a");
  await visit("b");
  await tablet.use((database) => database.delete("sealed", "a-aceite"));
  await drainer(network).now();
  expect((await outbox.outlook()).parked.map(({ id, code }) => [id, code])).toEqual([["a-aceite", "bytes-lost"]]);
  expect(network.held.has("b")).toBe(true);
});

test("a form that the box does not take is parked with the fields it named", async () => {
  const network = new Network();
  network.before = (id) => {
    if (id === "a") throw new Refusal(422, "invalid-form", ["form.spo2"], null);
  };
  await visit("a");
  await drainer(network).now();
  expect((await outbox.outlook()).parked.map(({ code, fields }) => [code, fields])).toEqual([
    ["invalid-form", ["form.spo2"]],
  ]);
});

test("what was damaged on its way goes again", async () => {
  const network = new Network();
  let isBad = true;
  network.before = (id) => {
    if (id === "a-aceite" && isBad) throw new Refusal(400, "digest-mismatch", [], null);
  };
  await visit("a");
  const courier = drainer(network);
  await courier.now();
  expect((await outbox.outlook()).parked).toEqual([]);
  isBad = false;
  await courier.now();
  expect(network.held.has("a")).toBe(true);
});

test("a fault nobody expected is told, and does not end the delivery", async () => {
  const network = new Network();
  let isBad = true;
  network.before = () => {
    if (isBad) throw new SyntaxError("not expected");
  };
  await visit("a");
  const courier = drainer(network);
  await expect(courier.now()).rejects.toBeInstanceOf(SyntaxError);
  isBad = false;
  await courier.now();
  expect(network.held.has("a")).toBe(true);
});

test("erasing a patient takes nothing back that was sent", async () => {
  await visit("a");
  const sealed = new Uint8Array([1]);
  await outbox.hold({ id: "late", visit: "a", kind: "recording", role: "frase", sha256: "", sealed });
  await outbox.erase("a");
  expect((await outbox.all()).map(({ id }) => id)).toEqual(["a-aceite", "a-sustentada", "a"]);
});

test("what a patient refused is forgotten when the box says so", async () => {
  const network = new Network();
  network.before = (id) => {
    if (id === "a-aceite") throw new Refusal(410, "recording-refused", [], null);
  };
  await visit("a");
  await drainer(network).now();
  expect(await outbox.get("a-aceite")).toBe(null);
});

test("a receipt of other content does not make an item safe", async () => {
  const network = new Network();
  await visit("a", []);
  const courier = drainer(network);
  network.putEnvelope = async (id) => ({ id, sha256: "f".repeat(64), seq: 1, epoch: "one" });
  await courier.now();
  expect((await outbox.outlook()).parked.map(({ code }) => code)).toEqual(["receipt"]);
});

test("a tablet that fills up gives up its oldest copies, and nothing that is not safe", async () => {
  const network = new Network();
  await visit("a");
  await visit("b");
  network.before = (id) => {
    if (id === "b") throw new Refusal(409, "content-conflict", [], null);
  };
  await drainer(network, [], 71).now();
  expect((await outbox.all()).map(({ id }) => id)).toEqual(["a", "b-aceite", "b-sustentada", "b"]);
  const full = drainer(network, [], 71);
  for (let n = 0; n < 5; n++) await full.now();
  expect((await outbox.all()).map(({ id, state }) => [id, state])).toEqual([["b", "parked"]]);
});

test("copies are kept until a backup holds them, or for three days", async () => {
  const network = new Network();
  await visit("a");
  await drainer(network).now();
  await outbox.prune(null);
  expect(await outbox.all()).toHaveLength(3);
  await outbox.prune(2);
  expect((await outbox.all()).map(({ id }) => id)).toEqual(["a"]);
  now += KEPT_MS;
  await outbox.prune(null);
  expect(await outbox.all()).toEqual([]);
});

test("what a patient refused is remembered as gone, not as safe", async () => {
  await visit("a");
  await outbox.forget("a-aceite");
  expect([...outbox.refused]).toEqual(["a-aceite"]);
  expect((await outbox.ofVisit("a")).map(({ id }) => id).sort()).toEqual(["a", "a-sustentada"]);
});
