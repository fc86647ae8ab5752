import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ANSWER_WITHIN_MS, STALLED_AFTER_MS, upload } from "./upload.ts";

/** A request whose network is the test. */
class FakeRequest {
  status = 0;
  response = new ArrayBuffer(0);
  responseType = "";
  headers: Record<string, string> = {};
  answered: Record<string, string> = {};
  opened = "";
  isAborted = false;
  onload: () => void = () => undefined;
  onerror: () => void = () => undefined;
  onabort: () => void = () => undefined;
  upload = {
    onprogress: (_event: { loaded: number; total: number }): void => undefined,
    onload: (): void => undefined,
  };

  open(method: string, path: string): void {
    this.opened = `${method} ${path}`;
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  getResponseHeader(name: string): string | null {
    return this.answered[name] ?? null;
  }

  send(): void {}

  abort(): void {
    this.isAborted = true;
    this.onabort();
  }

  answer(status: number, text: string, headers: Record<string, string> = {}): void {
    this.status = status;
    this.response = new TextEncoder().encode(text).buffer as ArrayBuffer;
    this.answered = headers;
    this.onload();
  }
}

let request: FakeRequest;
let shares: number[];

beforeEach(() => {
  vi.useFakeTimers();
  request = new FakeRequest();
  shares = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function begin(): Promise<Response> {
  return upload(
    {
      method: "PUT",
      path: "/v1/envelopes/1",
      headers: { "X-SPIRA-Client": "pwa/1" },
      body: new Uint8Array(10),
      onprogress: (share) => shares.push(share),
    },
    () => request as unknown as XMLHttpRequest,
  );
}

test("it tells how far it got, and gives the answer as it came", async () => {
  const answer = begin();
  request.upload.onprogress({ loaded: 6, total: 10 });
  request.upload.onprogress({ loaded: 10, total: 10 });
  request.upload.onload();
  request.answer(503, '{"code":"not-ready"}', { "retry-after": "7" });
  const given = await answer;
  expect(shares).toEqual([0.6, 1]);
  expect(request.opened).toBe("PUT /v1/envelopes/1");
  expect(request.headers).toEqual({ "X-SPIRA-Client": "pwa/1" });
  expect([given.status, given.headers.get("retry-after"), await given.json()]).toEqual([503, "7", { code: "not-ready" }]);
});

test("a slow one is left alone as long as it moves", async () => {
  const answer = begin();
  for (let n = 1; n <= 10; n++) {
    vi.advanceTimersByTime(STALLED_AFTER_MS - 1);
    request.upload.onprogress({ loaded: n, total: 10 });
  }
  request.upload.onload();
  vi.advanceTimersByTime(ANSWER_WITHIN_MS - 1);
  request.answer(201, "{}");
  expect((await answer).status).toBe(201);
});

test.each([
  ["has not begun", 0, STALLED_AFTER_MS],
  ["has stopped half-way", 5, STALLED_AFTER_MS],
  ["is not answered", 10, ANSWER_WITHIN_MS],
])("one that %s is ended", async (_name, loaded, withinMs) => {
  const answer = begin();
  const ended = expect(answer).rejects.toBeInstanceOf(TypeError);
  if (loaded > 0) request.upload.onprogress({ loaded, total: 10 });
  if (loaded === 10) request.upload.onload();
  vi.advanceTimersByTime(withinMs - 1);
  expect(request.isAborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(request.isAborted).toBe(true);
  await ended;
});

test("a network that breaks is no answer", async () => {
  const answer = begin();
  request.onerror();
  await expect(answer).rejects.toBeInstanceOf(TypeError);
});
