/** What the browser tells the app of: addresses, networks, touches, time and faults. */

import type { App } from "./app.svelte.ts";
import type { Powered } from "./battery.ts";
import { watchBattery } from "./battery.ts";
import { screenOf } from "./screen-names.ts";

const RENEW_EVERY_MS = 8 * 60_000;
const LOOK_EVERY_MS = 5_000;

/** Listen for as long as the page lives. */
export function listen(app: App): void {
  addEventListener("hashchange", () => void app.follow(screenOf(location.hash)));
  // What the browser believes of its network is a reason to ask, and no answer.
  for (const rumour of ["online", "offline"]) addEventListener(rumour, () => void app.link.refresh());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    app.idle.look();
    void app.link.refresh();
  });
  for (const touch of ["pointerdown", "keydown"]) {
    addEventListener(touch, () => app.idle.touch(), { passive: true });
  }
  setInterval(() => app.idle.look(), LOOK_EVERY_MS);
  void watchBattery(navigator as Powered, (pct) => (app.batteryPct = pct));
  setInterval(() => void app.forgetOld().then(() => app.link.refresh()), RENEW_EVERY_MS);
  addEventListener("error", () => app.fail());
  addEventListener("unhandledrejection", () => app.fail());
}
