/** Public media from R2. */
import { Hono } from "hono";
import type { AppEnv } from "../env";
import { ApiError } from "../errors";

export const media = new Hono<AppEnv>();

media.get("/:key{.+}", async (c) => {
  const object = await c.env.MEDIA.get(c.req.param("key"), { onlyIf: c.req.raw.headers });
  if (object === null) throw new ApiError(404, "not_found", "no such object");
  const headers = new Headers();
  object.writeHttpMetadata(headers);
  headers.set("ETag", object.httpEtag);
  headers.set("Cache-Control", "public, max-age=300");
  // An uploaded page must not run as part of this site.
  headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  return "body" in object ? new Response(object.body, { headers }) : new Response(null, { status: 304, headers });
});
