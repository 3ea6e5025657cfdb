/** The API through the site, with no database behind it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Edge, freePorts, startEdge } from "./edge.ts";

const LEDGER = "/api/v1/ledger-entries";
const ENTRY = { description: "Coffee", amountCents: 450, currency: "CAD" };

let edge: Edge;

before(async () => {
  const [unused] = await freePorts(1);
  edge = await startEdge(unused as number);
});
after(() => edge.stop());

function post(body: unknown, type = "application/json"): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(edge.site + LEDGER, { method: "POST", headers: { "Content-Type": type }, body: text });
}

async function fault(response: Response): Promise<{ code: string; message: string }> {
  const body = (await response.json()) as { error: { code: string; message: string } };
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.deepEqual(Object.keys(body.error), ["code", "message"]);
  return body.error;
}

test("the healthcheck needs no database", async () => {
  const response = await fetch(`${edge.site}/healthcheck`);
  assert.deepEqual(await response.json(), { status: "ok", environment: "test", build: "build-1" });
});

for (const path of ["/api/health", LEDGER, "/api/v1/exchange-rates"]) {
  test(`${path} answers 503 when the database refuses connections`, async () => {
    const response = await fetch(edge.site + path);
    assert.equal(response.status, 503);
    assert.match(response.headers.get("Server-Timing") ?? "", /^db;dur=[\d.]+$/);
    const { code, message } = await fault(response);
    assert.equal(code, "database_unavailable");
    assert.doesNotMatch(message, /secret-word|127\.0\.0\.1|postgres/);
  });
}

describe("a ledger entry is refused before the database is asked", () => {
  const refused: [string, unknown, RegExp][] = [
    ["an empty description", { ...ENTRY, description: "  " }, /^description: /],
    ["a description of 201 characters", { ...ENTRY, description: "x".repeat(201) }, /^description: /],
    ["a control character", { ...ENTRY, description: "a\u0000b" }, /^description: must not hold control characters$/],
    ["a fraction of a cent", { ...ENTRY, amountCents: 4.5 }, /^amountCents: /],
    ["an amount as text", { ...ENTRY, amountCents: "450" }, /^amountCents: /],
    ["an amount beyond the limit", { ...ENTRY, amountCents: 1_000_000_000_001 }, /^amountCents: /],
    ["a currency in small letters", { ...ENTRY, currency: "cad" }, /^currency: /],
    ["an unknown field", { ...ENTRY, id: 1 }, /"id"/],
    ["all faults at once", {}, /description: .*amountCents: .*currency: /],
    ["a list", [], /./],
  ];
  for (const [name, body, message] of refused) {
    test(name, async () => {
      const response = await post(body);
      assert.equal(response.status, 400);
      const error = await fault(response);
      assert.equal(error.code, "invalid_request");
      assert.match(error.message, message);
    });
  }
});

test("a body that is not JSON is refused", async () => {
  const response = await post("{");
  assert.equal(response.status, 400);
  assert.equal((await fault(response)).code, "invalid_json");
});

test("a form of another site is refused", async () => {
  assert.equal((await post(ENTRY, "text/plain")).status, 415);
});

test("a body beyond the limit is refused", async () => {
  const response = await post({ ...ENTRY, description: "x".repeat(20_000) });
  assert.equal(response.status, 413);
  assert.equal((await fault(response)).code, "too_large");
});

for (const limit of ["0", "101", "1.5", "many"]) {
  test(`a limit of ${limit} is refused`, async () => {
    const response = await fetch(`${edge.site}${LEDGER}?limit=${limit}`);
    assert.equal(response.status, 400);
    assert.match((await fault(response)).message, /^limit: /);
  });
}

test("an unknown route is 404 in the same shape", async () => {
  for (const url of [`${edge.site}/api/nothing`, `${edge.api}/nothing`]) {
    const response = await fetch(url);
    assert.equal(response.status, 404);
    assert.equal((await fault(response)).code, "not_found");
  }
});

test("media come from the bucket, with a validator, and can't run as a page", async () => {
  await fetch(`${edge.control}/buckets/media/logo%20one.txt`, { method: "PUT", body: "hello" });
  const url = `${edge.site}/api/v1/media/logo%20one.txt`;
  const response = await fetch(url);
  assert.equal(await response.text(), "hello");
  assert.match(response.headers.get("Content-Security-Policy") ?? "", /sandbox/);
  const again = await fetch(url, { headers: { "If-None-Match": response.headers.get("ETag") ?? "" } });
  assert.equal(again.status, 304);
});

test("absent media are 404", async () => {
  const response = await fetch(`${edge.site}/api/v1/media/absent`);
  assert.equal(response.status, 404);
  assert.equal((await fault(response)).code, "not_found");
});
