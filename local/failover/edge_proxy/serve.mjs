/**
 * The edge on one machine: `node serve.mjs CONFIG.json`. Obeys the records and routes that the control plane shows.
 *
 * Each request is decided by the view as it is on the disk at that moment, so a change needs no signal and drops nothing.
 */
import { readFileSync, statSync } from "node:fs";
import http from "node:http";
import { pass, refuse } from "./proxy.mjs";
import { decide } from "./routing.mjs";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { Target } from "./proxy.mjs" */
/** @import { View } from "./routing.mjs" */

/**
 * @typedef {{ listen: Target, view: string, workers: Record<string, number>, origins: Record<string, Target> }} Config
 */

// Guesses at what Cloudflare answers: 409 for a host that it does not know (1001), 502 for a Worker that is not there.
const UNKNOWN_HOST = 409;
const WORKER_STATUSES = { refused: 502, failed: 502 };
// Cloudflare, 5xx errors: 521 web server is down, 520 it returned something unexpected, 522 can't be reached.
const ORIGIN_STATUSES = { refused: 521, failed: 520 };
const UNREACHABLE = 522;

const [path] = process.argv.slice(2);
if (!path) throw new Error("give one configuration file: serve.mjs CONFIG.json");
/** @type {Config} */
const config = JSON.parse(readFileSync(path, "utf8"));
let known = "";
/** @type {View} */
let view = { records: {}, routes: {}, lingering: {} };

const server = http.createServer({ keepAliveTimeout: 65_000 }, answer);
server.listen(config.listen.port, config.listen.host, () => {
  console.log(`edge proxy on http://${config.listen.host}:${config.listen.port}`);
});

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
function answer(request, response) {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  const decision = decide(currentView(), host, (request.url ?? "/").replace(/[?#].*$/s, ""), Date.now() / 1000);
  if (decision.to === "nobody") return refuse(response, UNKNOWN_HOST);
  if (decision.to === "origin") {
    const target = config.origins[decision.host];
    return target ? pass(request, response, target, ORIGIN_STATUSES) : refuse(response, UNREACHABLE);
  }
  const port = config.workers[decision.script];
  if (!port) return refuse(response, WORKER_STATUSES.refused);
  return pass(request, response, { host: "127.0.0.1", port }, WORKER_STATUSES);
}

/** The file is replaced as a whole, so another one has another number. Without one the edge goes on as before. */
function currentView() {
  try {
    const { ino, mtimeNs, size } = statSync(config.view, { bigint: true });
    const now = `${ino} ${mtimeNs} ${size}`;
    if (now !== known) [view, known] = [JSON.parse(readFileSync(config.view, "utf8")), now];
  } catch (error) {
    if (known) console.error(`${config.view}: ${/** @type {Error} */ (error).message}`);
    known = "";
  }
  return view;
}
