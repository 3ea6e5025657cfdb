/** A member's notes, and which of them are alike. No model runs here: the caller gives each note's embedding. */
import { createRoute, z } from "@hono/zod-openapi";
import { asSubject } from "../database";
import { endpoint } from "../endpoint";
import { ApiError } from "../errors";
import { IdempotencyHeaders, once } from "../idempotency";
import { inOrder, Limit, madeAt, NextCursor, paged, pageOf, UUID } from "../pages";
import { Id, line, Timestamp, timestamp } from "../schemas";

const DIMENSIONS = 8;
const LARGEST = 1000;

const Note = z.object({ id: Id, text: z.string(), createdAt: Timestamp }).openapi("Note");
// The table's own limits are the same: migrations/0007_notes.sql.
const NewNote = z
  .strictObject({
    text: line(1000),
    embedding: z
      .array(z.number().min(-LARGEST).max(LARGEST))
      // As one check, the document would not have it.
      .min(DIMENSIONS)
      .max(DIMENSIONS)
      .openapi({ description: "What the caller's model makes of the text; all of a member's notes by the same model" }),
  })
  .openapi("NewNote");
const Similar = Note.extend({
  distance: z.number().openapi({ description: "Between the two embeddings (Euclidean); 0 where they are the same" }),
}).openapi("SimilarNote");

const COLUMNS = `id, text, ${timestamp("created_at")} AS "createdAt"`;
const INSERT = `INSERT INTO regulated.notes (text, embedding) VALUES ($1, $2::extensions.vector) RETURNING ${COLUMNS}`;
const EXISTS = "SELECT id FROM regulated.notes WHERE id = $1";
// Operators are named in full, whatever search path the pooler's connection has.
const SIMILAR = `
  SELECT other.id, other.text, ${timestamp("other.created_at")} AS "createdAt",
    other.embedding OPERATOR(extensions.<->) one.embedding AS distance
  FROM regulated.notes AS one, regulated.notes AS other WHERE one.id = $1 AND other.id <> one.id
  ORDER BY distance, other.id LIMIT $2`;

const list = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/notes",
    summary: "The caller's notes, newest first",
    request: { query: pageOf(UUID) },
    responses: {
      200: {
        description: "A page of them",
        content: {
          "application/json": { schema: z.object({ notes: z.array(Note), nextCursor: NextCursor }).openapi("Notes") },
        },
      },
    },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const before = cursor ? `WHERE (created_at, id) < (${madeAt("$2")}, $3::uuid)` : "";
    const newest = `SELECT ${COLUMNS} FROM regulated.notes ${before} ORDER BY notes.created_at DESC, id DESC LIMIT $1`;
    const found = await asSubject(c, "READ ONLY", (query) =>
      inOrder(query, Note, newest, [limit + 1, ...(cursor ?? [])]),
    );
    const { rows, nextCursor } = paged(found, limit, ({ id }) => id);
    return c.json({ notes: rows, nextCursor }, 200);
  },
);

const create = endpoint(
  "member",
  createRoute({
    method: "post",
    path: "/api/v1/notes",
    summary: "Adds a note with its embedding",
    request: {
      headers: IdempotencyHeaders,
      body: { required: true, content: { "application/json": { schema: NewNote } } },
    },
    responses: { 201: { description: "The note", content: { "application/json": { schema: Note } } } },
  }),
  async (c) => {
    const { text, embedding } = c.req.valid("json");
    // In single precision, as it is kept: PostgreSQL refuses what is too small for that.
    const vector = JSON.stringify(embedding.map(Math.fround));
    const created = await asSubject(c, "READ WRITE", (query) =>
      once(c, query, async () => Note.parse((await query(Note, INSERT, [text, vector]))[0])),
    );
    return c.json(created, 201);
  },
);

const similar = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/notes/{id}/similar",
    summary: "The caller's notes that are most like one of them",
    request: { params: z.object({ id: Id }), query: z.object({ limit: Limit }) },
    responses: {
      200: {
        description: "The others, most similar first",
        content: { "application/json": { schema: z.object({ notes: z.array(Similar) }).openapi("SimilarNotes") } },
      },
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const { limit } = c.req.valid("query");
    const [[one], notes] = await asSubject(c, "READ ONLY", (query) =>
      Promise.all([query(z.object({ id: Id }), EXISTS, [id]), query(Similar, SIMILAR, [id, limit])]),
    );
    if (!one) throw new ApiError(404, "not_found", "no such note");
    return c.json({ notes }, 200);
  },
);

export default [list, create, similar];
