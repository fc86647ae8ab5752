import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";

import vectors from "../../../tests/vectors/spira-2022.1.json" with { type: "json" };
import { localInstant } from "./answers.ts";
import {
  ABSENT_REASONS,
  absentReason,
  alerts,
  checkForm,
  completeForm,
  mayBeUnmeasured,
  softWarnings,
  withoutHidden,
} from "./form.ts";
import type { Answers, Protocol } from "./protocol.ts";
import * as patterns from "./patterns.ts";
import { ProtocolUnreadable, readProtocol } from "./protocol.ts";
import type { RghRule } from "./rgh.ts";
import { checkRgh, maskedRgh, spokenRgh } from "./rgh.ts";

const DOCUMENT = new URL("../../../appliance/protocols/spira-2022.1.json", import.meta.url);
const context = { capturedAt: vectors.captured_at, hospitals: vectors.hospitals };
let protocol: Protocol;

beforeAll(async () => {
  protocol = await readProtocol(new Uint8Array(readFileSync(DOCUMENT)));
});

test("the vectors are of the shipped protocol", () => {
  expect({ id: protocol.id, sha256: protocol.sha256 }).toEqual(vectors.protocol);
  expect(Object.keys(protocol.absentReasonLabels["pt-BR"] ?? {})).toEqual([...ABSENT_REASONS]);
});

test("what is measured and optional may be left out, with a reason of the protocol's", () => {
  const measured = ["spo2", "o2_flow_lpm", "fio2_pct", "bpm", "respiratory_frequency"];
  expect(protocol.fields.filter(mayBeUnmeasured).map(({ name }) => name)).toEqual(measured);
  expect(absentReason("spo2", { spo2_absent_reason: "not_possible" })).toBe("not_possible");
  expect(absentReason("spo2", { spo2_absent_reason: null, bpm_absent_reason: "refused" })).toBeNull();
  expect(absentReason("spo2", { spo2_absent_reason: "forgotten" })).toBeNull();
});

describe("answers that are valid on the box", () => {
  test.each(vectors.valid_forms.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    const answers = v.answers as unknown as Answers;
    expect(checkForm(protocol, answers, context)).toEqual([]);
    const form = completeForm(protocol, answers);
    expect(JSON.stringify(form)).toBe(JSON.stringify(v.form));
    expect(alerts(protocol, form).map(({ field }) => field)).toEqual(v.alerts);
    expect(softWarnings(protocol, form).map(({ field }) => field)).toEqual(v.soft_warnings);
    expect(withoutHidden(protocol, answers)).toEqual(answers);
  });
});

describe("answers that the box refuses", () => {
  test.each(vectors.invalid_forms.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    const found = checkForm(protocol, v.answers as unknown as Answers, context);
    expect(found.map(({ field, code }) => [field, code])).toEqual(v.errors);
  });
});

test("answers to what is not asked any more are left out, with all that hangs on them", () => {
  const answers = { covid_status: "FALSE", hospitalized: true, hospitalization_start: "2026-01-01" };
  expect(withoutHidden(protocol, answers)).toEqual({ covid_status: "FALSE" });
});

describe("check letters", () => {
  test.each(vectors.rgh.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    expect(checkRgh(v.rgh, v.rule as RghRule | null)).toBe(v.check);
  });
});

test("an RGH in full is read in groups, and masked it shows only its end", () => {
  expect(spokenRgh("14259401E")).toBe("1425 9401-E");
  expect(maskedRgh("14259401E")).toBe("•••••401E");
  expect(maskedRgh("A")).toBe("•");
});

describe("patterns end where the text ends", () => {
  test.each(vectors.patterns.map((vector) => [vector.name, vector] as const))("%s", (_, v) => {
    expect(Object.values(patterns)).toContain(v.pattern);
    expect(patterns.matches(v.pattern, v.text)).toBe(v.matches);
  });
});

test.each(["", "{", "[]", '{"id": 7}', "{\"id\": \"x\"}"])("%j is no protocol", async (content) => {
  const bytes = new TextEncoder().encode(content);
  await expect(readProtocol(bytes)).rejects.toBeInstanceOf(ProtocolUnreadable);
});

test("a rule that this app does not know makes a document unreadable, never unchecked", async () => {
  const document = JSON.parse(readFileSync(DOCUMENT, "utf-8"));
  document.form.properties.age.multipleOf = 5;
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  await expect(readProtocol(bytes)).rejects.toBeInstanceOf(ProtocolUnreadable);
});

test("late in the evening, tomorrow by UTC is still in the future", () => {
  const capturedAt = localInstant(new Date("2026-11-24T01:30:00.000Z"), -180);
  expect(capturedAt).toBe("2026-11-23T22:30:00.000-03:00");
  const answers = { ...vectors.valid_forms[0]?.answers, covid_status: "TRUE" };
  const errors = (day: string): unknown[] =>
    checkForm(protocol, { ...answers, last_positive_diagnose_date: day }, { ...context, capturedAt });
  expect(errors("2026-11-23")).toEqual([]);
  expect(errors("2026-11-24")).toEqual([{ field: "last_positive_diagnose_date", code: "future" }]);
  expect(localInstant(new Date("2026-11-23T22:00:00.000Z"), 330)).toBe("2026-11-24T03:30:00.000+05:30");
});
