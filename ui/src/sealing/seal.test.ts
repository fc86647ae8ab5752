import { expect, test } from "vitest";

import vectors from "../../../tests/vectors/envelope-1.json" with { type: "json" };
import { sha256Hex } from "../protocol/protocol.ts";
import type { Head } from "./seal.ts";
import { base64Of, boxKeyOf, bytesOf, isSealedTo, KeyChanged, seal } from "./seal.ts";

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;

async function told(): Promise<Parameters<typeof boxKeyOf>[0]> {
  const fingerprint = await sha256Hex(bytesOf(vectors.box_key));
  return { key_id: fingerprint.slice(0, 16), public_key: vectors.box_key, fingerprint, algorithm: "" };
}

test.each(vectors.items.map((item) => [item.name, item] as const))("%s is sealed as the box opens it", async (_, item) => {
  const { d, ...open } = vectors.ephemeral_jwk;
  const chance = {
    ephemeral: {
      privateKey: await crypto.subtle.importKey("jwk", { ...open, d }, CURVE, false, ["deriveBits"]),
      publicKey: await crypto.subtle.importKey("jwk", open, CURVE, true, []),
    },
    nonce: bytesOf(vectors.nonce),
  };
  const key = await boxKeyOf(await told(), null);
  const sealed = await seal(item.head as Head, bytesOf(item.payload), key, chance);
  expect(base64Of(sealed)).toBe(item.sealed);
});

test("nothing of a sealed item can be read in it, and no two are alike", async () => {
  const key = await boxKeyOf(await told(), null);
  const item = vectors.items[0];
  if (item === undefined) throw new Error("no vector");
  const one = await seal(item.head as Head, bytesOf(item.payload), key);
  const other = await seal(item.head as Head, bytesOf(item.payload), key);
  expect(new TextDecoder("latin1").decode(one)).not.toContain("RIFF");
  expect(base64Of(one)).not.toBe(base64Of(other));
  expect(isSealedTo(key.fingerprint, one)).toBe(true);
  expect(isSealedTo("0".repeat(64), one)).toBe(false);
  expect(isSealedTo(key.fingerprint, one.subarray(0, 8))).toBe(false);
});

test("a key that is another, or lies about itself, is refused", async () => {
  const honest = await told();
  await expect(boxKeyOf(honest, "0".repeat(64))).rejects.toBeInstanceOf(KeyChanged);
  await expect(boxKeyOf({ ...honest, fingerprint: "0".repeat(64) }, null)).rejects.toBeInstanceOf(KeyChanged);
  expect((await boxKeyOf(honest, honest.fingerprint)).fingerprint).toBe(honest.fingerprint);
});
