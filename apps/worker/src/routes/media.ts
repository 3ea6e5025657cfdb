/**
 * Media in R2, which has no Canadian jurisdiction: public to everybody, and nothing else may be uploaded. Who uploaded
 * what is regulated, and stays in the database.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { CONDITIONS, rangeOf, statusFor } from "../conditions";
import { asSubject } from "../database";
import { deep, endpoint } from "../endpoint";
import type { AppContext } from "../env";
import { ApiError } from "../errors";
import { IdempotencyHeaders, once } from "../idempotency";
import { inOrder, madeAt, NextCursor, paged, pageOf, UUID } from "../pages";
import { storable } from "../public";
import { Id, Timestamp, timestamp } from "../schemas";

const LARGEST_BYTES = 10 * 1024 * 1024;
const LONGEST_KEY_BYTES = 1024;
// An uploaded object is never written again; an operator's may be.
const IMMUTABLE = "public, max-age=31536000, immutable";
const REPLACEABLE = "public, max-age=300";

/** How a file of each type begins. Nothing that a browser would run: no SVG, no HTML. */
const SIGNATURES: Record<string, RegExp> = {
  "image/png": /^\x89PNG\r\n\x1a\n/,
  "image/jpeg": /^\xff\xd8\xff/,
  "image/gif": /^GIF8[79]a/,
  "image/webp": /^RIFF[^]{4}WEBP/,
  "image/avif": /^[^]{4}ftypavi[fs]/,
  "application/pdf": /^%PDF-/,
};
const SIGNATURE_BYTES = 12;

const Media = z
  .object({
    key: Id.openapi({ description: "What `/api/v1/media/{key}` serves it by" }),
    contentType: z.string(),
    bytes: z.int(),
    createdAt: Timestamp,
  })
  .openapi("Media");

const File = z.any().openapi({ type: "string", format: "binary" });

const COLUMNS = `key, content_type AS "contentType", bytes, ${timestamp("created_at")} AS "createdAt"`;
const INSERT = `
  INSERT INTO regulated.media (key, content_type, bytes) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`;
// Keys of others than the API may hold slashes.
const KEY_PATH = `/api/v1/media/${deep("key")}`;
const DELETE = "DELETE FROM regulated.media WHERE key = $1 RETURNING key";

const read = endpoint(
  "public",
  createRoute({
    method: "get",
    path: KEY_PATH,
    summary: "A public object",
    request: { params: z.object({ key: z.string().min(1) }) },
    responses: {
      200: { description: "Its content" },
      206: { description: "The part of it that Range asks for" },
      304: { description: "It has not changed" },
    },
  }),
  (c) => deliver(c, c.req.valid("param").key),
);

async function deliver(c: AppContext, key: string): Promise<Response> {
  // R2 keeps no longer key, and answers a question for one with an error.
  if (new TextEncoder().encode(key).length > LONGEST_KEY_BYTES) throw absent();
  const { headers: asked } = c.req.raw;
  const isHead = c.req.method === "HEAD";
  const isPlain = !isHead && !CONDITIONS.some((name) => asked.has(name));
  const whole = isPlain ? await bucket(c.env.MEDIA.get(key)) : null;
  const found = isPlain ? whole : await bucket(c.env.MEDIA.head(key));
  if (found === null) throw absent();
  const status = statusFor(asked, found);
  if (status === 412) throw new ApiError(412, "precondition_failed", "the object is not the one that was asked for");
  const headers = new Headers();
  found.writeHttpMetadata(headers);
  headers.set("ETag", found.httpEtag);
  headers.set("Last-Modified", found.uploaded.toUTCString());
  headers.set("Accept-Ranges", "bytes");
  storable(c, headers.get("Cache-Control") === IMMUTABLE ? IMMUTABLE : REPLACEABLE);
  if (status === 304) return new Response(null, { status, headers });
  if (isHead) {
    headers.set("Content-Length", String(found.size));
    return new Response(null, { headers });
  }
  if (whole) return new Response(whole.body, { headers });
  const range = rangeOf(asked, found);
  if (range === "unsatisfiable") {
    const size = { "Content-Range": `bytes */${found.size}` };
    throw new ApiError(416, "range_not_satisfiable", `the object has ${found.size} bytes`, { headers: size });
  }
  const condition = { etagMatches: found.etag };
  const object = await bucket(c.env.MEDIA.get(key, { onlyIf: condition, ...(range && { range }) }));
  // It was removed or replaced meanwhile.
  if (object === null || !("body" in object)) return deliver(c, key);
  if (!range) return new Response(object.body, { headers });
  const { offset, length } = range as { offset: number; length: number };
  headers.set("Content-Range", `bytes ${offset}-${offset + length - 1}/${found.size}`);
  return new Response(object.body, { status: 206, headers });
}

