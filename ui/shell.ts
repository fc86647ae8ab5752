/** Builds the service worker, which carries the list of files it keeps and their common digest, and the one that ends it. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import type { Plugin, ResolvedConfig } from "vite";
import { build } from "vite";

const WORKERS = {
  "sw.js": fileURLToPath(new URL("./src/service-worker/service-worker.ts", import.meta.url)),
  "sw-leave.js": fileURLToPath(new URL("./src/service-worker/leaving-worker.ts", import.meta.url)),
} as const;

/** Write the workers once everything else is written. */
export function shell(): Plugin {
  let config: ResolvedConfig;
  return {
    name: "shell",
    apply: "build",
    configResolved(resolved) {
      config = resolved;
    },
    async closeBundle() {
      const directory = config.build.outDir;
      const root = join(config.root, directory);
      const paths = filesIn(root).filter((path) => path !== "/index.html" && !(path.slice(1) in WORKERS));
      const digest = createHash("sha256");
      for (const path of ["/index.html", ...paths]) {
        digest.update(path).update("\0").update(readFileSync(join(root, path)));
      }
      const define = {
        __SHELL__: JSON.stringify(paths),
        __SHELL_VERSION__: JSON.stringify(digest.digest("hex").slice(0, 16)),
      };
      for (const [name, entry] of Object.entries(WORKERS)) {
        await build({
          configFile: false,
          logLevel: "warn",
          publicDir: false,
          define,
          build: {
            outDir: root,
            emptyOutDir: false,
            target: "es2022",
            lib: { entry, formats: ["es"], fileName: () => name },
          },
        });
      }
    },
  };
}

function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => `/${relative(root, path)}`)
    .filter((path) => !path.includes("/."))
    .sort();
}
