import { expect, test } from "vitest";

import { Refusal, Unreachable } from "../api/client.ts";
import { failureWords, parkedWords } from "./failures.ts";
import { CATALOGUES } from "./index.ts";

const t = CATALOGUES.en;

test.each([
  [new Unreachable("no answer"), t.errors.unreachable],
  [new Refusal(401, "no-session", [], null), t.connection["session-over"]],
  [new Refusal(403, "forbidden", [], null), t.errors.forbidden],
  [new Refusal(404, "not-found", [], null), t.errors.missing],
  [new Refusal(404, "", [], null), t.connection.stranger],
  [new Refusal(409, "no-result", [], null), t.errors.refused("no-result")],
  [new Refusal(409, "content-conflict", [], null), t.errors.conflict],
  [new Refusal(413, "too-large", [], null), t.errors["too-large"]],
  [new Refusal(415, "unsupported-audio", [], null), t.errors["audio-format"]],
  [new Refusal(429, "throttled", [], 7), t.connection.busy(7)],
  [new Refusal(503, "not-ready", [], null), t.connection.starting],
  [new Refusal(507, "disk-full", [], null), t.connection["disk-full"]],
])("a failure is told as what it is (%s)", (failure, words) => {
  expect(failureWords(failure, t)).toBe(words);
});

test("what nobody expected is not told as a refusal", () => {
  expect(() => failureWords(new SyntaxError("not expected"), t)).toThrow(SyntaxError);
});

test.each([
  ["content-conflict", [], t.errors.conflict],
  ["too-large", [], t.errors["too-large"]],
  ["unsupported-audio", [], t.errors["audio-format"]],
  ["unsupported-media-type", [], t.errors["audio-format"]],
  ["invalid-form", ["SpO₂ (%)", "Age"], t.errors.invalid("SpO₂ (%), Age")],
  ["invalid-form", [], t.errors.refused("invalid-form")],
  ["not-allowed", [], t.errors.forbidden],
  ["bytes-lost", [], t.errors["bytes-lost"]],
  ["receipt", [], t.errors.receipt],
  ["envelope-refused", [], t.errors.refused("envelope-refused")],
])("why an item is parked is told as what it is (%s)", (code, fields, words) => {
  expect(parkedWords(code, fields, t)).toBe(words);
});

test("the words of the contract are said as they stand there", () => {
  const { errors } = CATALOGUES["pt-BR"];
  expect(errors.conflict).toBe("Este item já existe com outro conteúdo. Nada foi apagado. Avise a TI.");
  expect(errors["too-large"]).toBe("Gravação grande demais.");
  expect(errors["audio-format"]).toBe("Formato de áudio não aceito.");
  expect(errors.invalid("Idade")).toBe("Faltam ou estão errados: Idade.");
});
