/** One line of JSON a request and a failure. No personal data: neither subject, address, path, query nor body. */
import { routePath } from "hono/route";
import { DatabaseError } from "pg";
import type { AppContext } from "./env";

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
  console.error(JSON.stringify({ level: "error", ...about(c), status, ...reason(cause) }));
}

function about(c: AppContext) {
  // Ids in a path are personal; its pattern is not.
  const route = routePath(c, -1);
  return { requestId: c.get("requestId"), build: c.env.BUILD_ID, method: c.req.method, route };
}

/** Of a database's error what holds no value: its message and detail quote what was sent. */
function reason(cause: unknown): object {
  if (cause instanceof DatabaseError) {
    const { code, severity, schema, table, column, constraint, routine } = cause;
    return { reason: "DatabaseError", sqlstate: code, severity, schema, table, column, constraint, routine };
  }
  if (!(cause instanceof Error)) return { reason: typeof cause };
  return { reason: `${cause.name}: ${cause.message}`, stack: cause.stack?.split("\n").slice(1, 6).map((line) => line.trim()) };
}

function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 10) / 10;
}
