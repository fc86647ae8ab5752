import { expect, test } from "vitest";

import { routeShell } from "./routing.ts";

const CACHE = "spira-shell-1";

test("a browser that knows static routes is told of the shell, and that all else is the box's", async () => {
  const told: unknown[] = [];
  const addRoutes = async (rules: readonly unknown[]): Promise<void> => void told.push(...rules);
  await routeShell({ addRoutes }, ["/", "/app.js"], CACHE);
  const ofShell = (pathname: string): unknown => ({
    condition: { requestMethod: "GET", urlPattern: { pathname, search: "" } },
    source: { cacheName: CACHE },
  });
  const ofBox = { condition: { not: { requestMode: "navigate" } }, source: "network" };
  expect(told).toEqual([ofShell("/"), ofShell("/app.js"), ofBox]);
});

test("one that knows no static routes, or not these, installs the worker all the same", async () => {
  await routeShell({}, ["/"], CACHE);
  await routeShell({ addRoutes: () => Promise.reject(new TypeError("a condition is empty")) }, ["/"], CACHE);
  const throwing = (): never => {
    throw new TypeError("not these");
  };
  await routeShell({ addRoutes: throwing }, ["/"], CACHE);
});
