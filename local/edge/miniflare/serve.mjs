/**
 * Serves the declared Workers on one machine: `node serve.mjs CONFIG.json`.
 *
 * SIGHUP has it read the configuration and the bundles again; the ports stay. Runs until SIGTERM, SIGINT or the end of
 * its parent, and leaves no process behind.
 * Exits with 2 when the configuration is wrong, with 1 when it can't be served.
 */
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, readConfig } from "./config.mjs";
import { miniflareOptions } from "./miniflare-options.mjs";

/** @import { Miniflare } from "miniflare" */

const PARENT_CHECK_MS = 500;
// What a Worker may use (Cloudflare, Workers limits); without a limit workerd keeps 140 MB more after 5,000 requests.
const WORKER_MEMORY_MB = 128;

try {
  const [path, ...surplus] = process.argv.slice(2);
  if (!path || surplus.length) throw new ConfigError("give one configuration file: serve.mjs CONFIG.json");
  await serve(path);
} catch (error) {
  fail(error);
}

/** @param {unknown} error */
function fail(error) {
  console.error(`edge: ${error instanceof Error ? error.message : error}`);
  process.exit(error instanceof ConfigError ? 2 : 1);
}

/** @param {string} path */
async function serve(path) {
  const config = readConfig(path);
  /** @type {PromiseWithResolvers<Miniflare>} */
  const { promise: started, resolve } = Promise.withResolvers();
  reloadOnHangup(path, started);
  const { entry: site, direct: api, control, tunnel } = config;
  const sockets = { site, api, control, ...(tunnel && { tunnel }) };
  for (const [part, { port }] of Object.entries(sockets)) await refuseTakenPort(part, port, config.host);
  prepareEnvironment(config.state);
  // Takes half a second, which a wrong configuration need not wait for.
  const { Log, LogLevel, Miniflare } = await import("miniflare");
  const miniflare = new Miniflare({ ...miniflareOptions(config), log: new Log(LogLevel.WARN) });
  stopWithParent(miniflare);
  await miniflare.ready;
  resolve(miniflare);
  for (const [part, { port }] of Object.entries(sockets)) {
    console.log(`edge: ${part} on http://${config.host}:${port}`);
  }
}

/**
 * Asked while it still starts, it reads once more when it has. What can't be served ends it, as at its start.
 * @param {string} path
 * @param {Promise<Miniflare>} started
 */
function reloadOnHangup(path, started) {
  process.on("SIGHUP", () => {
    started.then((miniflare) => miniflare.setOptions(miniflareOptions(readConfig(path)))).catch(fail);
  });
}

/**
 * The runtime would only say that it failed to start.
 * @param {string} part
 * @param {number} port
 * @param {string} host
 */
async function refuseTakenPort(part, port, host) {
  const server = net.createServer().listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new Error(`port ${port} (${part}) can't be listened on: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
  await new Promise((closed) => server.close(closed));
}

/**
 * Temporary files go into the state folder, where a killed run's are swept away by the next.
 * @param {string} state
 */
function prepareEnvironment(state) {
  const temporary = join(state, "tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  process.env["TMPDIR"] = temporary;
  process.env["EDGE_WORKERD"] = createRequire(import.meta.resolve("miniflare"))("workerd").default;
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] = `--max-heap-size=${WORKER_MEMORY_MB}`;
  process.env["MINIFLARE_WORKERD_PATH"] = fileURLToPath(new URL("tethered-workerd", import.meta.url));
}

/** @param {Miniflare} miniflare */
function stopWithParent(miniflare) {
  const stop = () => void miniflare.dispose().then(() => process.exit(0));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    // Miniflare's own listeners exit at once, before the runtime has ended.
    process.removeAllListeners(signal);
    process.once(signal, stop);
  }
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop(), PARENT_CHECK_MS).unref();
}
