/** Public exchange rates: read as role `public_read` through the cached Hyperdrive. */
import { Hono } from "hono";
import { withDatabase } from "../database";
import type { AppEnv } from "../env";

// Text keeps the decimal exact and the date free of time zones. No now() or random(): Hyperdrive would not cache it.
const RATES = `
  SELECT base, quote, rate::text AS rate, as_of::text AS "asOf"
  FROM public.exchange_rates ORDER BY base, quote`;

const exchangeRates = new Hono<AppEnv>().basePath("/api/v1/exchange-rates");
export default exchangeRates;

exchangeRates.get("/", (c) =>
  withDatabase(c, c.env.HYPERDRIVE_PUBLIC, async (client) => {
    const rates = await client.query(RATES);
    return c.json({ rates: rates.rows });
  }),
);
