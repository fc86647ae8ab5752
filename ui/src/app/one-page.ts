/** One page of a tablet works with patients; others wait until it is closed, or somebody chooses them. */

const LOCK = "page";
/** A page that is opened anew asks often: the one it replaces holds the lock a moment longer. */
const ASK_AGAIN_MS = 200;
const N_ASKED_AT_FIRST = 5;
/** One that waits asks seldom: it does not slip in while the other is only opened anew. */
const WAITING_ASKS_MS = 3_000;

/** Whether this page is the one. */
export class OnePage {
  readonly #locks: LockManager;
  readonly #changed: (isElsewhere: boolean) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param changed told true when another page is the one, and false when this one is.
   */
  constructor(locks: LockManager, changed: (isElsewhere: boolean) => void) {
    this.#locks = locks;
    this.#changed = changed;
  }

  /** Become the one as soon as no other is. */
  wait(): void {
    void this.#ask(1);
  }

  /** Become the one now, whoever was. */
  choose(): void {
    clearTimeout(this.#timer);
    void this.#hold({ steal: true }, () => undefined);
  }

  async #ask(nAsked: number): Promise<void> {
    await this.#hold({ ifAvailable: true }, () => {
      if (nAsked === N_ASKED_AT_FIRST) this.#changed(true);
      const again = nAsked < N_ASKED_AT_FIRST ? ASK_AGAIN_MS : WAITING_ASKS_MS;
      this.#timer = setTimeout(() => void this.#ask(nAsked + 1), again);
    });
  }

  /** Ask for the lock; hold it as long as the page lives, or until another page is chosen. */
  async #hold(options: LockOptions, refused: () => void): Promise<void> {
    try {
      await this.#locks.request(LOCK, options, (lock): Promise<unknown> | undefined => {
        if (lock === null) {
          refused();
          return undefined;
        }
        this.#changed(false);
        return new Promise<never>(() => undefined);
      });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
      this.#changed(true);
      this.#timer = setTimeout(() => void this.#ask(N_ASKED_AT_FIRST + 1), WAITING_ASKS_MS);
    }
  }
}
