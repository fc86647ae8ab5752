import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";

import { readProtocol } from "../../protocol/protocol.ts";
import { CATALOGUES } from "../../texts/index.ts";
import { toldSigns } from "./alerts.ts";

const content = new Uint8Array(readFileSync(new URL("../../../../appliance/protocols/spira-2022.1.json", import.meta.url)));
const protocol = await readProtocol(content);
const told = (answers: Record<string, string | number>): string[] =>
  toldSigns(protocol, answers, CATALOGUES["pt-BR"], "pt-BR").map(({ text }) => text);

describe("a sign out of bounds", () => {
  it("names the first value that is well as the limit", () => {
    expect(told({ spo2: 91 })).toEqual(["SpO₂ medida: 91%. Abaixo do limite do hospital (92%)."]);
    expect(told({ spo2: 92 })).toEqual([]);
    expect(told({ respiratory_frequency: 25 })).toEqual(["Frequência respiratória medida: 25. Acima do limite do hospital (24)."]);
    expect(told({ respiratory_frequency: 8 })).toEqual(["Frequência respiratória medida: 8. Abaixo do limite do hospital (9)."]);
  });

  it("is not told of a value that cannot be, as half a number is while it is typed", () => {
    expect(told({ spo2: 9 })).toEqual([]);
    expect(told({ respiratory_frequency: 2 })).toEqual([]);
  });

  it("names its field", () => {
    const signs = toldSigns(protocol, { spo2: 88, respiratory_frequency: 30 }, CATALOGUES.en, "en");
    expect(signs.map(({ field }) => field)).toEqual(["spo2", "respiratory_frequency"]);
  });

  it("is told with the oxygen and the time it was measured under", () => {
    const at = new Date();
    at.setHours(3, 10);
    const answers = { spo2: 88, o2_support: "nasal_cannula", o2_flow_lpm: 2, spo2_at: at.toISOString() };
    expect(told(answers)[0]).toContain("SpO₂ medida: 88% com cateter nasal, 2 L/min, às 03:10. Abaixo do limite do hospital (92%).");
  });

  it("is told with the day where it was measured before today", () => {
    const at = new Date();
    at.setDate(at.getDate() - 1);
    at.setHours(22, 10);
    expect(told({ spo2: 88, spo2_at: at.toISOString() })[0]).toContain("SpO₂ medida: 88%, ontem, 22:10. Abaixo");
  });

  it("keeps an abbreviation as it is, and does not tell of what nobody knows", () => {
    expect(told({ spo2: 88, o2_support: "niv" })[0]).toContain("SpO₂ medida: 88% com VNI (CPAP ou BiPAP). ");
    expect(told({ spo2: 88, o2_support: "unknown" })[0]).toContain("SpO₂ medida: 88%. ");
  });
});
