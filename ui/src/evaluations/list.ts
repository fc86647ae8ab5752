/** The list of evaluations: it shows what was asked for last, however late the box answers. */

import { Refusal, Unreachable } from "../api/client.ts";
import type { Diagnosis, Inference, Page, Status } from "../api/types.ts";

/** Whose evaluations: one's own, or the last 72 hours of a unit. */
export type Scope =
  | { readonly kind: "own"; readonly userId: string }
  | { readonly kind: "unit"; readonly hospitalId: string };

/** What a list can be sorted by. */
export const COLUMNS = ["local", "rgh", "model_name", "created_in", "status", "diagnosis"] as const;
export type Column = (typeof COLUMNS)[number];

/** What the box can filter by; empty filters nothing. */
export interface Filters {
  /** How the RGH begins. */
  readonly q: string;
  /** The name of a hospital. */
  readonly local: string;
  readonly modelId: string;
  readonly status: Status | "";
  readonly diagnosis: Diagnosis | "";
  /** The first and the last day, as the calendar on the wall has them (`2026-11-25`). */
  readonly fromDay: string;
  readonly toDay: string;
}

export const NO_FILTERS: Filters = { q: "", local: "", modelId: "", status: "", diagnosis: "", fromDay: "", toDay: "" };

/** What a list is asked. */
export interface Question {
  readonly scope: Scope;
  readonly sort: Column;
  readonly isRising: boolean;
  readonly filters: Filters;
}

/** What is to be seen of it. */
export interface Shown {
  readonly rows: readonly Inference[];
  readonly hasMore: boolean;
  /** Another question waits for its answer; the rows are still those of the last one. */
  readonly isAsking: boolean;
  /** Why the box did not answer the last request; null where it did. */
  readonly failure: Refusal | Unreachable | null;
}

/** Asks the box for a page. */
export type Ask = (scope: Scope, query: Readonly<Record<string, string>>) => Promise<Page>;

const PAGE = 50;
/** More the box does not give at once. */
const MOST = 200;
const NOTHING: Shown = { rows: [], hasMore: false, isAsking: false, failure: null };

/** The list; whatever it shows, it tells. */
export class EvaluationList {
  readonly #ask: Ask;
  readonly #tell: (shown: Shown) => void;
  #question: Question | null = null;
  #shown = NOTHING;
  #next: string | null = null;
  /** The request whose answer counts; every other one came too late. */
  #turn = 0;
  #isBusy = false;
  #mustLookAgain = false;

  constructor(ask: Ask, tell: (shown: Shown) => void) {
    this.#ask = ask;
    this.#tell = tell;
  }

  /** Ask something else. Rows of another scope go at once; the others when there is an answer, or none. */
  async ask(question: Question): Promise<void> {
    const isSameScope = JSON.stringify(question.scope) === JSON.stringify(this.#question?.scope);
    this.#question = question;
    this.#next = null;
    this.#show({ ...NOTHING, rows: isSameScope ? this.#shown.rows : [], isAsking: true });
    await this.#load(() => this.#first(question, PAGE), []);
  }

  /** Ask for the next page. */
  async more(): Promise<void> {
    const { rows } = this.#shown;
    const [question, after] = [this.#question, this.#next];
    if (question === null || after === null) return;
    if (this.#isBusy) this.#mustLookAgain = true;
    await this.#load(async () => {
      const found = await this.#ask(question.scope, { ...queryOf(question), limit: String(PAGE), after });
      return { ...found, inferences: eachOnce([...rows, ...found.inferences]) };
    }, rows);
  }

  /** Look what is new in as many rows as are shown; later, where something is being asked. */
  async lookAgain(): Promise<void> {
    const { rows } = this.#shown;
    const question = this.#question;
    if (question === null) return;
    if (this.#isBusy) {
      this.#mustLookAgain = true;
      return;
    }
    await this.#load(() => this.#first(question, Math.max(PAGE, rows.length)), rows);
  }

  /** Show what is found, unless something else was asked meanwhile; where it fails, these rows. */
  async #load(find: () => Promise<Page>, otherwise: readonly Inference[]): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#isBusy = true;
    try {
      const found = await find();
      if (turn !== this.#turn) return;
      this.#next = found.next;
      this.#show({ ...NOTHING, rows: found.inferences, hasMore: found.next !== null });
    } catch (failure) {
      const told = failure instanceof Refusal || failure instanceof Unreachable ? failure : null;
      if (turn === this.#turn) {
        this.#isBusy = false;
        this.#show({ rows: otherwise, hasMore: this.#next !== null, isAsking: false, failure: told });
      }
      if (told === null) throw failure;
      if (turn !== this.#turn) return;
    }
    this.#isBusy = false;
    if (!this.#mustLookAgain) return;
    this.#mustLookAgain = false;
    await this.lookAgain();
  }

  /** Return the first rows, so many if there are, in as few pages as the box gives them. */
  async #first(question: Question, nRows: number): Promise<Page> {
    let rows: readonly Inference[] = [];
    let next: string | null = null;
    for (let nLeft = nRows; nLeft > 0; nLeft -= MOST) {
      const limit = String(Math.min(MOST, nLeft));
      const place: Readonly<Record<string, string>> = next === null ? {} : { after: next };
      const found = await this.#ask(question.scope, { ...queryOf(question), limit, ...place });
      rows = eachOnce([...rows, ...found.inferences]);
      next = found.next;
      if (next === null) break;
    }
    return { inferences: rows, next };
  }

  #show(shown: Shown): void {
    this.#shown = shown;
    this.#tell(shown);
  }
}

/** Return the parameters of a question, as the box knows them. */
export function queryOf(question: Question): Readonly<Record<string, string>> {
  const { filters, scope } = question;
  const sent = {
    q: filters.q,
    local: scope.kind === "unit" ? "" : filters.local,
    model_id: filters.modelId,
    status: filters.status,
    diagnosis: filters.diagnosis,
    from: filters.fromDay === "" ? "" : new Date(`${filters.fromDay}T00:00:00`).toISOString(),
    to: filters.toDay === "" ? "" : new Date(`${filters.toDay}T23:59:59.999`).toISOString(),
  };
  const filled = Object.entries(sent).filter(([, value]) => value !== "");
  return { sort: question.sort, order: question.isRising ? "asc" : "desc", ...Object.fromEntries(filled) };
}

/** Return how many filters are set; the search stands in its own field and is not counted. */
export function nFilters(question: Question): number {
  const { sort: _sort, order: _order, q: _q, ...filters } = queryOf(question);
  return Object.keys(filters).length;
}

/** Return how an evaluation stands by now; null where the list of its scope has it no more. */
export async function nowOf(inference: Inference, scope: Scope, ask: Ask): Promise<Inference | null> {
  const { captured_at: at, id } = inference;
  const found = await ask(scope, { from: at, to: at, limit: String(MOST) });
  return found.inferences.find((one) => one.id === id) ?? null;
}

/** Return how an RGH begins, whichever way it was typed: `1425 9401-e` is `14259401E`. */
export function beginningOf(typed: string): string {
  const text = typed.trim().toUpperCase();
  return /^[0-9][0-9 .]*(-[A-Z]?|[A-Z])?$/.test(text) ? text.replace(/[ .-]/g, "") : text;
}

/** A row that changed its place between two pages comes twice. */
function eachOnce(rows: readonly Inference[]): readonly Inference[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
