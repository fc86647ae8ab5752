import { beforeEach, expect, test } from "vitest";

import { AtWork } from "./at-work.ts";

/** Locks of one name, as the pages of a tablet share them. */
class SharedLocks {
  nShared = 0;
  isExclusive = false;

  async request(
    _name: string,
    options: { mode?: string; ifAvailable?: boolean },
    run: (lock: object | null) => unknown,
  ): Promise<unknown> {
    if (options.mode === "shared") {
      this.nShared += 1;
      await run({});
      this.nShared -= 1;
      return undefined;
    }
    const isFree = this.nShared === 0 && !this.isExclusive;
    return run(isFree ? {} : null);
  }
}

let locks: LockManager;

beforeEach(() => {
  locks = new SharedLocks() as unknown as LockManager;
});

test("nothing is done while any page has something in hand", async () => {
  const [one, other] = [new AtWork(locks), new AtWork(locks)];
  let n = 0;
  one.set(true);
  expect(await other.unlessAnyIs(() => (n += 1))).toBe(false);
  expect(await one.unlessAnyIs(() => (n += 1))).toBe(false);
  one.set(true);
  one.set(false);
  await Promise.resolve();
  await Promise.resolve();
  expect(await other.unlessAnyIs(() => (n += 1))).toBe(true);
  expect(n).toBe(1);
});

test("a page that left may come back to it", async () => {
  const page = new AtWork(locks);
  page.set(true);
  page.set(false);
  page.set(true);
  await Promise.resolve();
  await Promise.resolve();
  expect(await page.unlessAnyIs(() => undefined)).toBe(false);
});
