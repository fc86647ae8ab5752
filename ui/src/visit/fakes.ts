/** A patient of the tests: one visit at each point of its way. */

import { readFileSync } from "node:fs";

import { readProtocol } from "../protocol/protocol.ts";
import * as identity from "./identity.ts";
import * as steps from "./steps.ts";
import * as takes from "./takes.ts";
import type { Consent, Visit } from "./visit.ts";
import { begin } from "./visit.ts";

const DOCUMENT = new URL("../../../appliance/protocols/spira-2022.1.json", import.meta.url);
export const protocol = await readProtocol(new Uint8Array(readFileSync(DOCUMENT)));
export const HC = {
  pattern: "[0-9]{8}[A-K]",
  length: 9,
  weights: [0, 8, 7, 6, 5, 4, 3, 1],
  modulus: 11,
  letter_base: 64,
};
export const context = { capturedAt: "2026-11-25T03:10:00.000-03:00", hospitals: ["Hospital das Clínicas"] };
export const ESSENTIALS = {
  rgh: "14259401E",
  local: "Hospital das Clínicas",
  gender: "Feminino",
  mask_type: "NONE",
  covid_status: "FALSE",
} as const;

export function consent(): Consent {
  return {
    givenBy: "patient",
    relationship: null,
    witnessPresent: false,
    textSha256: protocol.consents["pt-BR"]?.sha256 ?? "",
    language: "pt-BR",
    purposes: { study: true, future_research: true, audio_sharing: false },
    takenAt: "2026-11-25T06:09:00.000Z",
  };
}

export function take(role: string, id: string): Parameters<typeof takes.takeKept>[1] {
  return {
    id,
    role,
    startedAt: "2026-11-25T06:10:00.000Z",
    stopReason: "professional",
    promptSha256: "0".repeat(64),
    gaps: 0,
    capture: {
      echo_cancellation: false,
      noise_suppression: false,
      auto_gain_control: false,
      voice_isolation: null,
      sample_rate_hz: 48_000,
      device: null,
      user_agent: null,
    },
    verdict: "ok",
    reasons: [],
    roomDb: role === "ruido" ? -55 : null,
    nBytes: 1000,
    sha256: "0".repeat(64),
  };
}

export function started(): Visit {
  return begin("visit-1", context.capturedAt, protocol, { ...ESSENTIALS });
}

export function agreed(): Visit {
  const checked = identity.identified(steps.goOn(started(), protocol), protocol, "wristband");
  return steps.consented(checked, protocol, consent());
}

export function recorded(): Visit {
  return protocol.recordings.reduce(
    (visit, { role }) => steps.goOn(takes.takeKept(visit, take(role, `take-${role}`)), protocol),
    agreed(),
  );
}
