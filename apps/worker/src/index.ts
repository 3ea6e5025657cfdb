/** The API Worker. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { refuseInvalid } from "./body";
import { endpoint, refuseOtherMethods, withoutPatterns } from "./endpoint";
import type { AppEnv } from "./env";
import { notFound, onError } from "./errors";
import { logRequest } from "./log";
import { storable } from "./public";
import { routes } from "./routes";

// Within application_name's 63 bytes, with its prefix.
const REQUEST_ID = /^[\w.-]{8,48}$/;
const SECURITY_HEADERS = {
  // No answer is a page.
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "Cross-Origin-Resource-Policy": "same-site",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
  // Which of the two sides answered: what a rollback looks at.
  "X-Served-By": "worker",
};

const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });

app.use(async (c, next) => {
  const started = performance.now();
  const given = c.req.header("X-Request-Id") ?? "";
  c.set("requestId", REQUEST_ID.test(given) ? given : crypto.randomUUID());
  await next();
  const { headers } = c.res;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value);
  headers.set("X-Build", c.env.BUILD_ID);
  headers.set("X-Request-Id", c.get("requestId"));
  const databaseMs = c.get("databaseMs");
  if (databaseMs !== undefined) headers.set("Server-Timing", `db;dur=${databaseMs.toFixed(1)}`);
  headers.set("Cache-Control", (c.res.status < 400 && c.get("cacheControl")) || "no-store");
  logRequest(c, performance.now() - started);
});
app.use(
  cors({
    origin: (origin, c) => (c.env.ALLOWED_ORIGINS.split(",").includes(origin) ? origin : null),
    allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "If-Match",
      "If-None-Match",
      "If-Range",
      "Range",
      "X-Request-Id",
    ],
    exposeHeaders: [
      "Content-Range",
      "ETag",
      "Idempotency-Replayed",
      "Location",
      "Retry-After",
      "Server-Timing",
      "X-Request-Id",
    ],
    maxAge: 600,
  }),
);

let document: string | undefined;
const openapi = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/openapi.json",
    summary: "This document",
    responses: {
      200: { description: "OpenAPI 3.1", content: { "application/json": { schema: z.object({}).loose() } } },
    },
  }),
  (c) => {
    document ??= withoutPatterns(
      JSON.stringify(
        app.getOpenAPI31Document({
          openapi: "3.1.0",
          info: { title: "hybrid API", version: "1" },
          servers: [{ url: "/" }],
        }),
      ),
    );
    storable(c, "public, max-age=300");
    return c.body(document, 200, { "Content-Type": "application/json" }) as never;
  },
);

app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
});
const endpoints = [...routes.flat(), openapi];
for (const { register } of endpoints) register(app);
refuseOtherMethods(app, endpoints);
app.notFound(notFound);
app.onError(onError);

export default app;
