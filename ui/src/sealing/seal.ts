/** Seals an item to the box, so that this tablet cannot read it any more: what core/envelope.py opens. */

import type { OutboxKey } from "../api/types.ts";
import { sha256Hex } from "../protocol/protocol.ts";

/** What is sealed beside the payload. */
export type Head = {
  readonly kind: "recording" | "inference";
  readonly id: string;
  readonly user_id: string;
  readonly author_pass: string;
  readonly sha256: string;
} & ({ readonly role: string; readonly protocol: string } | { readonly role?: never });

/** The key of a box, its fingerprint checked. */
export interface BoxKey {
  readonly fingerprint: string;
  readonly raw: Uint8Array<ArrayBuffer>;
}

/** The box's key is not the one it says it is, or not the one this tablet knows. */
export class KeyChanged extends Error {}

/** What is chosen at random; fixed only in tests. */
export interface Chance {
  readonly ephemeral: CryptoKeyPair;
  readonly nonce: Uint8Array<ArrayBuffer>;
}

const MAGIC = new TextEncoder().encode("SPE1");
/** Where the header says whose key it is sealed to: the first bytes of its fingerprint. */
const KEY_ID_AT = [4, 12] as const;
const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;

/**
 * Return the key a box told.
 *
 * @param pinned the fingerprint this tablet knows the box by; null the first time.
 * @throws KeyChanged where it is another.
 */
export async function boxKeyOf(told: OutboxKey, pinned: string | null): Promise<BoxKey> {
  const raw = bytesOf(told.public_key);
  const fingerprint = await sha256Hex(raw);
  if (fingerprint !== told.fingerprint || (pinned !== null && pinned !== fingerprint)) {
    throw new KeyChanged("another box, or another key");
  }
  return { fingerprint, raw };
}

/** Return the sealed item as it is kept and sent. */
export async function seal(
  head: Head,
  payload: Uint8Array<ArrayBuffer>,
  key: BoxKey,
  chance?: Chance,
): Promise<Uint8Array<ArrayBuffer>> {
  const { ephemeral, nonce } = chance ?? (await atRandom());
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", ephemeral.publicKey));
  const keyId = new Uint8Array(await crypto.subtle.digest("SHA-256", key.raw)).slice(0, 8);
  const header = joined(MAGIC, keyId, publicKey, nonce);
  const secret = await itemKey(ephemeral.privateKey, publicKey, key, head.id);
  const said = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, said.length);
  const ciphertext = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: joined(header, ascii(head.id)) },
    secret,
    joined(length, said, payload),
  );
  return joined(header, new Uint8Array(ciphertext));
}

/** Return whether an item is sealed to the key of this fingerprint. */
export function isSealedTo(fingerprint: string, sealed: Uint8Array): boolean {
  const keyId = [...sealed.subarray(...KEY_ID_AT)].map((byte) => byte.toString(16).padStart(2, "0"));
  return keyId.length === KEY_ID_AT[1] - KEY_ID_AT[0] && fingerprint.startsWith(keyId.join(""));
}

/** Return the bytes of a base64 text. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Return bytes as a base64 text. */
export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

async function atRandom(): Promise<Chance> {
  const ephemeral = (await crypto.subtle.generateKey(CURVE, false, ["deriveBits"])) as CryptoKeyPair;
  return { ephemeral, nonce: crypto.getRandomValues(new Uint8Array(12)) };
}

async function itemKey(
  privateKey: CryptoKey,
  publicKey: Uint8Array<ArrayBuffer>,
  key: BoxKey,
  id: string,
): Promise<CryptoKey> {
  const theirs = await crypto.subtle.importKey("raw", key.raw, CURVE, false, []);
  const shared = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256);
  const material = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: joined(publicKey, key.raw),
      info: ascii(`spira-envelope-1 ${id}`),
    },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt"],
  );
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
