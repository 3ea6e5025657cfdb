/** Prices in buckets, on a real hypertable. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fault } from "./edge.ts";
import { edge, sql, start, stop } from "./members.ts";

before(start);
after(stop);

function ask(symbol: string, query: Record<string, string>): Promise<Response> {
  return fetch(`${edge.site}/api/v1/prices/${symbol}?${new URLSearchParams(query)}`);
}

test("a day of hourly prices comes as one bucket, and as 24", async () => {
  await sql(undefined, (client) =>
    client.query(
      `INSERT INTO public.prices (symbol, at, price)
       SELECT 'TEST', timestamptz '2026-03-02 00:00Z' + n * interval '1 hour', 100 + abs(n - 12)
       FROM generate_series(0, 23) AS n ON CONFLICT DO NOTHING`,
    ),
  );
  const span = { from: "2026-03-01T00:00:00Z", to: "2026-03-09T00:00:00Z" };
  const response = await ask("TEST", { bucket: "1d", ...span });
  assert.equal(response.headers.get("Cache-Control"), "public, max-age=60");
  assert.deepEqual(await response.json(), {
    symbol: "TEST",
    bucket: "1d",
    prices: [
      {
        at: "2026-03-02T00:00:00.000000Z",
        open: "112.000000",
        high: "112.000000",
        low: "100.000000",
        close: "111.000000",
        count: 24,
      },
    ],
  });
  const { prices } = (await (await ask("TEST", { bucket: "1h", ...span })).json()) as { prices: { at: string }[] };
  assert.deepEqual([prices.length, prices[0]?.at], [24, "2026-03-02T00:00:00.000000Z"]);
  const part = { bucket: "1d", from: "2026-03-02T06:00:00Z", to: "2026-03-02T08:00:00Z" };
  const answer = (await (await ask("TEST", part)).json()) as { prices: { count: number; open: string }[] };
  assert.deepEqual([answer.prices[0]?.count, answer.prices[0]?.open], [2, "106.000000"]);
});

test("there are sample prices, and none of what nobody knows", async () => {
  const span = { from: "2026-11-16T00:00:00Z", to: "2026-11-23T00:00:00Z" };
  const week = async (symbol: string) =>
    ((await (await ask(symbol, { bucket: "1w", ...span })).json()) as { prices: { count: number }[] }).prices;
  assert.deepEqual(
    (await week("BANK.TO")).map(({ count }) => count),
    [120],
  );
  assert.deepEqual(await week("NOBODY"), []);
});

test("a span that is none, or too long, is refused", async () => {
  const from = "2026-01-01T00:00:00Z";
  for (const [to, bucket, status, path] of [
    ["2025-12-31T00:00:00Z", "1d", 422, "to"],
    ["2026-01-01T16:40:01Z", "1m", 422, "to"],
    ["2026-01-01T16:40:00Z", "1m", 200, ""],
    ["2026-01-01T00:00:00Z", "1d", 200, ""],
    ["yesterday", "1d", 400, "to"],
    ["0000-01-01T00:00:00Z", "1d", 400, "to"],
    ["2026-01-02T00:00:00Z", "1 day'; --", 400, "bucket"],
  ] as const) {
    const response = await ask("TEST", { bucket, from, to });
    assert.equal(response.status, status, `${bucket} to ${to}`);
    if (status !== 200) assert.equal((await fault(response)).errors?.[0]?.path, path);
  }
  assert.equal((await ask("test", { bucket: "1d", from, to: from })).status, 400);
});
