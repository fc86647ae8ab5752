import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Built into the package that serves it; nothing built is committed. */
export default defineConfig({
  plugins: [svelte()],
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