const list = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/media",
    summary: "What the caller uploaded, newest first",
    request: { query: pageOf(UUID) },
    responses: {
      200: {
        description: "A page of it",
        content: {
          "application/json": {
            schema: z.object({ media: z.array(Media), nextCursor: NextCursor }).openapi("MediaList"),
          },
        },
      },
    },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const before = cursor ? `WHERE (created_at, key) < (${madeAt("$2")}, $3::uuid)` : "";
    const newest = `SELECT ${COLUMNS} FROM regulated.media ${before} ORDER BY media.created_at DESC, key DESC LIMIT $1`;
    const found = await asSubject(c, "READ ONLY", (query) =>
      inOrder(query, Media, newest, [limit + 1, ...(cursor ?? [])]),
    );
    const { rows, nextCursor } = paged(found, limit, ({ key }) => key);
    return c.json({ media: rows, nextCursor }, 200);
  },
);

const upload = endpoint(
  "member",
  createRoute({
    method: "post",
    path: "/api/v1/media",
    summary: "Uploads an image or a PDF, which everybody may read",
    request: {
      headers: IdempotencyHeaders,
      body: {
        required: true,
        description: "The file as it is, with its length",
        content: Object.fromEntries(Object.keys(SIGNATURES).map((type) => [type, { schema: File }])),
      },
    },
    responses: { 201: { description: "What was uploaded", content: { "application/json": { schema: Media } } } },
  }),
  async (c) => {
    const bytes = Number(c.req.header("Content-Length"));
    const key = crypto.randomUUID();
    const { contentType, etag } = await store(c, key, bytes);
    try {
      const made = await asSubject(c, "READ WRITE", (query) =>
        once(c, query, async () => Media.parse((await query(Media, INSERT, [key, contentType, bytes]))[0]), etag),
      );
      // The same upload was answered before.
      if (made.key !== key) await c.env.MEDIA.delete(key);
      return c.json(made, 201, { Location: `/api/v1/media/${made.key}` });
    } catch (error) {
      // Nobody was told its key.
      await c.env.MEDIA.delete(key).catch(() => undefined);
      throw error;
    }
  },
  { maxBytes: LARGEST_BYTES },
);

/** From the request into the bucket as it arrives. What does not arrive whole is not stored at all. */
async function store(c: AppContext, key: string, bytes: number): Promise<{ contentType: string; etag: string }> {
  const { body } = c.req.raw;
  if (!body) throw unsupported();
  const reader = body.getReader({ mode: "byob" });
  const { value: start = new Uint8Array() } = await reader.readAtLeast(SIGNATURE_BYTES, new Uint8Array(SIGNATURE_BYTES));
  reader.releaseLock();
  const contentType = typeOf(start);
  const declared = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (contentType === undefined || contentType !== declared) throw unsupported();
  const { readable, writable } = new FixedLengthStream(bytes);
  const passed = pass(start, body, writable);
  passed.catch(() => undefined);
  const object = await bucket(
    c.env.MEDIA.put(key, readable, {
      onlyIf: { etagDoesNotMatch: "*" },
      httpMetadata: { contentType, cacheControl: IMMUTABLE },
    }),
  );
  if (object === null) throw new Error("an object with a new key was there before");
  return { contentType, etag: object.etag };
}

async function pass(start: Uint8Array, rest: ReadableStream, into: WritableStream): Promise<void> {
  const writer = into.getWriter();
  await writer.write(start);
  writer.releaseLock();
  await rest.pipeTo(into);
}

function typeOf(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start);
  return Object.entries(SIGNATURES).find(([, signature]) => signature.test(text))?.[0];
}

const remove = endpoint(
  "member",
  createRoute({
    method: "delete",
    path: KEY_PATH,
    summary: "Removes an object that the caller uploaded",
    request: { params: z.object({ key: Id }) },
    responses: { 204: { description: "It is gone; caches outside keep it for as long as they were told" } },
  }),
  async (c) => {
    const { key } = c.req.valid("param");
    await asSubject(c, "READ WRITE", async (query) => {
      const [owned] = await query(z.object({ key: Id }), DELETE, [key]);
      if (!owned) throw absent();
      // Where the bucket does not answer, the row stays.
      await bucket(c.env.MEDIA.delete(key));
    });
    return c.body(null, 204);
  },
);

async function bucket<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    const headers = { "Retry-After": "5" };
    throw new ApiError(503, "media_unavailable", "the media do not answer; try again shortly", { cause, headers });
  }
}

function absent(): ApiError {
  return new ApiError(404, "not_found", "no such object");
}

function unsupported(): ApiError {
  const types = Object.keys(SIGNATURES).join(", ");
  return new ApiError(415, "unsupported_media_type", `the file must be what its type says (Content-Type), one of ${types}`);
}

export default [list, read, upload, remove];
