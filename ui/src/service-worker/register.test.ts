import { expect, test } from "vitest";

import { looker } from "./register.ts";

/** What a browser registers workers with, while it trusts the box or not. */
class Container extends EventTarget {
  readonly controller = null;
  failure: Error | null = null;
  nRegistered = 0;
  nUpdated = 0;

  async register(): Promise<unknown> {
    this.nRegistered += 1;
    if (this.failure !== null) throw this.failure;
    const registration = new EventTarget();
    const update = async (): Promise<void> => void (this.nUpdated += 1);
    return Object.assign(registration, { waiting: null, installing: null, update });
  }
}

function heard(container: Container): { look: () => Promise<void>; said: boolean[] } {
  const said: boolean[] = [];
  const look = looker(container as unknown as ServiceWorkerContainer, {
    onwaiting: () => undefined,
    onchanged: () => undefined,
    onuntrusted: (isUntrusted) => said.push(isUntrusted),
  });
  return { look, said };
}

test("a box that the browser does not trust is named, and asked again at the next look", async () => {
  const container = new Container();
  const { look, said } = heard(container);
  container.failure = new DOMException("An SSL certificate error occurred", "SecurityError");
  await look();
  expect(said).toEqual([true]);
  container.failure = null;
  await look();
  expect(said).toEqual([true, false]);
  await look();
  expect([container.nRegistered, container.nUpdated]).toEqual([2, 2]);
});

test("a box out of reach is not one that is not trusted", async () => {
  const container = new Container();
  const { look, said } = heard(container);
  container.failure = new TypeError("Failed to fetch");
  await look();
  expect(said).toEqual([false]);
});
