/** Failures told to Sentry where a DSN is bound: what the log's line has, and nothing that the SDK would gather. */
import { CloudflareClient, createTransport } from "@sentry/cloudflare";
import type { AppContext } from "./env";
import type { Failure } from "./log";

const FLUSH_TIMEOUT_MS = 2_000;

export function report(c: AppContext, { reason, stack, ...tags }: Failure): void {
  if (!c.env.SENTRY_DSN) return;
  const client = new CloudflareClient({
    dsn: c.env.SENTRY_DSN,
    environment: c.env.ENVIRONMENT,
    release: c.env.BUILD_ID,
    integrations: [],
    stackParser: () => [],
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const { status } = await fetch(options.url, { method: "POST", headers: options.headers ?? {}, body });
        return { statusCode: status };
      }),
  });
  client.captureEvent({ level: "error", message: reason, tags, extra: { stack } });
  c.executionCtx.waitUntil(Promise.resolve(client.flush(FLUSH_TIMEOUT_MS)));
}
