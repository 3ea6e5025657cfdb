/** Who may call a route, and how often. */
import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "./env";
import { ApiError } from "./errors";
import { identify } from "./tokens";

/** Anyone; whoever has a valid token; of these, who has the role `admin`. */
export type Access = "public" | "member" | "admin";

// RATE_LIMIT counts over this span (components/edge/api_worker.py).
const LIMIT_PERIOD_SECONDS = 60;

export function guard(access: Access, isLimited: boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (access === "public") {
      if (isLimited) await limit(c, addressKey(c));
      return next();
    }
    const identity = await identify(c).catch(async (error: unknown) => {
      await limit(c, addressKey(c));
      throw error;
    });
    if (isLimited) await limit(c, `subject:${identity.subject}`);
    if (access === "admin" && !identity.roles.includes("admin")) {
      const headers = { "WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope"' };
      throw new ApiError(403, "forbidden", "this needs the role admin", { headers });
    }
    c.set("subject", identity.subject);
    return next();
  };
}

async function limit(c: AppContext, key: string): Promise<void> {
  if ((await c.env.RATE_LIMIT.limit({ key })).success) return;
  const headers = { "Retry-After": String(LIMIT_PERIOD_SECONDS) };
  throw new ApiError(429, "too_many_requests", "too many requests; try again later", { headers });
}

/** One caller commands a whole IPv6 network of 64 bits. */
function addressKey(c: AppContext): string {
  const address = c.req.header("CF-Connecting-IP") ?? "";
  if (!address.includes(":")) return `address:${address}`;
  const groups = [...(address.split("::")[0] as string).split(":"), "0", "0", "0", "0"];
  return `address:${groups.slice(0, 4).join(":")}`;
}
