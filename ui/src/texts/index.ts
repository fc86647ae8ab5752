/** The catalogues, and how dates and numbers are written. */

import { en } from "./en.ts";
import type { Texts } from "./pt-BR.ts";
import { ptBR } from "./pt-BR.ts";

export type { Texts };
export type Language = "pt-BR" | "en";

export const CATALOGUES: Readonly<Record<Language, Texts>> = { "pt-BR": ptBR, en };
export const LANGUAGES = Object.keys(CATALOGUES) as Language[];

/** Return a time of day, with the day where it is not today: "ontem, 22:10", "23/11, 22:10". */
export function writtenTime(at: Date, now: Date, language: Language): string {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const day = { day: "2-digit", month: "2-digit" } as const;
  const isToday = at.toDateString() === now.toDateString();
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (at.toDateString() === yesterday.toDateString()) {
    const word = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-1, "day");
    return `${word}, ${new Intl.DateTimeFormat(language, time).format(at)}`;
  }
  return new Intl.DateTimeFormat(language, isToday ? time : { ...day, ...time }).format(at);
}

/** Return a share as a percentage without a space (88%). */
export function writtenPct(pct: number, language: Language): string {
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: 0 }).format(pct)}%`;
}

/** Return a number as people of the language write it. */
export function writtenNumber(value: number, language: Language): string {
  return new Intl.NumberFormat(language).format(value);
}
