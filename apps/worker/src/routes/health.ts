/** Is the Worker there, and does the database answer? */
import { Hono } from "hono";
import { withDatabase } from "../database";
import type { AppEnv } from "../env";

const health = new Hono<AppEnv>();
export default health;

/** Touches nothing but the Worker: what failover and readiness checks ask. */
health.get("/healthcheck", (c) => c.json({ status: "ok", environment: c.env.ENVIRONMENT, build: c.env.BUILD_ID }));

health.get("/api/health", async (c) => {
  const latencyMs = await withDatabase(c, c.env.HYPERDRIVE, async (client) => {
    const started = performance.now();
    await client.query("SELECT 1");
    return performance.now() - started;
  });
  return c.json({
    status: "ok",
    environment: c.env.ENVIRONMENT,
    build: c.env.BUILD_ID,
    database: { latencyMs: Math.round(latencyMs * 10) / 10 },
  });
});
