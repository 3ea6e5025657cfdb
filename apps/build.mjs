/** Bundles the API Worker and the site; needs no network. */
import { cp, rm } from "node:fs/promises";
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const APPS = fileURLToPath(new URL(".", import.meta.url));

/**
 * CommonJS packages (pg) say `require("events")`, which a module can't do; workerd only has `import "node:events"`.
 * @type {import("esbuild").Plugin}
 */
const nodeBuiltins = {
  name: "node-builtins",
  setup({ onResolve, onLoad }) {
    const names = new RegExp(`^(node:)?(${builtinModules.join("|")})$`);
    onResolve({ filter: names }, ({ path, kind }) => {
      const name = `node:${path.replace("node:", "")}`;
      return kind === "require-call" ? { path: name, namespace: "builtin" } : { path: name, external: true };
    });
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `import builtin from "${path}"; module.exports = builtin;`,
    }));
  },
};

/** @type {import("esbuild").BuildOptions} */
const common = { absWorkingDir: APPS, bundle: true, format: "esm", target: "es2024", logLevel: "warning" };

/** @type {import("esbuild").BuildOptions} */
const worker = {
  ...common,
  conditions: ["workerd", "worker"],
  mainFields: ["module", "main"],
  // pg-native is pg's optional C driver, tried only when asked for.
  external: ["cloudflare:*", "pg-native"],
  plugins: [nodeBuiltins],
};

for (const app of ["worker", "web"]) await rm(`${APPS}${app}/dist`, { recursive: true, force: true });
await cp(`${APPS}web/public`, `${APPS}web/dist/assets`, { recursive: true });
await Promise.all([
  build({ ...worker, entryPoints: ["worker/src/index.ts"], outfile: "worker/dist/index.js" }),
  build({ ...worker, entryPoints: ["web/src/worker.ts"], outfile: "web/dist/worker/index.js" }),
  build({ ...common, entryPoints: ["web/src/page.ts"], outfile: "web/dist/assets/page.js", minify: true }),
]);
