import { describe, expect, it } from "vitest";

import { erasedBefore, typedInto } from "./typing.ts";

describe("what a key of the keypad does to a field", () => {
  it("puts the character where the caret is, over what is marked", () => {
    expect(typedInto({ text: "1459", start: 2, end: 2 }, "2")).toEqual({ text: "14259", start: 3, end: 3 });
    expect(typedInto({ text: "14999", start: 2, end: 5 }, "2")).toEqual({ text: "142", start: 3, end: 3 });
  });

  it("erases what is marked, or the one before the caret", () => {
    expect(erasedBefore({ text: "1425", start: 4, end: 4 })).toEqual({ text: "142", start: 3, end: 3 });
    expect(erasedBefore({ text: "1425", start: 1, end: 3 })).toEqual({ text: "15", start: 1, end: 1 });
    expect(erasedBefore({ text: "1425", start: 0, end: 0 })).toEqual({ text: "1425", start: 0, end: 0 });
  });
});
