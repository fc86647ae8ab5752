import { expect, test } from "vitest";

import { writtenTime } from "./index.ts";

test.each([
  ["today", new Date(2026, 10, 26, 0, 5), "00:05", "00:05"],
  ["yesterday", new Date(2026, 10, 25, 22, 10), "ontem, 22:10", "yesterday, 22:10"],
  ["before", new Date(2026, 10, 24, 22, 10), "24/11, 22:10", "11/24, 22:10"],
  ["tomorrow, by a clock set back", new Date(2026, 10, 27, 1, 0), "27/11, 01:00", "11/27, 01:00"],
])("a time %s is written with as much of its day as is needed", (_, at, portuguese, english) => {
  const now = new Date(2026, 10, 26, 9, 0);
  expect(writtenTime(at, now, "pt-BR")).toBe(portuguese);
  expect(writtenTime(at, now, "en")).toBe(english);
});

test("the day before the first of a month is yesterday, too", () => {
  expect(writtenTime(new Date(2026, 1, 28, 23, 0), new Date(2026, 2, 1, 1, 0), "pt-BR")).toBe("ontem, 23:00");
});
