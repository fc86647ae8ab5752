import { describe, expect, it } from "vitest";

import { Unreachable } from "../api/client.ts";
import type { Inference, Page } from "../api/types.ts";
import type { Question, Scope, Shown } from "./list.ts";
import { beginningOf, EvaluationList, NO_FILTERS, nFilters, nowOf, queryOf } from "./list.ts";

const OWN: Scope = { kind: "own", userId: "ana" };
const UNIT: Scope = { kind: "unit", hospitalId: "hc" };
const question = (scope: Scope, filters: Partial<Question["filters"]> = {}): Question => ({
  scope,
  sort: "created_in",
  isRising: false,
  filters: { ...NO_FILTERS, ...filters },
});

/** One request that waits for its answer. */
interface Asked {
  readonly scope: Scope;
  readonly query: Readonly<Record<string, string>>;
  answer(page: Page): Promise<void>;
  fail(failure?: Error): Promise<void>;
}

/** Rows of a list, newest first, in pages as the box gives them. */
function pageOf(names: readonly string[], next: string | null = null): Page {
  return { inferences: names.map((id) => ({ id }) as Inference), next };
}

const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 0));

/** A list whose box answers when the test says so. */
function listed(): { list: EvaluationList; asked: Asked[]; shown: () => Shown; ids: () => string[] } {
  const asked: Asked[] = [];
  let last: Shown | null = null;
  const list = new EvaluationList(
    (scope, query) =>
      new Promise<Page>((resolve, reject) => {
        asked.push({
          scope,
          query,
          answer: (page) => (resolve(page), settled()),
          fail: (failure = new Unreachable("no answer")) => (reject(failure), settled()),
        });
      }),
    (shown) => {
      last = shown;
    },
  );
  const shown = (): Shown => {
    if (last === null) throw new Error("nothing was shown yet");
    return last;
  };
  return { list, asked, shown, ids: () => shown().rows.map(({ id }) => id) };
}

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `r${from + n}`);

describe("what is shown", () => {
  it("is what was asked for last, however late another answer comes", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    void list.ask(question(UNIT));
    await asked[1]?.answer(pageOf(["unit"]));
    await asked[0]?.answer(pageOf(["own"]));
    expect(asked.map(({ scope }) => scope)).toEqual([OWN, UNIT]);
    expect(ids()).toEqual(["unit"]);
    expect(shown().isAsking).toBe(false);
  });

  it("is nothing while another scope is asked for", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["own"], "cursor"));
    void list.ask(question(UNIT));
    expect(ids()).toEqual([]);
    expect(shown()).toMatchObject({ isAsking: true, hasMore: false });
  });

  it("stays while it is sorted or filtered otherwise, and goes where that fails", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["own"]));
    void list.ask(question(OWN, { diagnosis: "positive" }));
    expect(ids()).toEqual(["own"]);
    expect(shown().isAsking).toBe(true);
    await asked[1]?.fail();
    expect(ids()).toEqual([]);
    expect(shown().failure).toBeInstanceOf(Unreachable);
  });

  it("does not go because a late question fails", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    void list.ask(question(UNIT));
    await asked[1]?.answer(pageOf(["unit"]));
    await asked[0]?.fail();
    expect(ids()).toEqual(["unit"]);
    expect(shown().failure).toBeNull();
  });
});

describe("a fault of this app", () => {
  it("is thrown and not told as the box's, and the list may be asked again", async () => {
    const { list, asked, ids, shown } = listed();
    const first = list.ask(question(OWN));
    const thrown = expect(first).rejects.toThrow(TypeError);
    await asked[0]?.fail(new TypeError("a page without rows"));
    await thrown;
    expect(shown()).toMatchObject({ isAsking: false, failure: null });
    void list.lookAgain();
    await asked[1]?.answer(pageOf(["a"]));
    expect(ids()).toEqual(["a"]);
  });
});

describe("more of it", () => {
  it("comes below, each row once", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a", "b"], "after b"));
    expect(shown().hasMore).toBe(true);
    void list.more();
    expect(asked[1]?.query["after"]).toBe("after b");
    await asked[1]?.answer(pageOf(["b", "c"]));
    expect(ids()).toEqual(["a", "b", "c"]);
    expect(shown().hasMore).toBe(false);
  });

  it("is not asked for with the place of another question", async () => {
    const { list, asked } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a"], "after a"));
    void list.ask(question(UNIT));
    void list.more();
    expect(asked).toHaveLength(2);
  });

  it("belongs to the list it was asked for", async () => {
    const { list, asked, ids } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a"], "after a"));
    void list.more();
    void list.ask(question(UNIT));
    await asked[2]?.answer(pageOf(["unit"]));
    await asked[1]?.answer(pageOf(["b"]));
    expect(ids()).toEqual(["unit"]);
  });
});

