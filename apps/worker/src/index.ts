/** The API Worker. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "./env";
import { ApiError, notFound, onError } from "./errors";
import { routes } from "./routes";

const LARGEST_BODY_BYTES = 16 * 1024;

const app = new Hono<AppEnv>();

app.use(async (c, next) => {
  await next();
  c.res.headers.set("X-Content-Type-Options", "nosniff");
  // Which of the two sides answered, and with which build: what a rollback looks at.
  c.res.headers.set("X-Served-By", "worker");
  c.res.headers.set("X-Build", c.env.BUILD_ID);
  const databaseMs = c.get("databaseMs");
  if (databaseMs !== undefined) c.res.headers.set("Server-Timing", `db;dur=${databaseMs.toFixed(1)}`);
  if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
});
app.use(
  bodyLimit({
    maxSize: LARGEST_BODY_BYTES,
    onError: () => {
      throw new ApiError(413, "too_large", `the body must not exceed ${LARGEST_BODY_BYTES} bytes`);
    },
  }),
);

for (const route of routes) app.route("/", route);
app.notFound(notFound);
app.onError(onError);

export default app;
