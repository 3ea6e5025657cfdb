/** The edge's configuration file: what may stand in it, and one line about all that is wrong with it. */
import { existsSync, readFileSync, statSync } from "node:fs";
import * as z from "zod";

/** The file is missing, is not JSON, or does not hold what it must. */
export class ConfigError extends Error {}

const port = z.int().min(1).max(65535);
const absolutePath = z.string().startsWith("/", "must be an absolute path");
const connectionString = z
  .url({ protocol: /^postgres(ql)?$/, message: "must be a postgres:// connection string" })
  .refine((url) => !url.includes("?"), {
    message: "must have no query string; it is used as it is, without TLS",
  });
const bindings = z.record(z.string(), z.string().min(1)).default({});

const Worker = z.strictObject({
  name: z.string().min(1),
  modules: z
    .array(z.strictObject({ name: z.string().min(1), path: absolutePath, type: z.literal("esm") }))
    .min(1),
  mainModule: z.string(),
  compatibilityDate: z.iso.date(),
  compatibilityFlags: z.array(z.string()).default([]),
  hyperdrives: z.record(z.string(), connectionString).default({}),
  r2Buckets: bindings,
  vars: z.record(z.string(), z.json()).default({}),
  services: bindings,
  // Workers may count over these two spans only.
  ratelimits: z
    .record(
      z.string(),
      z.strictObject({
        namespaceId: z.string().min(1),
        limit: z.int().positive(),
        period: z.union([z.literal(10), z.literal(60)]),
      }),
    )
    .default({}),
  assets: z
    .strictObject({
      directory: absolutePath,
      binding: z.string().min(1).default("ASSETS"),
      runWorkerFirst: z.union([z.boolean(), z.array(z.string().startsWith("/"))]).default(false),
      htmlHandling: z
        .enum(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"])
        .default("auto-trailing-slash"),
      notFoundHandling: z.enum(["single-page-application", "404-page", "none"]).default("none"),
    })
    .nullable()
    .default(null),
});

const Config = z.strictObject({
  host: z.literal("127.0.0.1"),
  state: absolutePath,
  // Names the bundles by their content; the control port tells which are served.
  build: z.string(),
  entry: z.strictObject({ port, worker: z.string() }),
  direct: z.strictObject({ port, worker: z.string() }),
  control: z.strictObject({ port }),
  // What leads to the pooler past Hyperdrive, and the service token that it asks for.
  tunnel: z
    .strictObject({ port, clientId: z.string().min(1), clientSecret: z.string().min(1), target: port })
    .nullable()
    .default(null),
  workers: z.array(Worker).min(1),
  buckets: z.array(z.string().min(1)).default([]),
});

/** @typedef {z.infer<typeof Config>} EdgeConfig */
/** @typedef {z.infer<typeof Worker>} WorkerConfig */

/**
 * Throws ConfigError, which never repeats a value: connection strings hold passwords.
 * @param {string} path
 * @returns {EdgeConfig}
 */
export function readConfig(path) {
  const result = Config.safeParse(parseFile(path));
  const faults = result.success
    ? danglingReferences(result.data)
    : result.error.issues.map(({ path: where, message }) => `${where.join(".") || "the file"}: ${message}`);
  if (!result.success || faults.length) throw new ConfigError(`${path}: ${faults.join("; ")}`);
  return result.data;
}

/** @param {string} path */
function parseFile(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) throw new ConfigError(`${path}: not valid JSON`);
    throw new ConfigError(`${path}: can't be read (${/** @type {NodeJS.ErrnoException} */ (error).code})`);
  }
}

/**
 * Names of workers and files that do not exist.
 * @param {EdgeConfig} config
 */
function danglingReferences(config) {
  const names = config.workers.map(({ name }) => name);
  const named = (/** @type {string} */ where, /** @type {string} */ name) =>
    names.includes(name) ? [] : [`${where}: no worker is called '${name}'; there are ${names.join(", ")}`];
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [
    ...[...twice].map((name) => `workers: two are called '${name}'`),
    ...named("entry.worker", config.entry.worker),
    ...named("direct.worker", config.direct.worker),
    ...config.workers.flatMap((worker) => [
      ...Object.entries(worker.services).flatMap(([key, name]) => named(`${worker.name}.services.${key}`, name)),
      ...missingFiles(worker),
    ]),
  ];
}

/** @param {WorkerConfig} worker */
function missingFiles({ name, modules, mainModule, assets }) {
  const faults = modules
    .filter(({ path }) => !existsSync(path))
    .map(({ path }) => `${name}: module ${path} does not exist; 'npm run build' makes it`);
  if (!modules.some((module) => module.name === mainModule)) {
    faults.push(`${name}.mainModule: no module is called '${mainModule}'`);
  }
  if (assets && !statSync(assets.directory, { throwIfNoEntry: false })?.isDirectory()) {
    faults.push(`${name}: assets folder ${assets.directory} does not exist; 'npm run build' makes it`);
  }
  return faults;
}
