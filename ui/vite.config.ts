import { readFileSync } from "node:fs";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { shell } from "./shell.ts";

/** The release of the box is that of its app. */
function version(): string {
  const source = readFileSync(new URL("../appliance/__init__.py", import.meta.url), "utf8");
  const match = /__version__ = "([^"]+)"/.exec(source);
  if (match?.[1] === undefined) throw new Error("appliance/__init__.py names no version");
  return match[1];
}

/** Built into the package that serves it; nothing built is committed. */
export default defineConfig({
  plugins: [svelte(), shell()],
  define: { __APP_VERSION__: JSON.stringify(version()) },
  build: {
    outDir: "../appliance/ui",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // CSP allows no data: URLs
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
