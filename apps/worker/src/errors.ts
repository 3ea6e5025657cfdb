/** Every failure as problem details (RFC 9457). */
import { z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppContext } from "./env";
import { logFailure } from "./log";

export const Problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().openapi({ description: "The status in words" }),
    status: z.int(),
    detail: z.string().openapi({ description: "What is wrong, for people" }),
    code: z.string().openapi({ description: "What is wrong, for programs", example: "invalid_request" }),
    requestId: z.string().openapi({ description: "What the logs know this request by" }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: "Each fault of what was sent" }),
  })
  .openapi("Problem");

type Faults = { path: string; message: string }[];

/** A failure whose message is meant for the caller. */
export class ApiError extends HTTPException {
  readonly headers: Record<string, string>;
  readonly errors: Faults | undefined;

  constructor(
    status: ContentfulStatusCode,
    readonly code: string,
    message: string,
    { cause, headers = {}, errors }: { cause?: unknown; headers?: Record<string, string>; errors?: Faults } = {},
  ) {
    super(status, { message, cause });
    this.headers = headers;
    this.errors = errors;
  }
}

// By hand: STATUS_CODES of node:http has 413 and 422 by their names from before RFC 9110.
const TITLES: Partial<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

export function notFound(c: AppContext): Response {
  return answered(c, new ApiError(404, "not_found", "this path does not exist"));
}

/** Logs what the caller must not see, and answers with what it may. */
export function onError(error: Error, c: AppContext): Response {
  const known =
    error instanceof HTTPException ? error : new ApiError(500, "internal", "something went wrong on our side");
  if (known.status >= 500) logFailure(c, known.status, error instanceof HTTPException ? error.cause : error);
  return answered(c, known);
}

function answered(c: AppContext, error: HTTPException): Response {
  const title = TITLES[error.status] ?? "Failed";
  const { code, headers, errors } =
    error instanceof ApiError
      ? error
      : { code: title.toLowerCase().replaceAll(" ", "_"), headers: {}, errors: undefined };
  const problem: z.infer<typeof Problem> = {
    type: "about:blank",
    title,
    status: error.status,
    detail: error.message || title,
    code,
    requestId: c.get("requestId"),
    ...(errors && { errors }),
  };
  return c.body(JSON.stringify(problem), error.status, {
    ...headers,
    "Content-Type": "application/problem+json",
  });
}
