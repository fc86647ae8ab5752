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
  const letGo = async (): Promise<void> => {
    const last = held;
    held = null;
    await last?.release();
  };
  const ask = async (): Promise<void> => {
    if (wakeLock === undefined || isOver || document.visibilityState !== "visible") return;
    try {
      const next = await wakeLock.request("screen");
      // The one before may be held still: a page can come back without having lost it.
      await letGo();
      held = next;
    } catch (error) {
      // Refused on a low battery: the take goes on, and its end by a dark screen is told.
      if (!(error instanceof DOMException)) throw error;
    }
    if (isOver) await letGo();
  };
  const again = (): void => void ask();
  document.addEventListener("visibilitychange", again);
  void ask();
  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", again);
    void letGo();
  };
}
