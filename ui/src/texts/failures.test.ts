import { expect, test } from "vitest";

import { Refusal, Unreachable } from "../api/client.ts";
import { failureWords } from "./failures.ts";
import { CATALOGUES } from "./index.ts";

const t = CATALOGUES.en;

test.each([
  [new Unreachable("no answer"), t.errors.unreachable],
  [new Refusal(401, "no-session", [], null), t.connection["session-over"]],
  [new Refusal(403, "forbidden", [], null), t.errors.forbidden],
  [new Refusal(404, "not-found", [], null), t.errors.missing],
  [new Refusal(404, "", [], null), t.connection.stranger],
  [new Refusal(409, "no-result", [], null), t.errors.refused("no-result")],
  [new Refusal(429, "throttled", [], 7), t.connection.busy(7)],
  [new Refusal(503, "not-ready", [], null), t.connection.starting],
  [new Refusal(507, "disk-full", [], null), t.connection["disk-full"]],
])("a failure is told as what it is (%s)", (failure, words) => {
  expect(failureWords(failure, t)).toBe(words);
});

test("what nobody expected is not told as a refusal", () => {
  expect(() => failureWords(new SyntaxError("not expected"), t)).toThrow(SyntaxError);
});
