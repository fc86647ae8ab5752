/** How much power the tablet has left, where its browser tells (Chromium does; Safari and Firefox do not). */

const LOW_BELOW = 0.2;

/** What a browser tells of its battery (W3C Battery Status API). */
export interface Battery extends EventTarget {
  /** From 0 to 1. */
  readonly level: number;
  readonly charging: boolean;
}

/** A browser that may tell of its battery. */
export interface Powered {
  readonly getBattery?: () => Promise<Battery>;
}

/** Tell the percentage that is left while it is low and nothing charges it, and null when that is over. */
export async function watchBattery(browser: Powered, tell: (pct: number | null) => void): Promise<void> {
  let battery: Battery | undefined;
  try {
    battery = await browser.getBattery?.();
  } catch (error) {
    // A browser may refuse to tell: then nobody knows.
    if (!(error instanceof DOMException)) throw error;
  }
  if (battery === undefined) return;
  const known = battery;
  const look = (): void => tell(!known.charging && known.level < LOW_BELOW ? Math.round(100 * known.level) : null);
  for (const event of ["levelchange", "chargingchange"]) known.addEventListener(event, look);
  look();
}
