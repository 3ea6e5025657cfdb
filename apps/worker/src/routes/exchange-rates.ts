/** Public exchange rates: read as role `public_read` through the cached Hyperdrive. */
import { createRoute, z } from "@hono/zod-openapi";
import { asAnyone, asSubject } from "../database";
import { endpoint } from "../endpoint";
import { cached } from "../public";
import { Currency } from "../schemas";

const Rate = z
  .object({
    base: z.string(),
    quote: z.string(),
    rate: z
      .string()
      .openapi({ description: "Decimal text: what one unit of `base` buys of `quote`", example: "0.712000" }),
    asOf: z.iso.date(),
  })
  .openapi("Rate");

// Text keeps the decimal exact and the date free of time zones. No now() or random(): Hyperdrive would not cache it.
const COLUMNS = `base, quote, rate::text AS rate, as_of::text AS "asOf"`;
const RATES = `SELECT ${COLUMNS} FROM public.exchange_rates ORDER BY base, quote`;
const SET = `
  INSERT INTO public.exchange_rates (base, quote, rate, as_of) VALUES ($1, $2, $3, $4)
  ON CONFLICT (base, quote) DO UPDATE SET rate = excluded.rate, as_of = excluded.as_of RETURNING ${COLUMNS}`;

const list = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/v1/exchange-rates",
    summary: "All exchange rates",
    responses: {
      200: {
        description: "By currency",
        content: { "application/json": { schema: z.object({ rates: z.array(Rate) }).openapi("Rates") } },
      },
    },
  }),
  (c) =>
    cached(c, "public, max-age=60", async () => {
      const rates = await asAnyone(c, (query) => query(Rate, RATES));
      return c.json({ rates }, 200);
    }),
);

const NewRate = z
  .strictObject({
    // The column's own limits: migrations/0002_exchange_rates.sql.
    rate: z.string().regex(/^(?=.*[1-9])\d{1,12}(\.\d{1,6})?$/, "must be a positive decimal such as 0.712"),
    asOf: z.iso.date(),
  })
  .openapi("NewRate");

const set = endpoint(
  "admin",
  createRoute({
    method: "put",
    path: "/api/v1/exchange-rates/{base}/{quote}",
    summary: "Sets an exchange rate",
    request: {
      params: z.object({ base: Currency, quote: Currency }),
      body: { required: true, content: { "application/json": { schema: NewRate } } },
    },
    responses: { 200: { description: "As it is now", content: { "application/json": { schema: Rate } } } },
  }),
  async (c) => {
    const { base, quote } = c.req.valid("param");
    const { rate, asOf } = c.req.valid("json");
    const [now] = await asSubject(c, "READ WRITE", (query) => query(Rate, SET, [base, quote, rate, asOf]));
    return c.json(Rate.parse(now), 200);
  },
);

export default [list, set];