describe("looking again", () => {
  it("asks for as many rows as are shown", async () => {
    const { list, asked, ids } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(numbered(0, 50), "after r49"));
    void list.more();
    await asked[1]?.answer(pageOf(numbered(50, 80), null));
    void list.lookAgain();
    expect(asked[2]?.query["limit"]).toBe("80");
    await asked[2]?.answer(pageOf(["new", ...numbered(0, 79)], "after r78"));
    expect(ids()).toEqual(["new", ...numbered(0, 79)]);
  });

  it("asks page by page where the box gives no more at once", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(numbered(0, 250), "after r249"));
    void list.lookAgain();
    expect(asked[1]?.query["limit"]).toBe("200");
    await asked[1]?.answer(pageOf(numbered(0, 200), "after r199"));
    expect(asked[2]?.query).toMatchObject({ limit: "50", after: "after r199" });
    await asked[2]?.answer(pageOf(numbered(200, 250), "after r249"));
    expect(ids()).toEqual(numbered(0, 250));
    expect(shown().hasMore).toBe(true);
  });

  it("keeps what is shown where that fails, and says so", async () => {
    const { list, asked, ids, shown } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a"]));
    void list.lookAgain();
    await asked[1]?.fail();
    expect(ids()).toEqual(["a"]);
    expect(shown().failure).toBeInstanceOf(Unreachable);
  });

  it("waits for what is being asked, and takes no answer away", async () => {
    const { list, asked, ids } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a"], "after a"));
    void list.more();
    void list.lookAgain();
    expect(asked).toHaveLength(2);
    await asked[1]?.answer(pageOf(["b"]));
    expect(ids()).toEqual(["a", "b"]);
    expect(asked).toHaveLength(3);
    await asked[2]?.answer(pageOf(["new", "a", "b"]));
    expect(ids()).toEqual(["new", "a", "b"]);
  });

  it("gives way to somebody who wants more, and is made up for", async () => {
    const { list, asked, ids } = listed();
    void list.ask(question(OWN));
    await asked[0]?.answer(pageOf(["a"], "after a"));
    void list.lookAgain();
    void list.more();
    await asked[1]?.answer(pageOf(["a"], "after a"));
    expect(ids()).toEqual(["a"]);
    await asked[2]?.answer(pageOf(["b"]));
    expect(ids()).toEqual(["a", "b"]);
    expect(asked).toHaveLength(4);
  });

  it("asks nothing as long as nobody asked", () => {
    const { list, asked } = listed();
    void list.lookAgain();
    expect(asked).toHaveLength(0);
  });
});

describe("a question", () => {
  it("is sent with nothing that is not filtered", () => {
    expect(queryOf(question(OWN))).toEqual({ sort: "created_in", order: "desc" });
  });

  it("is sent with each filter the box knows", () => {
    const filters = { q: "1425", local: "HC", modelId: "m", status: "error", diagnosis: "positive" } as const;
    expect(queryOf({ ...question(OWN, filters), sort: "rgh", isRising: true })).toEqual({
      ...{ sort: "rgh", order: "asc", q: "1425", local: "HC" },
      ...{ model_id: "m", status: "error", diagnosis: "positive" },
    });
  });

  it("means the days of where the tablet is", () => {
    const sent = queryOf(question(OWN, { fromDay: "2026-11-24", toDay: "2026-11-25" }));
    expect(new Date(sent["from"] ?? "")).toEqual(new Date(2026, 10, 24, 0, 0, 0, 0));
    expect(new Date(sent["to"] ?? "")).toEqual(new Date(2026, 10, 25, 23, 59, 59, 999));
  });

  it("does not ask a unit for its hospital by name", () => {
    expect(queryOf(question(UNIT, { local: "HC" }))).toEqual({ sort: "created_in", order: "desc" });
    expect(nFilters(question(UNIT, { local: "HC", fromDay: "2026-11-24" }))).toBe(1);
    expect(nFilters(question(OWN, { local: "HC", q: "14" }))).toBe(1);
  });
});

describe("one evaluation of a unit", () => {
  const [other, row] = ["other", "row"].map((id) => ({ id, captured_at: "2026-11-25T03:10:00.000001Z" }) as Inference);

  it("is looked for by its moment, which tells of nobody, and known by its id", async () => {
    if (other === undefined || row === undefined) throw new Error("no rows");
    const asked: unknown[] = [];
    const found = await nowOf(row, UNIT, async (scope, query) => {
      asked.push([scope, query]);
      return { inferences: [other, { ...row, status: "completed" }], next: null };
    });
    expect(found?.status).toBe("completed");
    expect(asked).toEqual([[UNIT, { from: row.captured_at, to: row.captured_at, limit: "200" }]]);
    expect(await nowOf(row, UNIT, async () => ({ inferences: [other], next: null }))).toBeNull();
  });
});

describe("the beginning of an RGH", () => {
  it("may be typed as it is read aloud", () => {
    expect(beginningOf(" 1425 9401-e ")).toBe("14259401E");
    expect(beginningOf("1425 9401-")).toBe("14259401");
    expect(beginningOf("14")).toBe("14");
  });

  it("stays as it is where it is of another kind", () => {
    expect(beginningOf("prov-12 a")).toBe("PROV-12 A");
    expect(beginningOf("")).toBe("");
  });
});
