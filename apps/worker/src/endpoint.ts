/** How a route is declared: what it takes and answers, and who may call it. */
import type { OpenAPIHono, RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { type Access, guard } from "./access";
import { bytesUpTo, jsonBody, knownLength } from "./body";
import type { AppEnv } from "./env";
import { ApiError, Problem } from "./errors";

export interface Endpoint {
  route: RouteConfig;
  register(app: OpenAPIHono<AppEnv>): void;
}

interface Options {
  /** The largest body it takes; its route reads a body that is not JSON itself, as a stream. */
  maxBytes?: number;
  /** Whether its calls count towards the caller's limit. */
  isLimited?: boolean;
}

/** A path's last parameter, which may hold slashes: for Hono; the document has no way to say so. */
export function deep(name: string): string {
  return `{${name}{.+}}`;
}

/** Paths as the document has them. */
export function withoutPatterns(document: string): string {
  return document.replaceAll("{.+}}", "}");
}

const LARGEST_BODY_BYTES = 16 * 1024;

/** A route with its rule: no handler is reached but through the guard. */
export function endpoint<R extends RouteConfig>(
  access: Access,
  route: R,
  handler: RouteHandler<R, AppEnv>,
  { maxBytes = LARGEST_BODY_BYTES, isLimited = true }: Options = {},
): Endpoint {
  const content = route.request?.body?.content;
  const takesJson = content?.["application/json"] !== undefined;
  const middleware: MiddlewareHandler<AppEnv>[] = [
    guard(access, isLimited),
    ...(content && !takesJson ? [knownLength] : []),
    bytesUpTo(maxBytes),
    ...(takesJson ? [jsonBody] : []),
  ];
  const declared = { ...route, ...documented(access, route), middleware } as unknown as R;
  return { route, register: (app) => app.openapi(declared, handler) };
}

/** What the document says of every route of this rule. */
function documented(access: Access, route: RouteConfig): Partial<RouteConfig> & { "x-access": Access } {
  const problem = (description: string) => ({
    description,
    content: { "application/problem+json": { schema: Problem } },
  });
  const ofMembers = { 401: problem("No valid access token"), 403: problem("The token does not allow this") };
  return {
    "x-access": access,
    security: access === "public" ? [] : [{ bearer: [] }],
    responses: {
      ...(access === "public" ? {} : ofMembers),
      429: problem("Too many requests; Retry-After says when to try again"),
      ...route.responses,
      default: problem("What went wrong"),
    },
  };
}

/** 405 for a path's other methods, once all endpoints are registered. */
export function refuseOtherMethods(app: OpenAPIHono<AppEnv>, endpoints: Endpoint[]): void {
  const methods = new Map<string, string[]>();
  for (const { route } of endpoints) {
    const path = route.path.replaceAll(/\/{(.+?)}/g, "/:$1");
    methods.set(path, [
      ...(methods.get(path) ?? []),
      ...(route.method === "get" ? ["GET", "HEAD"] : [route.method.toUpperCase()]),
    ]);
  }
  for (const [path, allowed] of methods) {
    app.all(path, (c) => {
      const headers = { Allow: [...allowed, "OPTIONS"].join(", ") };
      throw new ApiError(405, "method_not_allowed", `${c.req.method} is not possible here`, { headers });
    });
  }
}
