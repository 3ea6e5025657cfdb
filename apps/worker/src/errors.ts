/** Every failure as one JSON shape: `{ error: { code, message } }`. */
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppContext } from "./env";

/** A failure whose message is meant for the caller. */
export class ApiError extends HTTPException {
  constructor(
    status: ContentfulStatusCode,
    readonly code: string,
    message: string,
    cause?: unknown,
  ) {
    super(status, { message, cause });
  }
}

const CODES: Partial<Record<number, string>> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  413: "too_large",
};

export function notFound(c: AppContext): Response {
  return reply(c, 404, "not_found", `${c.req.method} ${c.req.path} does not exist`);
}

/** Logs what the caller must not see, and answers with what it may. */
export function onError(error: Error, c: AppContext): Response {
  if (!(error instanceof HTTPException)) {
    log(c, 500, error);
    return reply(c, 500, "internal", "something went wrong on our side");
  }
  if (error.status >= 500) log(c, error.status, error.cause);
  const headers = error.res?.headers ?? new Headers();
  const challenge = headers.get("WWW-Authenticate");
  if (challenge) c.header("WWW-Authenticate", challenge);
  const code = error instanceof ApiError ? error.code : (CODES[error.status] ?? "failed");
  return reply(c, error.status as ContentfulStatusCode, code, error.message || code.replaceAll("_", " "));
}

function reply(c: AppContext, status: ContentfulStatusCode, code: string, message: string): Response {
  return c.json({ error: { code, message } }, status);
}

function log(c: AppContext, status: number, cause: unknown): void {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  console.error(JSON.stringify({ method: c.req.method, path: c.req.path, status, reason }));
}
