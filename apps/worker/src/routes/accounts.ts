/** A member's accounts, each in one currency. */
import { createRoute, z } from "@hono/zod-openapi";
import { asSubject } from "../database";
import { endpoint } from "../endpoint";
import { ApiError } from "../errors";
import { IdempotencyHeaders, once } from "../idempotency";
import { inOrder, madeAt, NextCursor, paged, pageOf, UUID } from "../pages";
import { Cents, Currency, Id, line, Timestamp, timestamp } from "../schemas";

const Account = z
  .object({
    id: Id,
    name: z.string(),
    currency: z.string(),
    balanceCents: Cents,
    createdAt: Timestamp,
  })
  .openapi("Account");
// The table's own checks are the same: migrations/0003_accounts.sql.
const NewAccount = z.strictObject({ name: line(100), currency: Currency }).openapi("NewAccount");

const SELECT = `
  SELECT id, name, a.currency, coalesce(amount_cents, 0)::text AS "balanceCents",
    ${timestamp("created_at")} AS "createdAt"
  FROM regulated.accounts AS a LEFT JOIN regulated.ledger_totals AS t ON t.owner = a.owner AND account_id = id`;
const NEWEST = "ORDER BY a.created_at DESC, id DESC LIMIT $1";
const INSERT = `
  INSERT INTO regulated.accounts (name, currency) VALUES ($1, $2)
  RETURNING id, name, currency, '0' AS "balanceCents", ${timestamp("created_at")} AS "createdAt"`;

const list = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/accounts",
    summary: "The caller's accounts, newest first",
    request: { query: pageOf(UUID) },
    responses: {
      200: {
        description: "A page of them",
        content: {
          "application/json": {
            schema: z.object({ accounts: z.array(Account), nextCursor: NextCursor }).openapi("Accounts"),
          },
        },
      },
    },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const before = cursor ? `WHERE (a.created_at, id) < (${madeAt("$2")}, $3::uuid)` : "";
    const found = await asSubject(c, "READ ONLY", (query) =>
      inOrder(query, Account, `${SELECT} ${before} ${NEWEST}`, [limit + 1, ...(cursor ?? [])]),
    );
    const { rows, nextCursor } = paged(found, limit, ({ id }) => id);
    return c.json({ accounts: rows, nextCursor }, 200);
  },
);

const create = endpoint(
  "member",
  createRoute({
    method: "post",
    path: "/api/v1/accounts",
    summary: "Opens an account",
    request: {
      headers: IdempotencyHeaders,
      body: { required: true, content: { "application/json": { schema: NewAccount } } },
    },
    responses: { 201: { description: "The account", content: { "application/json": { schema: Account } } } },
  }),
  async (c) => {
    const { name, currency } = c.req.valid("json");
    const created = await asSubject(c, "READ WRITE", (query) =>
      once(c, query, async () => Account.parse((await query(Account, INSERT, [name, currency]))[0])),
    );
    return c.json(created, 201);
  },
);

const read = endpoint(
  "member",
  createRoute({
    method: "get",
    path: "/api/v1/accounts/{id}",
    summary: "One of the caller's accounts",
    request: { params: z.object({ id: Id }) },
    responses: { 200: { description: "The account", content: { "application/json": { schema: Account } } } },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const [found] = await asSubject(c, "READ ONLY", (query) => query(Account, `${SELECT} WHERE id = $1`, [id]));
    if (!found) throw new ApiError(404, "not_found", "no such account");
    return c.json(found, 200);
  },
);

export default [list, create, read];
