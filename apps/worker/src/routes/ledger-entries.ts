/** The regulated ledger: read and written as role `app`, never cached. */
import { Hono } from "hono";
import * as z from "zod";
import { withDatabase } from "../database";
import type { AppEnv } from "../env";
import { parse, parseBody } from "../validation";

// The table's own checks are the same: migrations/0001_ledger_entries.sql.
const LARGEST_AMOUNT_CENTS = 1_000_000_000_000;

const NewEntry = z.strictObject({
  description: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, "must not hold control characters"),
  amountCents: z.int().min(-LARGEST_AMOUNT_CENTS).max(LARGEST_AMOUNT_CENTS),
  currency: z.string().regex(/^[A-Z]{3}$/, "must be a three-letter code such as CAD"),
});

const Page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) });

const COLUMNS = `id, description, amount_cents AS "amountCents", currency, created_at AS "createdAt"`;
const NEWEST = `SELECT ${COLUMNS} FROM regulated.ledger_entries ORDER BY created_at DESC, id DESC LIMIT $1`;
const TOTALS = `
  SELECT currency, count(*) AS count, sum(amount_cents)::bigint AS "amountCents"
  FROM regulated.ledger_entries GROUP BY currency ORDER BY currency`;
const INSERT = `
  INSERT INTO regulated.ledger_entries (description, amount_cents, currency)
  VALUES ($1, $2, $3) RETURNING ${COLUMNS}`;

const ledgerEntries = new Hono<AppEnv>().basePath("/api/v1/ledger-entries");
export default ledgerEntries;

ledgerEntries.get("/", async (c) => {
  const { limit } = parse(Page, c.req.query());
  return withDatabase(c, c.env.HYPERDRIVE, async (client) => {
    const entries = await client.query(NEWEST, [limit]);
    const totals = await client.query<{ count: number }>(TOTALS);
    const count = totals.rows.reduce((sum, total) => sum + total.count, 0);
    return c.json({ entries: entries.rows, count, totals: totals.rows });
  });
});

ledgerEntries.post("/", async (c) => {
  const { description, amountCents, currency } = await parseBody(c, NewEntry);
  return withDatabase(c, c.env.HYPERDRIVE, async (client) => {
    const inserted = await client.query(INSERT, [description, amountCents, currency]);
    return c.json(inserted.rows[0], 201);
  });
});
