/**
 * Bundles the API Worker and the site; needs no network.
 *
 * With --each-line it does so for each line that it reads, from what it has kept in memory, and answers with `built` or
 * `failed`; the faults stand on stderr.
 */
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
  plugins: [nodeBuiltins, routeFiles],
};

const bundles = await Promise.all([
  context({ ...worker, entryPoints: ["worker/src/index.ts"], outfile: "worker/dist/index.js" }),
  context({ ...worker, entryPoints: ["web/src/worker.ts"], outfile: "web/dist/worker/index.js" }),
  context({ ...common, entryPoints: ["web/src/page.ts"], outfile: "web/dist/assets/page.js", minify: true }),
]);
if (process.argv[2] === "--each-line") {
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(
      await make().then(
        () => "built",
        () => "failed",
      ),
    );
  }
} else {
  // esbuild has said what is wrong.
  await make().catch(() => (process.exitCode = 1));
}
await Promise.all(bundles.map((bundle) => bundle.dispose()));

async function make() {
  const built = await Promise.all(bundles.map((bundle) => bundle.rebuild()));
  const made = new Map(built.flatMap(({ outputFiles = [] }) => outputFiles.map(({ path, contents }) => [path, contents])));
  const publicFolder = join(APPS, "web/public");
  for (const path of await filesIn(publicFolder)) {
    made.set(join(APPS, "web/dist/assets", relative(publicFolder, path)), await readFile(path));
  }
  // A running edge serves from these folders: they stay, and no file is missing or half written at any moment.
  for (const [path, contents] of made) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, contents);
    await rename(`${path}.new`, path);
  }
  for (const folder of ["worker/dist", "web/dist"]) {
    for (const path of await filesIn(join(APPS, folder))) if (!made.has(path)) await rm(path);
  }
}

/** @param {string} folder */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
