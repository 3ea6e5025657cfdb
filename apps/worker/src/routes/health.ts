/** Is the Worker there, and does the database answer? */
import { createRoute, z } from "@hono/zod-openapi";
import { withDatabase } from "../database";
import { endpoint } from "../endpoint";

const Alive = z.object({ status: z.literal("ok"), environment: z.string(), build: z.string() }).openapi("Alive");
const Health = Alive.extend({
  database: z.object({
    latencyMs: z.number().openapi({ description: "Of one query" }),
    breaker: z
      .enum(["closed", "open", "half-open"])
      .nullable()
      .openapi({ description: "Of the path through Hyperdrive; null where there is no direct one to fall back to" }),
  }),
}).openapi("Health");

/** Touches nothing but the Worker: what failover and readiness checks ask, so no limit keeps one of them out. */
const alive = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/healthcheck",
    summary: "Whether the Worker answers",
    responses: { 200: { description: "It does", content: { "application/json": { schema: Alive } } } },
  }),
  (c) => c.json({ status: "ok" as const, environment: c.env.ENVIRONMENT, build: c.env.BUILD_ID }, 200),
  { isLimited: false },
);

const health = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/health",
    summary: "Whether the database answers the Worker",
    responses: { 200: { description: "It does", content: { "application/json": { schema: Health } } } },
  }),
  async (c) => {
    const latencyMs = await withDatabase(c, c.env.HYPERDRIVE, async (client) => {
      const started = performance.now();
      await client.query("SELECT 1");
      return performance.now() - started;
    });
    return c.json(
      {
        status: "ok" as const,
        environment: c.env.ENVIRONMENT,
        build: c.env.BUILD_ID,
        database: { latencyMs: Math.round(latencyMs * 10) / 10, breaker: null },
      },
      200,
    );
  },
);

export default [alive, health];
