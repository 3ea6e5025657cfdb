/** Turns the edge's configuration into Miniflare's options. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @import { EdgeConfig, WorkerConfig } from "./config.mjs" */
/** @import { MiniflareOptions, WorkerOptions } from "miniflare" */

const TUNNEL_WORKER = fileURLToPath(new URL("tunnel-worker.mjs", import.meta.url));
const CONTROL_WORKER = fileURLToPath(new URL("control-worker.mjs", import.meta.url));

/**
 * Every worker listens on a socket of its own; Miniflare's entry, with its development extras, is not used.
 * @param {EdgeConfig} config
 * @returns {MiniflareOptions}
 */
export function miniflareOptions(config) {
  return {
    host: config.host,
    port: 0,
    // Neither fetches Cloudflare's description of a request nor anything else from the internet.
    cf: false,
    r2Persist: join(config.state, "r2"),
    workers: [...config.workers.map((worker) => workerOptions(worker, config)), controlWorker(config), ...tunnelWorker(config)],
  };
}

/**
 * @param {WorkerConfig} worker
 * @param {EdgeConfig} config
 * @returns {WorkerOptions}
 */
function workerOptions(worker, { host, entry, direct }) {
  const ports = [entry, direct].filter((socket) => socket.worker === worker.name).map((socket) => socket.port);
  return {
    name: worker.name,
    ...modules(worker),
    compatibilityDate: worker.compatibilityDate,
    compatibilityFlags: worker.compatibilityFlags,
    bindings: worker.vars,
    serviceBindings: worker.services,
    ratelimits: ratelimits(worker),
    hyperdrives: worker.hyperdrives,
    r2Buckets: worker.r2Buckets,
    ...(worker.assets ? { assets: assets(worker, worker.assets) } : {}),
    unsafeDirectSockets: ports.map((port) => ({ host, port })),
  };
}

/**
 * The first module is the one that answers requests.
 * @param {WorkerConfig} worker
 */
function modules({ modules, mainModule }) {
  const ordered = [...modules].sort((a, b) => Number(b.name === mainModule) - Number(a.name === mainModule));
  // Module names are relative to this root; workerd refuses one that climbs out of it.
  return { modulesRoot: "/", modules: ordered.map(({ path }) => ({ type: /** @type {const} */ ("ESModule"), path })) };
}

/** @param {WorkerConfig} worker */
function ratelimits({ ratelimits }) {
  return Object.fromEntries(
    Object.entries(ratelimits).map(([binding, { namespaceId, limit, period }]) => [
      binding,
      { namespace_id: namespaceId, simple: { limit, period } },
    ]),
  );
}

/**
 * @param {WorkerConfig} worker
 * @param {NonNullable<WorkerConfig["assets"]>} settings
 */
function assets({ name }, { directory, binding, runWorkerFirst, htmlHandling, notFoundHandling }) {
  const rules = Array.isArray(runWorkerFirst) ? runWorkerFirst : [];
  return {
    workerName: name,
    directory,
    binding,
    routerConfig: {
      has_user_worker: true,
      invoke_user_worker_ahead_of_assets: runWorkerFirst === true,
      ...(rules.length ? { static_routing: { user_worker: rules } } : {}),
    },
    assetConfig: { html_handling: htmlHandling, not_found_handling: notFoundHandling },
  };
}

/**
 * Bound to every declared bucket under the bucket's own name, which has no capitals; BUILD is what the bundles are.
 * @param {EdgeConfig} config
 * @returns {WorkerOptions}
 */
function controlWorker({ host, control, build, buckets }) {
  return {
    name: "edge-control",
    modulesRoot: "/",
    modules: [{ type: "ESModule", path: CONTROL_WORKER }],
    compatibilityDate: "2026-07-01",
    bindings: { BUILD: build },
    r2Buckets: Object.fromEntries(buckets.map((name) => [name, name])),
    unsafeDirectSockets: [{ host, port: control.port }],
  };
}

/**
 * None where no path past Hyperdrive is declared.
 * @param {EdgeConfig} config
 * @returns {WorkerOptions[]}
 */
function tunnelWorker({ host, tunnel }) {
  if (!tunnel) return [];
  const { port, clientId, clientSecret, target } = tunnel;
  return [
    {
      name: "tunnel",
      modulesRoot: "/",
      modules: [{ type: "ESModule", path: TUNNEL_WORKER }],
      compatibilityDate: "2026-07-01",
      compatibilityFlags: ["nodejs_compat"],
      bindings: { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, TARGET: target },
      unsafeDirectSockets: [{ host, port }],
    },
  ];
}
