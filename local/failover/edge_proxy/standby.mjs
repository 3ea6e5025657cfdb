/**
 * The stand-by on one machine: `node standby.mjs CONFIG.json`. Serves the same site as the Worker, over HTTP and HTTPS,
 * and of the API what failover asks: its health. By hand, so that the site's own code, which takes a Response, adds the
 * headers: a static server for Node.js has none.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { extname, join, normalize } from "node:path";
import { withSecurityHeaders } from "../../../apps/web/src/headers.ts";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { Target } from "./proxy.mjs" */

/**
 * @typedef {{
 *   listen: Target,
 *   tls: Target & { certificate: string, key: string },
 *   assets: string,
 *   build: string,
 *   environment: string,
 * }} Config
 */

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const HEALTH = ["/healthcheck", "/api/health"];

const [path] = process.argv.slice(2);
if (!path) throw new Error("give one configuration file: standby.mjs CONFIG.json");
/** @type {Config} */
const config = JSON.parse(readFileSync(path, "utf8"));
const tls = { cert: readFileSync(config.tls.certificate), key: readFileSync(config.tls.key) };
http.createServer(serve).listen(config.listen.port, config.listen.host);
https.createServer(tls, serve).listen(config.tls.port, config.tls.host);
console.log(`stand-by on http://${config.listen.host}:${config.listen.port}`);

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
function serve(request, response) {
  answer(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
}

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
async function answer(request, response) {
  const given = await answerOf((request.url ?? "/").replace(/[?#].*$/s, ""), request.headers["if-none-match"]);
  given.headers.set("X-Served-By", "vercel");
  given.headers.set("X-Build", config.build);
  const body = Buffer.from(await given.arrayBuffer());
  if (given.status !== 304) given.headers.set("Content-Length", String(body.length));
  response.writeHead(given.status, Object.fromEntries(given.headers));
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * @param {string} pathname
 * @param {string | undefined} known
 */
async function answerOf(pathname, known) {
  if (HEALTH.includes(pathname)) {
    return json(200, { status: "ok", environment: config.environment, build: config.build });
  }
  if (pathname.startsWith("/api/") || pathname.startsWith("/auth/")) {
    const detail = "The local stand-by has no database and signs nobody in; only the API's health is here.";
    const problem = { type: "about:blank", title: "Service Unavailable", status: 503, detail, code: "not_here" };
    return json(503, problem, "application/problem+json");
  }
  const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
  const found = (await asset(file, known)) ?? (await asset(`${file}.html`, known));
  return withSecurityHeaders(found ?? (await asset("/404.html", undefined, 404)) ?? new Response("", { status: 404 }));
}

/**
 * @param {string} name
 * @param {string | undefined} known
 * @param {number} [status]
 */
async function asset(name, known, status = 200) {
  try {
    // From the root, so that no `..` leads above it: not every target that Node.js takes begins with a slash.
    const content = await readFile(join(config.assets, normalize(`/${decodeURIComponent(name)}`)));
    const etag = `"${createHash("sha256").update(content).digest("hex").slice(0, 32)}"`;
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    const headers = { "Content-Type": type, ETag: etag, "Cache-Control": "public, max-age=0, must-revalidate" };
    return known === etag ? new Response(null, { status: 304, headers }) : new Response(content, { status, headers });
  } catch {
    return undefined;
  }
}

/**
 * @param {number} status
 * @param {unknown} document
 * @param {string} [type]
 */
function json(status, document, type = "application/json") {
  return Response.json(document, {
    status,
    headers: { "Content-Type": type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" },
  });
}
