/** A pool whose connections are all taken. By itself, for others would wait in it as well. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import pg from "pg";
import { fault } from "./edge.ts";
import { app, edge, Member, start, stop } from "./members.ts";

// Of tests/host/specs.py.
const POOL_SIZE = 5;

before(start);
after(stop);

test("an exhausted pool is answered in time, and what it was kept from goes on afterwards", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const holders = await Promise.all(
    Array.from({ length: POOL_SIZE }, async () => {
      const client = new pg.Client({ connectionString: app });
      await client.connect();
      await client.query("BEGIN");
      return client;
    }),
  );
  const started = performance.now();
  const entry = { accountId, description: "x", amountCents: 1 };
  const waiting = Array.from({ length: 10 }, () => member.send("POST", "/api/v1/ledger-entries", entry));
  // What needs no database, or another role's pool, does not wait.
  for (const path of ["/healthcheck", "/api/v1/exchange-rates"]) {
    assert.equal((await fetch(edge.api + path)).status, 200);
  }
  for (const response of await Promise.all(waiting)) {
    assert.equal(response.status, 504);
    assert.equal((await fault(response)).code, "database_timeout");
  }
  assert.ok(performance.now() - started < 12_000);
  await Promise.all(holders.map((client) => client.end()));
  // Those who gave up hold no place in it, and wrote nothing.
  assert.equal((await member.done("GET", "/api/v1/ledger-entries")).count, 0);
  await member.done("POST", "/api/v1/ledger-entries", entry);
});
