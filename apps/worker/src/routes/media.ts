/** Public media from R2. */
import { Hono } from "hono";
import type { AppEnv } from "../env";
import { ApiError } from "../errors";

const LONGEST_KEY_BYTES = 1024;

const media = new Hono<AppEnv>().basePath("/api/v1/media");
export default media;

media.get("/:key{.+}", async (c) => {
  const key = c.req.param("key");
  // R2 keeps no longer key, and answers a question for one with an error.
  if (new TextEncoder().encode(key).length > LONGEST_KEY_BYTES) throw new ApiError(404, "not_found", "no such object");
  const object = await c.env.MEDIA.get(key, { onlyIf: c.req.raw.headers });
  if (object === null) throw new ApiError(404, "not_found", "no such object");
  const headers = new Headers();
  object.writeHttpMetadata(headers);
  headers.set("ETag", object.httpEtag);
  headers.set("Cache-Control", "public, max-age=300");
  // An uploaded page must not run as part of this site.
  headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  return "body" in object ? new Response(object.body, { headers }) : new Response(null, { status: 304, headers });
});
