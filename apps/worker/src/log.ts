/** One line of JSON a request and a failure. No personal data: neither subject, address, path, query nor body. */
import { routePath } from "hono/route";
import { DatabaseError } from "pg";
import type { AppContext } from "./env";
import { report } from "./sentry";

export function logRequest(c: AppContext, milliseconds: number): void {
  console.log(
    JSON.stringify({
      level: "info",
      ...about(c),
      status: c.res.status,
      ms: Math.round(milliseconds),
      databaseMs: rounded(c.get("databaseMs")),
    }),
  );
}

export function logFailure(c: AppContext, status: number, cause: unknown): void {
  const failure = { ...about(c), status, ...reasonOf(cause) };
  console.error(JSON.stringify({ level: "error", ...failure }));
  report(c, failure);
}

/** From now on this isolate asks the database by that path. */
export function logPath(c: AppContext, databasePath: "hyperdrive" | "direct", cause?: unknown): void {
  console.warn(JSON.stringify({ level: "warn", ...about(c), databasePath, ...(cause ? reasonOf(cause) : {}) }));
}

export interface Failure {
  requestId: string;
  build: string;
  method: string;
  route: string;
  status: number;
  reason: string;
  sqlstate?: string | undefined;
  constraint?: string | undefined;
  stack?: string[] | undefined;
}

function about(c: AppContext) {
  // Ids in a path are personal; its pattern is not.
  const route = routePath(c, -1);
  return { requestId: c.get("requestId"), build: c.env.BUILD_ID, method: c.req.method, route };
}

/** Of a database's error what holds no value: its message and detail quote what was sent. */
function reasonOf(cause: unknown): Pick<Failure, "reason" | "sqlstate" | "constraint" | "stack"> {
  if (!(cause instanceof Error)) return { reason: typeof cause };
  const stack = cause.stack?.split("\n").filter((line) => /^ +at /.test(line));
  if (cause instanceof DatabaseError) {
    return { reason: "DatabaseError", sqlstate: cause.code, constraint: cause.constraint, stack };
  }
  return { reason: `${cause.name}: ${cause.message}`, stack };
}

function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 10) / 10;
}
