/** Public prices in buckets of time: read as role `public_read` through the cached Hyperdrive. */
import { createRoute, z } from "@hono/zod-openapi";
import { asAnyone } from "../database";
import { endpoint } from "../endpoint";
import { ApiError } from "../errors";
import { storable } from "../public";
import { Timestamp, timestamp } from "../schemas";

const MOST_BUCKETS = 1000;
const BUCKET_SECONDS = { "1m": 60, "5m": 300, "1h": 3600, "1d": 86_400, "1w": 604_800 };
const Bucket = z.enum(Object.keys(BUCKET_SECONDS) as (keyof typeof BUCKET_SECONDS)[]);

// The table's own check is the same: migrations/0005_prices.sql.
const Symbol = z.string().regex(/^[A-Z0-9.]{1,12}$/, "must be a symbol such as BANK.TO");
const Price = z.string().openapi({ description: "Decimal text", example: "132.500000" });
const Time = z.iso
  .datetime()
  .regex(/^(19[7-9]\d|[2-9]\d{3})-.+Z$/, "must not be before 1970")
  .openapi({ format: "date-time" });
const Prices = z
  .object({
    symbol: z.string(),
    bucket: Bucket,
    prices: z.array(
      z
        .object({
          at: Timestamp.openapi({ description: "When the bucket begins; a day and a week do at 0:00 UTC" }),
          open: Price,
          high: Price,
          low: Price,
          close: Price,
          count: z.int().openapi({ description: "Prices in the bucket; there is none without any" }),
        })
        .openapi("PriceBucket"),
    ),
  })
  .openapi("Prices");

// No now(): Hyperdrive would not cache it. Functions are named in full, whatever search path the pooler's connection has.
const BUCKETS = `
  SELECT ${timestamp("bucket")} AS at, extensions.first(price, at)::text AS open, max(price)::text AS high,
    min(price)::text AS low, extensions.last(price, at)::text AS close, count(*) AS count
  FROM (
    SELECT extensions.time_bucket($2::interval, at) AS bucket, at, price FROM public.prices
    WHERE symbol = $1 AND at >= $3::timestamptz AND at < $4::timestamptz
  ) AS asked GROUP BY bucket ORDER BY bucket`;

const read = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/v1/prices/{symbol}",
    summary: "A symbol's prices, oldest first, by the minute, hour, day or week",
    request: {
      params: z.object({ symbol: Symbol }),
      query: z.object({
        bucket: Bucket,
        from: Time.openapi({ description: "The first moment (UTC); what lies before is left out of its bucket, too" }),
        to: Time.openapi({ description: `The first moment after the last; within ${MOST_BUCKETS} buckets of \`from\`` }),
      }),
    },
    responses: { 200: { description: "The buckets", content: { "application/json": { schema: Prices } } } },
  }),
  async (c) => {
    const { symbol } = c.req.valid("param");
    const { bucket, from, to } = c.req.valid("query");
    const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
    if (seconds < 0 || seconds > MOST_BUCKETS * BUCKET_SECONDS[bucket]) {
      const message = `must not be before \`from\`, nor more than ${MOST_BUCKETS} buckets after it`;
      throw new ApiError(422, "invalid_span", `to: ${message}`, { errors: [{ path: "to", message }] });
    }
    const values = [symbol, `${BUCKET_SECONDS[bucket]} seconds`, from, to];
    const prices = await asAnyone(c, (query) => query(Prices.shape.prices.element, BUCKETS, values));
    storable(c, "public, max-age=60");
    return c.json({ symbol, bucket, prices }, 200);
  },
);

export default [read];
