import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { OnePage } from "./one-page.ts";

/** Web Locks of one name, as far as they are used here. */
class Locks {
  #holder: { lose: (error: DOMException) => void } | null = null;
  readonly #queue: (() => void)[] = [];

  request(_name: string, options: LockOptions, run: (lock: Lock | null) => Promise<unknown>): Promise<unknown> {
    return new Promise((_done, lose) => {
      const aborted = (): void => lose(new DOMException("", "AbortError"));
      const take = (): void => {
        if (options.signal?.aborted) return this.#next();
        this.#holder = { lose };
        void run({ name: "page", mode: "exclusive" });
      };
      options.signal?.addEventListener("abort", aborted);
      if (options.steal) {
        this.#holder?.lose(new DOMException("", "AbortError"));
        take();
      } else if (this.#holder === null) take();
      else this.#queue.push(take);
    });
  }

  /** The page that holds it is closed. */
  close(): void {
    this.#holder = null;
    this.#next();
  }

  #next(): void {
    this.#queue.shift()?.();
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
  expect(second.told).toEqual([true, false]);
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
