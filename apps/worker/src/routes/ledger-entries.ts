/** The regulated ledger: each member's own entries, read and written as role `app`, never cached. */
import { createRoute, z } from "@hono/zod-openapi";
import { asSubject } from "../database";
import { endpoint } from "../endpoint";
import { ApiError } from "../errors";
import { IdempotencyHeaders, once } from "../idempotency";
import { inOrder, madeAt, NextCursor, paged, pageOf } from "../pages";
import { Cents, Id, line, Timestamp, timestamp } from "../schemas";

// The table's own checks are the same: migrations/0001_ledger_entries.sql.
const LARGEST_AMOUNT_CENTS = 1_000_000_000_000;

// Exact as a number, and within bigint.
const ENTRY_ID = "\\d{1,15}";
const EntryId = z.string().regex(new RegExp(`^${ENTRY_ID}$`));
const Entry = z
  .object({
    id: z.int(),
    accountId: Id,
    description: z.string(),
    amountCents: z.int(),
    currency: z.string(),
    createdAt: Timestamp,
  })
  .openapi("LedgerEntry");
const NewEntry = z
  .strictObject({
    accountId: Id,
    description: line(200),
    amountCents: z.int().min(-LARGEST_AMOUNT_CENTS).max(LARGEST_AMOUNT_CENTS),
  })
  .openapi("NewLedgerEntry");
const Total = z.object({ currency: z.string(), count: z.int(), amountCents: Cents }).openapi("LedgerTotal");
const Entries = z
  .object({
    entries: z.array(Entry),
    nextCursor: NextCursor,
    count: z.int().openapi({ description: "Of all entries, on every page" }),
    totals: z.array(Total).openapi({ description: "Of all entries, by currency" }),
  })
  .openapi("LedgerEntries");

const COLUMNS = `
  id, account_id AS "accountId", description, amount_cents AS "amountCents", currency,
  ${timestamp("created_at")} AS "createdAt"`;
const TOTALS = `
  SELECT currency, sum(entries)::bigint AS count, sum(amount_cents)::text AS "amountCents" FROM regulated.ledger_totals
  WHERE account_id = $1 OR $1 IS NULL GROUP BY currency ORDER BY currency`;
// The account is one of the caller's: row-level security hides all others.
const INSERT = `
  INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency)
  SELECT id, $2, $3, currency FROM regulated.accounts WHERE id = $1 RETURNING ${COLUMNS}`;

const list = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/ledger-entries",
    summary: "The caller's entries, newest first, and their totals",
    request: { query: pageOf(ENTRY_ID).extend({ accountId: Id.optional() }) },
    responses: { 200: { description: "A page of them", content: { "application/json": { schema: Entries } } } },
  }),
  async (c) => {
    const { limit, cursor, accountId } = c.req.valid("query");
    const values: unknown[] = [limit + 1];
    const conditions: string[] = [];
    if (accountId) conditions.push(`account_id = $${values.push(accountId)}`);
    if (cursor) {
      const [createdAt, id] = [values.push(cursor[0]), values.push(cursor[1])];
      conditions.push(`(created_at, id) < (${madeAt(`$${createdAt}`)}, $${id}::bigint)`);
    }
    const newest = `
      SELECT ${COLUMNS} FROM regulated.ledger_entries ${conditions.length ? "WHERE" : ""} ${conditions.join(" AND ")}
      ORDER BY ledger_entries.created_at DESC, id DESC LIMIT $1`;
    const [found, totals] = await asSubject(c, "READ ONLY", (query) =>
      Promise.all([inOrder(query, Entry, newest, values), query(Total, TOTALS, [accountId ?? null])]),
    );
    const { rows, nextCursor } = paged(found, limit, ({ id }) => id);
    const count = totals.reduce((sum, total) => sum + total.count, 0);
    return c.json({ entries: rows, nextCursor, count, totals }, 200);
  },
);

const create = endpoint(
  "member",
  createRoute({
    method: "post",
    path: "/api/v1/ledger-entries",
    summary: "Adds an entry to one of the caller's accounts",
    request: {
      headers: IdempotencyHeaders,
      body: { required: true, content: { "application/json": { schema: NewEntry } } },
    },
    responses: { 201: { description: "The entry", content: { "application/json": { schema: Entry } } } },
  }),
  async (c) => {
    const { accountId, description, amountCents } = c.req.valid("json");
    const created = await asSubject(c, "READ WRITE", (query) =>
      once(c, query, async () => {
        const [entry] = await query(Entry, INSERT, [accountId, description, amountCents]);
        if (entry) return entry;
        const errors = [{ path: "accountId", message: "no such account" }];
        throw new ApiError(422, "no_such_account", "accountId: no such account", { errors });
      }),
    );
    return c.json(created, 201);
  },
);

const read = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/ledger-entries/{id}",
    summary: "One of the caller's entries",
    request: { params: z.object({ id: EntryId }) },
    responses: { 200: { description: "The entry", content: { "application/json": { schema: Entry } } } },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const select = `SELECT ${COLUMNS} FROM regulated.ledger_entries WHERE id = $1`;
    const [found] = await asSubject(c, "READ ONLY", (query) => query(Entry, select, [id]));
    if (!found) throw new ApiError(404, "not_found", "no such entry");
    return c.json(found, 200);
  },
);

export default [list, create, read];
