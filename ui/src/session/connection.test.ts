import { expect, test } from "vitest";

import { afterAttempt } from "./connection.ts";

const UNKNOWN = { kind: "unknown" } as const;

test.each([
  [401, "unauthenticated", { kind: "session-over" }],
  [403, "forbidden", { kind: "faulty", status: 403 }],
  [429, "too-many", { kind: "busy", retryAfterS: 9 }],
  [500, "unexpected", { kind: "faulty", status: 500 }],
  [503, "not-ready", { kind: "starting" }],
  [507, "disk-full", { kind: "disk-full" }],
  [502, "", { kind: "starting" }],
  [401, "", { kind: "stranger" }],
  [404, "", { kind: "stranger" }],
  [200, "", { kind: "stranger" }],
])("a refusal %i (%s) is told as what it is", (status, code, told) => {
  expect(afterAttempt(UNKNOWN, { kind: "refused", status, code, retryAfterS: 9 }, 0)).toEqual(told);
});

test("without an answer, the time since then stays", () => {
  const first = afterAttempt(UNKNOWN, { kind: "unreachable" }, 1);
  expect(afterAttempt(first, { kind: "unreachable" }, 2)).toEqual({ kind: "none", since: 1 });
  expect(afterAttempt(first, { kind: "idle" }, 3)).toEqual({ kind: "connected" });
});
