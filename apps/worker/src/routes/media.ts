/** Public media from R2. */
import { createRoute, z } from "@hono/zod-openapi";
import { endpoint } from "../endpoint";
import { ApiError } from "../errors";
import { storable } from "../public";

const LONGEST_KEY_BYTES = 1024;

const read = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/v1/media/{key}",
    summary: "A public object",
    request: { params: z.object({ key: z.string().min(1) }) },
    responses: { 200: { description: "Its content" }, 304: { description: "It has not changed" } },
  }),
  async (c) => {
    const { key } = c.req.valid("param");
    // R2 keeps no longer key, and answers a question for one with an error.
    if (new TextEncoder().encode(key).length > LONGEST_KEY_BYTES)
      throw new ApiError(404, "not_found", "no such object");
    const object = await c.env.MEDIA.get(key, { onlyIf: c.req.raw.headers });
    if (object === null) throw new ApiError(404, "not_found", "no such object");
    const headers = new Headers();
    object.writeHttpMetadata(headers);
    headers.set("ETag", object.httpEtag);
    storable(c, "public, max-age=300");
    return "body" in object ? new Response(object.body, { headers }) : new Response(null, { status: 304, headers });
  },
);

export default [read];
