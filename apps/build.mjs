/**
 * Bundles the apps that are named, or all, into their folders `.built`, which Nx keeps; needs no network.
 *
 * With --place what is there goes to `dist`, which the edge serves. With --each-line they are bundled into `dist` for
 * each line that is read, from what is kept in memory, and the answer is `built` or `failed`.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";

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

/**
 * `import { routes } from "./routes"`: every file of the folder beside the importer, so that a route is one file.
 * @type {import("esbuild").Plugin}
 */
const routeFiles = {
  name: "route-files",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/routes$/ }, ({ resolveDir }) => ({ path: join(resolveDir, "routes"), namespace: "routes" }));
    onLoad({ filter: /.*/, namespace: "routes" }, async ({ path }) => {
      const files = (await readdir(path)).filter((name) => name.endsWith(".ts")).sort();
      const imports = files.map((file, number) => `import r${number} from "./${file}";`);
      const contents = `${imports.join("\n")}\nexport const routes = [${files.map((_, number) => `r${number}`)}];`;
      return { contents, resolveDir: path };
    });
  },
};

/**
 * zod's words in some fifty languages, of which English is used: a quarter of the bundle, read at each start.
 * @type {import("esbuild").Plugin}
 */
const oneLanguage = {
  name: "one-language",
  setup({ onLoad }) {
    onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({ contents: 'export { default as en } from "./en.js";' }));
  },
};

/** @satisfies {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: APPS,
  bundle: true,
  write: false,
  format: "esm",
  target: "es2024",
  logLevel: "warning",
};

/** @satisfies {import("esbuild").BuildOptions} */
const worker = {
  ...common,
  conditions: ["workerd", "worker"],
  mainFields: ["module", "main"],
  // pg-native is pg's optional C driver, tried only when asked for.
  external: ["cloudflare:*", "pg-native"],
  plugins: [nodeBuiltins, routeFiles, oneLanguage],
};

/** @type {Record<string, import("esbuild").BuildOptions[]>} */
const BUNDLES = {
  worker: [{ ...worker, entryPoints: ["worker/src/index.ts"], outfile: "worker/dist/index.js" }],
  web: [
    { ...worker, entryPoints: ["web/src/worker.ts"], outfile: "web/dist/worker/index.js" },
    { ...common, entryPoints: ["web/src/page.ts"], outfile: "web/dist/assets/page.js", minify: true },
  ],
};
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const apps = named.length ? named : Object.keys(BUNDLES);
if (process.argv.includes("--place")) {
  for (const app of apps) await write(app, "dist", await contents(join(APPS, app, ".built")));
} else {
  await bundle();
}

async function bundle() {
  const bundlers = await Promise.all(
    apps.map(async (app) => ({ app, contexts: await Promise.all((BUNDLES[app] ?? []).map((one) => context(one))) })),
  );
  const make = (/** @type {string} */ folder) =>
    Promise.all(
      bundlers.map(async ({ app, contexts }) => {
        const built = await Promise.all(contexts.map((one) => one.rebuild()));
        const made = await contents(join(APPS, app, "public"), "assets");
        for (const { path, contents } of built.flatMap(({ outputFiles = [] }) => outputFiles)) {
          made.set(relative(join(APPS, app, "dist"), path), contents);
        }
        await write(app, folder, made);
      }),
    );
  if (process.argv.includes("--each-line")) {
    for await (const _ of createInterface({ input: process.stdin })) {
      console.log(
        await make("dist").then(
          () => "built",
          () => "failed",
        ),
      );
    }
  } else {
    // esbuild has said what is wrong.
    await make(".built").catch(() => (process.exitCode = 1));
  }
  await Promise.all(bundlers.flatMap(({ contexts }) => contexts.map((one) => one.dispose())));
}

/**
 * Files of a folder by their path below it, or below another; none where there is no folder.
 * @param {string} folder
 */
async function contents(folder, below = "") {
  /** @type {Map<string, Uint8Array>} */
  const found = new Map();
  for (const path of existsSync(folder) ? await filesIn(folder) : []) {
    found.set(join(below, relative(folder, path)), await readFile(path));
  }
  return found;
}

/**
 * A running edge serves from `dist`: the folder stays, and no file is missing or half written at any moment.
 * @param {string} app
 * @param {string} folder
 * @param {Map<string, Uint8Array>} made
 */
async function write(app, folder, made) {
  const place = join(APPS, app, folder);
  const there = await contents(place);
  for (const [name, content] of made) {
    const path = join(place, name);
    if (there.get(name) && Buffer.compare(/** @type {Uint8Array} */ (there.get(name)), content) === 0) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, content);
    await rename(`${path}.new`, path);
  }
  for (const name of there.keys()) if (!made.has(name)) await rm(join(place, name));
}

/** @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
