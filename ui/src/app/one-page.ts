/** One page of a tablet works with patients; others wait until it is closed, or somebody chooses them. */

const LOCK = "page";
/** A page that is opened anew holds the lock a moment longer than it is there. */
const SHOWN_AFTER_MS = 1_000;

/** Whether this page is the one. */
export class OnePage {
  readonly #locks: LockManager;
  readonly #changed: (isElsewhere: boolean) => void;
  #waiting: AbortController | null = null;

  /**
   * @param changed told true when another page is the one, and false when this one is.
   */
  constructor(locks: LockManager, changed: (isElsewhere: boolean) => void) {
    this.#locks = locks;
    this.#changed = changed;
  }

  /** Become the one as soon as no other is. */
  wait(): void {
    const waiting = new AbortController();
    this.#waiting = waiting;
    const shown = setTimeout(() => this.#changed(true), SHOWN_AFTER_MS);
    waiting.signal.addEventListener("abort", () => clearTimeout(shown));
    void this.#hold({ signal: waiting.signal }, () => clearTimeout(shown));
  }

  /** Become the one now, whoever was. */
  choose(): void {
    this.#waiting?.abort();
    void this.#hold({ steal: true }, () => undefined);
  }

  /** Ask for the lock; hold it as long as the page lives, or until another page is chosen. */
  async #hold(options: LockOptions, granted: () => void): Promise<void> {
    let isHeld = false;
    try {
      await this.#locks.request(LOCK, options, () => {
        granted();
        isHeld = true;
        this.#changed(false);
        return new Promise<never>(() => undefined);
      });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
      if (!isHeld) return; // it waits no more: it was chosen
      this.#changed(true);
      this.wait();
    }
  }
}
