/** Whether any page of this tablet has something in hand that opening it anew would lose. */

const LOCK = "at-work";

/** Says so for this page, and asks for all of them. */
export class AtWork {
  readonly #locks: LockManager;
  #leave: (() => void) | null = null;

  constructor(locks: LockManager) {
    this.#locks = locks;
  }

  /** Whether this page has something in hand. */
  get isIt(): boolean {
    return this.#leave !== null;
  }

  /** Say whether this page has something in hand. */
  set(isAtWork: boolean): void {
    if (isAtWork === this.isIt) return;
    if (!isAtWork) {
      this.#leave?.();
      this.#leave = null;
      return;
    }
    const until = new Promise<void>((leave) => {
      this.#leave = leave;
    });
    void this.#locks.request(LOCK, { mode: "shared" }, () => until);
  }

  /** Do this, unless some page has something in hand; return whether it was done. */
  async unlessAnyIs(run: () => void): Promise<boolean> {
    return this.#locks.request(LOCK, { ifAvailable: true }, (lock) => {
      if (lock !== null) run();
      return lock !== null;
    });
  }
}
