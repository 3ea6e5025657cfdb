/** What callers send: no larger than allowed, JSON in UTF-8, and every fault of it at once. */
import type { Hook } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "./env";
import { ApiError } from "./errors";

// A form on another site cannot send this without asking first.
const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

export function bytesUpTo(maxSize: number): MiddlewareHandler<AppEnv> {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new ApiError(413, "too_large", `the body must not exceed ${maxSize} bytes`);
    },
  });
}

/** For a body that is read as a stream: of unknown length, all of it would be held to find its size. */
export const knownLength: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.header("Content-Length") === undefined || c.req.header("Transfer-Encoding") !== undefined) {
    throw new ApiError(411, "length_required", "the body needs a Content-Length");
  }
  await next();
};

/** Reads the body, which Hono keeps for its validator. */
export const jsonBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) {
    throw new ApiError(415, "unsupported_media_type", "the body must be application/json");
  }
  const text = decoded(await c.req.arrayBuffer());
  try {
    JSON.parse(text);
  } catch {
    // Its cause would quote the body.
    throw new ApiError(400, "invalid_json", "the body is not valid JSON");
  }
  await next();
};

/** Hono would put U+FFFD for each byte that is not UTF-8. */
function decoded(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError(400, "not_utf8", "the body is not UTF-8");
  }
}

/** Refuses what a route's schema does not allow. */
export const refuseInvalid: Hook<unknown, AppEnv, string, void> = (result) => {
  if (result.success) return;
  const errors = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const faults = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  throw new ApiError(400, "invalid_request", faults.join("; "), { errors });
};
