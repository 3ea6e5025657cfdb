/** The API on a real database behind a real pooler: whose rows are whose, and what two requests make of one row. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { fault } from "./edge.ts";
import { app, edge, Member, sql, start, stop } from "./members.ts";

const ACCOUNTS = "/api/v1/accounts";
const LEDGER = "/api/v1/ledger-entries";
const RATES = "/api/v1/exchange-rates";

before(start);
after(stop);

test("an entry comes back as it was written, with its total", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const entry = await member.done("POST", LEDGER, { accountId, description: " Café ☕ ", amountCents: -450 });
  assert.deepEqual(
    { ...entry, id: 0, createdAt: "" },
    { id: 0, accountId, description: "Café ☕", amountCents: -450, currency: "CAD", createdAt: "" },
  );
  assert.ok(Math.abs(Date.parse(entry.createdAt) - Date.now()) < 60_000, entry.createdAt);
  assert.deepEqual(await member.done("GET", `${LEDGER}/${entry.id}`), entry);
  assert.deepEqual(await member.done("GET", LEDGER), {
    entries: [entry],
    nextCursor: null,
    count: 1,
    totals: [{ currency: "CAD", count: 1, amountCents: "-450" }],
  });
  assert.equal((await member.done("GET", `${ACCOUNTS}/${accountId}`)).balanceCents, "-450");
});

describe("what one member has", () => {
  let owner: Member;
  let other: Member;
  let account: { id: string };
  let entry: { id: number };

  before(async () => {
    [owner, other] = [new Member(), new Member()];
    account = await owner.account();
    entry = await owner.done("POST", LEDGER, { accountId: account.id, description: "Rent", amountCents: -100 });
  });

  test("another sees nothing of in any list", async () => {
    assert.deepEqual(await other.done("GET", ACCOUNTS), { accounts: [], nextCursor: null });
    const nothing = { entries: [], nextCursor: null, count: 0, totals: [] };
    assert.deepEqual(await other.done("GET", LEDGER), nothing);
    assert.deepEqual(await other.done("GET", `${LEDGER}?accountId=${account.id}`), nothing);
  });

  test("is, by its id, to another what does not exist", async () => {
    for (const [path, absent] of [
      [`${ACCOUNTS}/${account.id}`, `${ACCOUNTS}/${crypto.randomUUID()}`],
      [`${LEDGER}/${entry.id}`, `${LEDGER}/999999999`],
    ] as const) {
      assert.equal((await owner.send("GET", path)).status, 200);
      const [foreign, none] = [await other.send("GET", path), await other.send("GET", absent)];
      assert.deepEqual([foreign.status, none.status], [404, 404]);
      assert.equal((await fault(foreign)).detail, (await fault(none)).detail);
    }
    const texts = [account.id, crypto.randomUUID()].map(async (accountId) => {
      const response = await other.send("POST", LEDGER, { accountId, description: "x", amountCents: 1 });
      assert.equal(response.status, 422);
      return { ...(await fault(response)), requestId: "" };
    });
    assert.deepEqual(await texts[0], await texts[1]);
    assert.equal((await owner.done("GET", LEDGER)).count, 1);
  });

  test("another can't go on from its cursor into", async () => {
    await owner.done("POST", LEDGER, { accountId: account.id, description: "Rent", amountCents: -100 });
    const { nextCursor } = await owner.done("GET", `${LEDGER}?limit=1`);
    assert.ok(nextCursor);
    assert.deepEqual((await other.done("GET", `${LEDGER}?cursor=${nextCursor}`)).entries, []);
  });

  test("an Idempotency-Key of another does not answer", async () => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const body = { name: "Mine", currency: "CAD" };
    const [mine, theirs] = [
      await owner.send("POST", ACCOUNTS, body, headers),
      await other.send("POST", ACCOUNTS, body, headers),
    ];
    assert.deepEqual([mine.status, theirs.status], [201, 201]);
    assert.notEqual(((await mine.json()) as Id).id, ((await theirs.json()) as Id).id);
  });

  test("SQL as the API's role shows to that member alone", async () => {
    for (const table of ["accounts", "ledger_entries", "ledger_totals", "idempotency_keys"]) {
      const seen = (subject?: string) =>
        sql(subject, (client) => client.query(`SELECT owner FROM regulated.${table}`)).then(({ rows }) => rows);
      assert.deepEqual(await seen(), [], table);
      assert.deepEqual(await seen(""), [], table);
      const owners = new Set((await seen(owner.subject)).map((row: { owner: string }) => row.owner));
      assert.deepEqual([...owners], [owner.subject], table);
    }
  });

  test("SQL as the API's role can't write without a subject, nor for another", async () => {
    const insert = "INSERT INTO regulated.accounts (name, currency) VALUES ('x', 'CAD')";
    await assert.rejects(
      sql(undefined, (client) => client.query(insert)),
      /violates row-level security policy/,
    );
    const forAnother = `INSERT INTO regulated.accounts (owner, name, currency) VALUES ('${owner.subject}', 'x', 'CAD')`;
    for (const subject of [undefined, `stranger-${crypto.randomUUID()}`]) {
      await assert.rejects(
        sql(subject, (client) => client.query(forAnother)),
        /violates row-level security policy/,
      );
      for (const statement of ["UPDATE regulated.accounts SET name = 'x'", "DELETE FROM regulated.ledger_entries"]) {
        assert.equal((await sql(subject, (client) => client.query(statement))).rowCount, 0);
      }
    }
    const into = `INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency)
      VALUES ($1, 'x', 1, 'CAD')`;
    await assert.rejects(
      sql(other.subject, (client) => client.query(into, [account.id])),
      /foreign key/,
    );
  });
});

interface Id {
  id: string;
}

test("rows of before there were owners are nobody's", async () => {
  const insert = `INSERT INTO regulated.ledger_entries (owner, description, amount_cents, currency)
    VALUES ('', 'x', 1, 'CAD')`;
  await assert.rejects(
    sql(undefined, (client) => client.query(insert)),
    /violates row-level security policy/,
  );
});

test("pages are complete and without repetition while rows are added", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const add = () => member.done("POST", LEDGER, { accountId, description: "x", amountCents: 1 });
  const written = [];
  for (let number = 0; number < 5; number += 1) written.push((await add()).id);
  const read: number[] = [];
  let cursor = "";
  do {
    const page = await member.done("GET", `${LEDGER}?limit=2&accountId=${accountId}${cursor && `&cursor=${cursor}`}`);
    read.push(...page.entries.map((entry: { id: number }) => entry.id));
    cursor = page.nextCursor;
    await add();
  } while (cursor);
  assert.deepEqual(read, written.toReversed());
  const ids = new Set<string>();
  await member.account("USD");
  const first = await member.done("GET", `${ACCOUNTS}?limit=1`);
  const second = await member.done("GET", `${ACCOUNTS}?limit=1&cursor=${first.nextCursor}`);
  for (const { accounts } of [first, second]) ids.add(accounts[0].id);
  assert.deepEqual([ids.size, second.nextCursor], [2, null]);
});

test("a description has as many characters as the document says, of whatever planes", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const add = (description: string) => member.send("POST", LEDGER, { accountId, description, amountCents: 1 });
  assert.equal((await add("😀".repeat(200))).status, 201);
  assert.equal((await add("😀".repeat(201))).status, 400);
});

test("a cursor that is none is refused", async () => {
  const member = new Member();
  for (const cursor of ["", "x", "1", "1.x", ".1", "12345678901234567.1", "1.1%27"]) {
    for (const path of [LEDGER, ACCOUNTS]) {
      const response = await member.send("GET", `${path}?cursor=${cursor}`);
      assert.equal(response.status, 400, cursor);
      assert.equal((await fault(response)).detail, "cursor: is not a cursor of this list");
    }
  }
  assert.deepEqual((await member.done("GET", `${LEDGER}?cursor=9999999999999999.999999999999999`)).entries, []);
});

test("totals beyond what a number holds are exact", async () => {
  const member = new Member();
  const { id } = await member.account("JPY");
  await sql(member.subject, (client) =>
    client.query(
      `INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency)
       SELECT $1, 'x', 1000000000000, 'JPY' FROM generate_series(1, 9008)`,
      [id],
    ),
  );
  await member.done("POST", LEDGER, { accountId: id, description: "x", amountCents: 1 });
  const { count, totals } = await member.done("GET", `${LEDGER}?limit=1`);
  assert.deepEqual([count, totals], [9009, [{ currency: "JPY", count: 9009, amountCents: "9008000000000001" }]]);
  assert.equal((await member.done("GET", `${ACCOUNTS}/${id}`)).balanceCents, "9008000000000001");
});

test("totals follow what is changed and removed", async () => {
  const member = new Member();
  const [{ id: one }, { id: two }] = [await member.account(), await member.account()];
  for (const amountCents of [1, 2, 4])
    await member.done("POST", LEDGER, { accountId: one, description: "x", amountCents });
  await sql(member.subject, async (client) => {
    await client.query("UPDATE regulated.ledger_entries SET account_id = $1 WHERE amount_cents = 2", [two]);
    await client.query("DELETE FROM regulated.ledger_entries WHERE amount_cents = 4");
  });
  const ofOne = await member.done("GET", `${LEDGER}?accountId=${one}`);
  const ofTwo = await member.done("GET", `${LEDGER}?accountId=${two}`);
  assert.deepEqual([ofOne.count, ofOne.totals[0].amountCents], [1, "1"]);
  assert.deepEqual([ofTwo.count, ofTwo.totals[0].amountCents], [1, "2"]);
});

test("a list reads as little of 20,000 entries as of 500", async () => {
  const member = new Member();
  const [{ id: large }, { id: small }] = [await member.account(), await member.account()];
  const grow = (id: string, rows: number) =>
    sql(member.subject, (client) =>
      client.query(
        `INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency, created_at)
         SELECT $1, 'x', 1, 'CAD', now() - random() * interval '1 year' FROM generate_series(1, $2)`,
        [id, rows],
      ),
    );
  const counted = async () => {
    const select = `SELECT sum(shared_blks_hit + shared_blks_read)::int AS blocks FROM pg_stat_statements
      WHERE query LIKE '%FROM regulated.ledger_entries%ORDER BY ledger_entries.created_at DESC%'`;
    return ((await sql(undefined, (client) => client.query(select))).rows[0]?.blocks ?? 0) as number;
  };
  const blocksOf = async (query: string) => {
    const before = await counted();
    assert.equal((await member.done("GET", `${LEDGER}?${query}`)).entries.length, 20);
    return (await counted()) - before;
  };
  const lists = ["", `accountId=${large}`, `accountId=${small}`];
  await grow(large, 480);
  await grow(small, 20);
  const read = [];
  for (const list of lists) read.push(await blocksOf(list));
  await grow(large, 19_500);
  for (const list of lists) read.push(await blocksOf(list));
  // A block for each row, and a few of the index.
  assert.ok(Math.max(...read) < 40, String(read));
});

describe("an Idempotency-Key", () => {
  const body = { name: "Once", currency: "CAD" };
  const key = () => ({ "Idempotency-Key": crypto.randomUUID() });

  test("makes the second of two writes the first one's answer", async () => {
    const member = new Member();
    const headers = key();
    const first = await member.send("POST", ACCOUNTS, body, headers);
    const second = await member.send("POST", ACCOUNTS, body, headers);
    assert.deepEqual([first.status, second.status], [201, 201]);
    assert.deepEqual(
      [first, second].map((one) => one.headers.get("Idempotency-Replayed")),
      [null, "true"],
    );
    assert.equal(await first.text(), await second.text());
    assert.equal((await member.done("GET", ACCOUNTS)).accounts.length, 1);
  });

  test("makes one of ten writes at once", async () => {
    const member = new Member();
    const headers = key();
    const sent = Array.from({ length: 10 }, () => member.send("POST", ACCOUNTS, body, headers));
    const ids = new Set<string>();
    for (const response of await Promise.all(sent)) {
      assert.equal(response.status, 201);
      ids.add(((await response.json()) as Id).id);
    }
    assert.equal(ids.size, 1);
  });

  test("refuses another body, and another path", async () => {
    const member = new Member();
    const { id: accountId } = await member.account();
    const headers = key();
    await member.send("POST", ACCOUNTS, body, headers);
    const other = [
      await member.send("POST", ACCOUNTS, { ...body, name: "Twice" }, headers),
      await member.send("POST", LEDGER, { accountId, description: "x", amountCents: 1 }, headers),
    ];
    for (const response of other) {
      assert.equal(response.status, 422);
      assert.equal((await fault(response)).code, "idempotency_key_reused");
    }
  });

  test("is not used up by a write that failed", async () => {
    const member = new Member();
    const headers = key();
    const entry = { accountId: crypto.randomUUID(), description: "x", amountCents: 1 };
    assert.equal((await member.send("POST", LEDGER, entry, headers)).status, 422);
    assert.equal((await member.send("POST", ACCOUNTS, body, headers)).status, 201);
  });

  test("is forgotten after a day", async () => {
    const member = new Member();
    const headers = key();
    await member.send("POST", ACCOUNTS, body, headers);
    const age = "UPDATE regulated.idempotency_keys SET created_at = now() - interval '25 hours'";
    await sql(member.subject, (client) => client.query(age));
    assert.equal((await member.send("POST", ACCOUNTS, { ...body, name: "Again" }, headers)).status, 201);
  });
});

test("a request is known to PostgreSQL by its id, and its transaction ends in time", async () => {
  const member = new Member();
  const requestId = crypto.randomUUID();
  const held = new pg.Client({ connectionString: app });
  await held.connect();
  const { id: accountId } = await member.account();
  const entry = { accountId, description: "x", amountCents: 1 };
  await member.done("POST", LEDGER, entry);
  try {
    await held.query("BEGIN");
    await held.query("SELECT set_config('app.subject', $1, true)", [member.subject]);
    await held.query("UPDATE regulated.ledger_totals SET entries = entries");
    const waiting = member.send("POST", LEDGER, entry, { "X-Request-Id": requestId });
    const names = async () => {
      const select = "SELECT application_name AS name FROM pg_stat_activity WHERE usename = 'app'";
      const { rows } = await sql(undefined, (client) => client.query(select));
      return rows.map(({ name }) => name);
    };
    while (!(await names()).includes(`hybrid-api ${requestId}`))
      await new Promise((resolve) => setTimeout(resolve, 20));
    const response = await waiting;
    assert.equal(response.status, 504);
    assert.equal((await fault(response)).requestId, requestId);
    // PostgreSQL has given it up as well.
    assert.ok(!(await names()).includes(`hybrid-api ${requestId}`));
  } finally {
    await held.end();
  }
});

test("what one client of the pooler sets, the next one does not have", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const leaks = [
    "SET default_transaction_read_only = on",
    `SET app.subject = '${member.subject}'`,
    "SET search_path = nowhere",
  ];
  for (const leak of leaks) {
    const client = new pg.Client({ connectionString: app });
    await client.connect();
    await client.query(leak);
    await client.end();
  }
  assert.equal((await sql(undefined, (client) => client.query("SELECT FROM regulated.accounts"))).rowCount, 0);
  for (let number = 0; number < 8; number += 1) {
    await member.done("POST", LEDGER, { accountId, description: "x", amountCents: 1 });
  }
});

test("exchange rates are everybody's to read and an administrator's to set", async () => {
  const path = `${RATES}/CAD/JPY`;
  const rate = { rate: "110.5", asOf: "2026-11-30" };
  assert.equal((await new Member().send("PUT", path, rate)).status, 403);
  const set = await new Member(["admin"]).done("PUT", path, rate);
  assert.deepEqual(set, { base: "CAD", quote: "JPY", rate: "110.500000", asOf: "2026-11-30" });
  const response = await fetch(edge.api + RATES);
  assert.equal(response.headers.get("Cache-Control"), "public, max-age=60");
  const { rates } = (await response.json()) as { rates: { quote: string }[] };
  assert.deepEqual(
    rates.map(({ quote }) => quote),
    ["EUR", "GBP", "JPY", "USD"],
  );
});

test("nothing that a member reads may be stored", async () => {
  const member = new Member();
  await member.account();
  for (const path of [ACCOUNTS, LEDGER, "/api/v1/media", "/api/v1/notes"]) {
    const response = await member.send("GET", path);
    assert.equal(response.headers.get("Cache-Control"), "no-store");
    // Asked again without a token, by whoever shares a cache with the member.
    assert.equal((await fetch(edge.api + path)).status, 401);
  }
});

test("the health says how long the database takes", async () => {
  const { database, ...rest } = (await (await fetch(`${edge.api}/api/health`)).json()) as Record<string, unknown>;
  assert.deepEqual(rest, { status: "ok", environment: "test", build: "build-1" });
  assert.deepEqual(Object.keys(database as object), ["latencyMs", "breaker"]);
});
