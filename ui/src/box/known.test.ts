import "fake-indexeddb/auto";

import { readFileSync } from "node:fs";

import { beforeEach, expect, test } from "vitest";

import type { Box, OutboxKey } from "../api/types.ts";
import { sha256Hex } from "../protocol/protocol.ts";
import { base64Of, KeyChanged } from "../sealing/seal.ts";
import { Tablet } from "../store/database.ts";
import type { Source } from "./known.ts";
import { KnownBox } from "./known.ts";

const DOCUMENT = readFileSync(new URL("../../../appliance/protocols/spira-2022.1.json", import.meta.url), "utf8");
let nTablets = 0;
let now: number;
let tablet: Tablet;

beforeEach(() => {
  nTablets += 1;
  now = Date.parse("2026-11-25T12:00:00Z");
  tablet = new Tablet(`known-${nTablets}`);
});

async function keyOf(byte: number): Promise<OutboxKey> {
  const raw = new Uint8Array(65).fill(byte);
  const fingerprint = await sha256Hex(raw);
  return { key_id: "", public_key: base64Of(raw), fingerprint, algorithm: "" };
}

/** A box whose protocol and key may change. */
class TalkingBox implements Source {
  protocolId = "spira-2022.1";
  keyByte = 4;
  time = "2026-11-25T11:59:50Z";

  async box(): Promise<Box> {
    return {
      box_name: "SPIRA",
      version: "1",
      mode: "inference",
      show_probabilities: false,
      demonstration: false,
      min_app_version: "",
      time: this.time,
    };
  }

  outboxKey(): Promise<OutboxKey> {
    return keyOf(this.keyByte);
  }

  async protocol(): Promise<Uint8Array<ArrayBuffer>> {
    const document = DOCUMENT.replace("spira-2022.1", this.protocolId);
    return new TextEncoder().encode(document);
  }

  async hospitals(): Promise<[]> {
    return [];
  }

  async models(): Promise<[]> {
    return [];
  }
}

test("what was learnt is there for a shift without the box", async () => {
  const box = new TalkingBox();
  const known = new KnownBox(box, tablet, () => now);
  expect(await known.recall()).toBe(null);
  expect(await known.learn()).toEqual({ clockOffsetS: 10 });
  await known.learnAll();
  const again = await new KnownBox(box, tablet, () => now).recall();
  expect(again?.protocol.id).toBe("spira-2022.1");
  expect(again?.box.box_name).toBe("SPIRA");
});

test("another key is refused, and nothing of the other box is kept", async () => {
  const box = new TalkingBox();
  const known = new KnownBox(box, tablet, () => now);
  await known.learn();
  await known.learnAll();
  box.keyByte = 5;
  box.protocolId = "spira-2027.1";
  await expect(known.recognise()).rejects.toBeInstanceOf(KeyChanged);
  await expect(known.learnAll()).rejects.toBeInstanceOf(KeyChanged);
  expect((await known.recall())?.protocol.id).toBe("spira-2022.1");
  box.keyByte = 4;
  expect((await known.recognise()).fingerprint).toBe((await keyOf(4)).fingerprint);
});

test("a protocol that an earlier app kept under no name is known by it once another comes", async () => {
  const box = new TalkingBox();
  await tablet.setValue("protocol", await box.protocol());
  box.protocolId = "spira-2027.1";
  const known = new KnownBox(box, tablet, () => now);
  await known.learn();
  await known.learnAll();
  expect((await known.protocolOf("spira-2022.1"))?.id).toBe("spira-2022.1");
});

test("a protocol that another replaced is still known to work that began under it", async () => {
  const box = new TalkingBox();
  const known = new KnownBox(box, tablet, () => now);
  await known.learn();
  await known.learnAll();
  box.protocolId = "spira-2027.1";
  expect((await known.learnAll())?.protocol.id).toBe("spira-2027.1");
  expect((await known.protocolOf("spira-2022.1"))?.id).toBe("spira-2022.1");
  expect(await known.protocolOf("spira-2000.1")).toBe(null);
});

test("another key is taken when the beginning of its fingerprint was typed, and not before", async () => {
  const box = new TalkingBox();
  const known = new KnownBox(box, tablet, () => now);
  await known.learn();
  await known.learnAll();
  box.keyByte = 5;
  const { fingerprint } = await keyOf(5);
  for (const typed of ["", fingerprint.slice(0, 15), "0000 0000", `${fingerprint.slice(0, 16)}zz`]) {
    expect(await known.acceptKey(typed)).toBe(false);
  }
  await expect(known.learnAll()).rejects.toBeInstanceOf(KeyChanged);
  expect(await known.acceptKey(`${fingerprint.slice(0, 4).toUpperCase()} ${fingerprint.slice(4, 16)}`)).toBe(true);
  expect((await known.learnAll())?.key.fingerprint).toBe(fingerprint);
});

test("a damaged copy of the protocol is none, and it is learnt again", async () => {
  const known = new KnownBox(new TalkingBox(), tablet, () => now);
  await known.learn();
  await known.learnAll();
  await tablet.setValue("protocol", new TextEncoder().encode("{"));
  expect(await known.recall()).toBe(null);
  expect((await known.learnAll())?.protocol.id).toBe("spira-2022.1");
});
