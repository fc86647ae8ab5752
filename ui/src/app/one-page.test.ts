import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { OnePage } from "./one-page.ts";

/** Web Locks of one name, as far as they are used here. */
class Locks {
  #lose: ((error: DOMException) => void) | null = null;

  request(_name: string, options: LockOptions, run: (lock: Lock | null) => unknown): Promise<unknown> {
    return new Promise((done, lose) => {
      if (this.#lose !== null && !options.steal) return done(run(null));
      this.#lose?.(new DOMException("", "AbortError"));
      this.#lose = lose;
      run({ name: "page", mode: "exclusive" });
    });
  }

  /** The page that holds it is closed. */
  close(): void {
    this.#lose = null;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function page(locks: Locks): { one: OnePage; told: boolean[] } {
  const told: boolean[] = [];
  return { one: new OnePage(locks as unknown as LockManager, (isElsewhere) => told.push(isElsewhere)), told };
}

test("the first page works; the second says so, and works when the first is closed", async () => {
  const locks = new Locks();
  const [first, second] = [page(locks), page(locks)];
  first.one.wait();
  second.one.wait();
  await vi.advanceTimersByTimeAsync(1_500);
  expect([first.told, second.told]).toEqual([[false], [true]]);
  locks.close();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(second.told).toEqual([true, false]);
});

test("a page that waits does not slip in while the other is opened anew", async () => {
  const locks = new Locks();
  const [first, second] = [page(locks), page(locks)];
  first.one.wait();
  second.one.wait();
  await vi.advanceTimersByTimeAsync(1_500);
  locks.close();
  const again = page(locks);
  again.one.wait();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([again.told, second.told]).toEqual([[false], [true]]);
});

test("a page that is opened anew says nothing of the one it replaces", async () => {
  const locks = new Locks();
  page(locks).one.wait();
  const again = page(locks);
  again.one.wait();
  await vi.advanceTimersByTimeAsync(500);
  locks.close();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(again.told).toEqual([false]);
});

test("the page that is chosen works, the other one waits, and may be chosen again", async () => {
  const locks = new Locks();
  const [first, second] = [page(locks), page(locks)];
  first.one.wait();
  second.one.wait();
  await vi.advanceTimersByTimeAsync(1_500);
  second.one.choose();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(second.told).toEqual([true, false]);
  expect(first.told.at(-1)).toBe(true);
  first.one.choose();
  await vi.advanceTimersByTimeAsync(1_500);
  expect(first.told.at(-1)).toBe(false);
  expect(second.told.at(-1)).toBe(true);
});
