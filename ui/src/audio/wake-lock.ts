/** Keeps the screen awake while somebody records; asks again when the page comes back. */

/** What of the browser is needed. */
export interface Awake {
  readonly wakeLock: WakeLock | undefined;
  readonly document: Document;
}

/** Keep the screen awake until the function returned is called. */
export function keepAwake({ wakeLock, document }: Awake): () => void {
  let held: WakeLockSentinel | null = null;
  let isOver = false;
  const ask = async (): Promise<void> => {
    if (wakeLock === undefined || isOver || document.visibilityState !== "visible") return;
    try {
      held = await wakeLock.request("screen");
    } catch (error) {
      // Refused on a low battery: the take goes on, and its end by a dark screen is told.
      if (!(error instanceof DOMException)) throw error;
    }
    if (isOver) await held?.release();
  };
  const again = (): void => void ask();
  document.addEventListener("visibilitychange", again);
  void ask();
  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", again);
    void held?.release();
  };
}
