import { expect, test } from "vitest";

import type { Battery } from "./battery.ts";
import { watchBattery } from "./battery.ts";

class PaperBattery extends EventTarget implements Battery {
  level = 0.5;
  charging = false;

  become(level: number, charging: boolean, event: string): void {
    [this.level, this.charging] = [level, charging];
    this.dispatchEvent(new Event(event));
  }
}

test("what is left is told while it is low and nothing charges it", async () => {
  const battery = new PaperBattery();
  const told: (number | null)[] = [];
  await watchBattery({ getBattery: async () => battery }, (pct) => told.push(pct));
  battery.become(0.194, false, "levelchange");
  battery.become(0.1, true, "chargingchange");
  battery.become(0.1, false, "chargingchange");
  battery.become(0.2, false, "levelchange");
  expect(told).toEqual([null, 19, null, 10, null]);
});

test("nothing is told where the browser does not know, or will not say", async () => {
  const told: (number | null)[] = [];
  await watchBattery({}, (pct) => told.push(pct));
  const refused = (): Promise<Battery> => Promise.reject(new DOMException("no", "NotAllowedError"));
  await watchBattery({ getBattery: refused }, (pct) => told.push(pct));
  expect(told).toEqual([]);
  await expect(watchBattery({ getBattery: () => Promise.reject(new Error("a bug")) }, () => undefined)).rejects.toThrow("a bug");
});
