import { expect, test } from "vitest";

import { isOlder } from "./versions.ts";

test.each([
  ["0.1.0", "0.2.0", true],
  ["0.9.0", "0.10.0", true],
  ["0.10.0", "0.9.9", false],
  ["1.2.3", "1.2.3", false],
  ["1.2.3", "2.0.0", true],
  ["0.1.0rc1", "0.1.1", true],
  ["0.1.0", "", false],
  ["", "0.1.0", false],
])("%s is older than %s: %s", (version, than, isIt) => {
  expect(isOlder(version, than)).toBe(isIt);
});
