import { describe, expect, it } from "vitest";

import { largestFitting } from "./fit-text.ts";

describe("the size of a prompt", () => {
  it("is the largest that fits", () => {
    expect(largestFitting(20, 48, (size) => size <= 31)).toBe(31);
    expect(largestFitting(20, 48, () => true)).toBe(48);
  });

  it("is never less than can be read", () => {
    expect(largestFitting(20, 48, () => false)).toBe(20);
  });
});
