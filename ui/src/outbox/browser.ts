/** What the drainer needs of a browser. */

/** Run this in one tab; the others find nothing to do. */
export async function alone(run: () => Promise<void>): Promise<void> {
  await navigator.locks.request("drainer", { ifAvailable: true }, async (lock) => {
    if (lock !== null) await run();
  });
}

/** Call this after so many milliseconds; return what takes it back. */
export function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Return how much is used of what the browser lets the app keep, in percent; null where it does not say. */
export async function storagePct(): Promise<number | null> {
  const { usage, quota } = await navigator.storage.estimate();
  return usage === undefined || !quota ? null : Math.round((1000 * usage) / quota) / 10;
}
