/** Locks the screen when nobody touches it, but never while somebody records. */

export const LOCK_AFTER_MS = 5 * 60_000;

/** Watches for touches and keys; `lock` is called once after five minutes without any. */
export class IdleLock {
  readonly #lock: () => void;
  readonly #isBusy: () => boolean;
  readonly #now: () => number;
  #lastAt: number;

  constructor(lock: () => void, isBusy: () => boolean, now: () => number) {
    this.#lock = lock;
    this.#isBusy = isBusy;
    this.#now = now;
    this.#lastAt = now();
  }

  /** Somebody is there. */
  touch(): void {
    this.#lastAt = this.#now();
  }

  /** Look whether it is time; to be called every few seconds, and when the page comes back. */
  look(): void {
    if (this.#isBusy()) this.touch();
    else if (this.#now() - this.#lastAt >= LOCK_AFTER_MS) this.#lock();
  }
}
