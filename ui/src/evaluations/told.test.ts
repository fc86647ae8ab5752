import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";

import type { Inference, Result } from "../api/types.ts";
import { readProtocol } from "../protocol/protocol.ts";
import { CATALOGUES } from "../texts/index.ts";
import { saidOf, signsOf } from "./told.ts";

const content = new Uint8Array(readFileSync(new URL("../../../appliance/protocols/spira-2022.1.json", import.meta.url)));
const protocol = await readProtocol(content);
const t = CATALOGUES["pt-BR"];

const INFERENCE: Inference = {
  ...{ id: "i", status: "completed", user_id: "u", captured_at: "", received_at: "", model_name: "M", purpose: "inference" },
  ...{ rgh: "14259401E", local: "HC", gender: "Feminino", age: 61, mask_type: "THICK", spo2: null, spo2_at: null },
  ...{ o2_support: null, o2_flow_lpm: null, fio2_pct: null, bpm: null, respiratory_frequency: null, consent: "accepted" },
  ...{ diagnosis: "inconclusive", reason: null, first_shown_at: null, disagreed_at: null },
};
const RESULT: Result = {
  ...{ diagnosis: "inconclusive", reason: null, reason_subject: null, probability: null, model_name: "M" },
  ...{ model_version: "1", demonstration: true, error_code: null, computed_at: "" },
};

function said(inference: Partial<Inference>, result: Partial<Result> = {}): ReturnType<typeof saidOf> {
  const reason = result.reason ?? null;
  return saidOf({ ...INFERENCE, reason, ...inference }, { ...RESULT, ...result }, protocol, t, "pt-BR");
}

describe("what is said of a result", () => {
  it("is that it is being analysed, as long as it is, and nothing else", () => {
    const found = said({ status: "processing", diagnosis: null }, { diagnosis: "not available" });
    expect(found.kind).toBe("waiting");
    expect(found.title).toBe("Em análise…");
  });

  it("is that it failed and by which code, also without one", () => {
    const found = said({ status: "error" }, { error_code: "model-timeout" });
    expect(found.kind).toBe("failed");
    expect(found.title).toBe("Não foi possível calcular o resultado.");
    expect(found.text).toContain("(código model-timeout)");
    expect(said({ status: "error" }).text).toContain("Avise a TI. Não aguarde");
  });

  it("is the diagnosis in its words", () => {
    expect(said({ diagnosis: "positive" })).toEqual({ kind: "positive", ...t.result.positive });
    expect(said({ diagnosis: "negative" })).toEqual({ kind: "negative", ...t.result.negative });
  });

  it("names the recording that cannot be assessed, and why", () => {
    const recordings = [
      { id: "1", role: "sustentada", chosen: false, verdict_reasons: ["quiet"] },
      { id: "2", role: "sustentada", chosen: true, verdict_reasons: ["short", "noisy"] },
    ];
    const reason = { reason: "invalid-recording", reason_subject: "sustentada" };
    expect(said({ recordings }, reason).title).toBe(
      "Inconclusivo: a gravação não permite avaliar (“Vogal prolongada”: muito curta, muito ruído).",
    );
    expect(said({}, reason).title).toBe("Inconclusivo: a gravação não permite avaliar (“Vogal prolongada”).");
    expect(said({}, { reason: "invalid-recording" }).title).toBe("Inconclusivo: a gravação não permite avaliar.");
  });

  it("tells a reason once, and none that nobody here knows", () => {
    const recordings = [{ id: "1", role: "frase", chosen: true, verdict_reasons: ["gated", "processed", "new"] }];
    expect(said({ recordings }, { reason: "invalid-recording", reason_subject: "frase" }).title).toBe(
      "Inconclusivo: a gravação não permite avaliar (“Frase lida”: o aparelho alterou o som).",
    );
  });

  it("names the recording that is missing", () => {
    const reason = { reason: "missing-recording", reason_subject: "parlenda" };
    expect(said({}, reason).title).toBe("Inconclusivo: falta a gravação “Verso de cor”.");
    expect(said({}, { ...reason, reason_subject: null }).title).toBe("Inconclusivo: falta uma gravação.");
    expect(said({}, { ...reason, reason_subject: "tosse" }).title).toBe("Inconclusivo: falta a gravação “tosse”.");
  });

  it("names the answer that the model was not evaluated for", () => {
    const told = (subject: string): string => said({}, { reason: "outside-intended-use", reason_subject: subject }).title;
    const title = (why: string): string => `Inconclusivo: este modelo não foi avaliado para este paciente${why}.`;
    expect(told("age")).toBe(title(" (Idade: 61)"));
    expect(told("mask_type")).toBe(title(" (Máscara durante a gravação: Grossa)"));
    expect(told("language")).toBe(title(" (idioma)"));
    expect(told("protocol")).toBe(title(" (protocolo de gravação)"));
    expect(said({}, { reason: "outside-intended-use" }).title).toBe(title(""));
  });

  it("is for a reason that nobody here knows that it is inconclusive", () => {
    expect(said({}, { reason: "eclipse" })).toEqual({ kind: "inconclusive", ...t.result.inconclusive.other("") });
  });
});

describe("the signs that were measured", () => {
  const at = new Date();
  at.setHours(3, 10);

  it("stand with the oxygen and the hour they were measured under", () => {
    const oxygen = { o2_support: "nasal_cannula", o2_flow_lpm: 2.5, fio2_pct: 40 };
    const measured = { ...INFERENCE, spo2: 88, spo2_at: at.toISOString(), ...oxygen, bpm: 90, respiratory_frequency: 18 };
    expect(signsOf(measured, protocol, "pt-BR")).toEqual([
      { name: "spo2", label: "SpO₂", value: "88%", unit: "", under: ["Hora da medida: 03:10"] },
      { name: "o2_support", label: "Suporte de oxigênio agora", value: "Cateter nasal", unit: "", under: ["2,5 L/min", "FiO₂ 40%"] },
      { name: "respiratory_frequency", label: "Frequência respiratória", value: "18", unit: "irpm", under: [] },
      { name: "bpm", label: "Frequência cardíaca", value: "90", unit: "bpm", under: [] },
    ]);
  });

  it("are only those that the form has", () => {
    expect(signsOf(INFERENCE, protocol, "pt-BR")).toEqual([]);
    expect(signsOf({ ...INFERENCE, spo2: 95 }, protocol, "pt-BR")).toEqual([
      { name: "spo2", label: "SpO₂", value: "95%", unit: "", under: [] },
    ]);
    expect(signsOf({ ...INFERENCE, o2_support: "unknown" }, protocol, "pt-BR")[0]?.value).toBe("Não sei");
  });

  it("go by their own names where the protocol is not known", () => {
    expect(signsOf({ ...INFERENCE, spo2: 95, o2_support: "mask" }, null, "pt-BR")).toEqual([
      { name: "spo2", label: "spo2", value: "95", unit: "", under: [] },
      { name: "o2_support", label: "o2_support", value: "mask", unit: "", under: [] },
    ]);
  });
});
