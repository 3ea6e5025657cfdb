/** Hands a request to whoever answers it, and the answer back as it is. */
import http from "node:http";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @typedef {{ host: string, port: number }} Target */

// Of one connection only; what is sent on has its own (RFC 9110, 7.6.1).
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"]);
// What Cloudflare waits for an origin (Cloudflare, error 524).
const ORIGIN_TIMEOUT_MS = 100_000;

/**
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {Target} target
 * @param {{ refused: number, failed: number }} statuses answered when the target can't be reached, or fails
 */
export function pass(request, response, target, statuses) {
  const upstream = http.request({
    ...target,
    method: request.method,
    path: request.url,
    headers: headersOf(request),
    // A connection of its own for each: one that is kept may be closed just when it is used.
    agent: false,
    timeout: ORIGIN_TIMEOUT_MS,
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, pairs(answer));
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  upstream.on("timeout", () => upstream.destroy(new Error("timeout")));
  upstream.on("error", (error) => {
    if (response.headersSent) return response.destroy();
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    return refuse(response, code === "ECONNREFUSED" ? statuses.refused : statuses.failed);
  });
  response.on("close", () => upstream.destroy());
  request.on("error", () => upstream.destroy());
  request.pipe(upstream);
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 */
export function refuse(response, status) {
  response.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store" });
  response.end(`error code: ${status}\n`);
}

/** @param {IncomingMessage} request */
function headersOf(request) {
  /** @type {Record<string, string | string[]>} */
  const headers = {};
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values && !HOP_BY_HOP.has(name)) headers[name] = values.length === 1 ? /** @type {string} */ (values[0]) : values;
  }
  return headers;
}

/** Names and values in turn, as they came. @param {IncomingMessage} answer */
function pairs(answer) {
  const raw = answer.rawHeaders;
  return raw.filter((_, place) => !HOP_BY_HOP.has((raw[place - (place % 2)] ?? "").toLowerCase()));
}
