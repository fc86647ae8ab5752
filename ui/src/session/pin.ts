/** The PIN of a nurse at this tablet: it opens the lock screen, it is no cipher. */

/** What is kept of a PIN. */
export interface PinCheck {
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly check: Uint8Array<ArrayBuffer>;
  readonly nLeft: number;
}

export const N_TRIES = 5;
export const PIN_SHAPE = /^[0-9]{4,8}$/;

const ITERATIONS = 600_000; // OWASP Password Storage Cheat Sheet for PBKDF2-HMAC-SHA-256

/** Return what is kept of a PIN somebody chose. */
export async function pinCheckOf(pin: string): Promise<PinCheck> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  return { salt, check: await derived(pin, salt), nLeft: N_TRIES };
}

/** Return whether a PIN is right, and what is to be kept now; without tries left it never is. */
export async function tryPin(kept: PinCheck, pin: string): Promise<{ isRight: boolean; kept: PinCheck }> {
  if (kept.nLeft <= 0) return { isRight: false, kept };
  const found = await derived(pin, kept.salt);
  const isRight = found.every((byte, at) => byte === kept.check[at]);
  return { isRight, kept: { ...kept, nLeft: isRight ? N_TRIES : kept.nLeft - 1 } };
}

async function derived(pin: string, salt: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS }, material, 256);
  return new Uint8Array(bits);
}
