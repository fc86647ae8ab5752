import { expect, test } from "vitest";

import { FakeDocument } from "./fakes.ts";
import { keepAwake } from "./wake-lock.ts";

class FakeWakeLock {
  held = 0;
  asked = 0;
  isRefused = false;

  async request(): Promise<{ release: () => Promise<void> }> {
    this.asked += 1;
    if (this.isRefused) throw new DOMException("", "NotAllowedError");
    this.held += 1;
    return {
      release: async () => {
        this.held -= 1;
      },
    };
  }
}

function awake(lock: FakeWakeLock | undefined): { page: FakeDocument; end: () => void } {
  const page = new FakeDocument();
  const wakeLock = lock as unknown as WakeLock | undefined;
  return { page, end: keepAwake({ wakeLock, document: page as unknown as Document }) };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done));

test("the screen is kept awake, asked for again when the page comes back, and let go at the end", async () => {
  const lock = new FakeWakeLock();
  const { page, end } = awake(lock);
  await settled();
  expect(lock.held).toBe(1);
  page.become("hidden");
  page.become("visible");
  await settled();
  expect(lock.asked).toBe(2);
  end();
  page.become("visible");
  await settled();
  expect([lock.asked, lock.held]).toEqual([2, 0]);
});

test("an end before the answer lets go as soon as it comes", async () => {
  const lock = new FakeWakeLock();
  awake(lock).end();
  await settled();
  expect([lock.asked, lock.held]).toEqual([1, 0]);
});

test("a refusal, or a browser without it, disturbs nothing", async () => {
  const lock = new FakeWakeLock();
  lock.isRefused = true;
  awake(lock).end();
  awake(undefined).end();
  await settled();
  expect(lock.asked).toBe(1);
});
