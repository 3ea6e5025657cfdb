/** Is the Worker there, and does the database answer? */
import { createRoute, z } from "@hono/zod-openapi";
import { breakerShown, withDatabase } from "../database";
import { endpoint } from "../endpoint";

const Alive = z.object({ status: z.literal("ok"), environment: z.string(), build: z.string() }).openapi("Alive");
const Health = Alive.extend({
  database: z.object({
    latencyMs: z.number().openapi({ description: "Of one query" }),
    breaker: z
      .object({
        state: z.enum(["closed", "open", "half-open"]),
        path: z.enum(["hyperdrive", "direct"]).openapi({ description: "In use now" }),
        since: z.iso.datetime().nullable().openapi({ description: "When that path took over; null where none ever did" }),
      })
      .nullable()
      .openapi({
        description: "Of what answers, one of many instances; null where there is no direct path to fall back to",
      }),
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
    const latencyMs = await withDatabase(c, {
      data: "regulated",
      isRead: true,
      work: async (client) => {
        const started = performance.now();
        await client.query("SELECT 1");
        return performance.now() - started;
      },
    });
    return c.json(
      {
        status: "ok" as const,
        environment: c.env.ENVIRONMENT,
        build: c.env.BUILD_ID,
        database: { latencyMs: Math.round(latencyMs * 10) / 10, breaker: breakerShown(c) },
      },
      200,
    );
  },
);

export default [alive, health];
