/** The API through the site, with no database behind it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Edge, fault, freePorts, startEdge } from "./edge.ts";
import { Issuer } from "./issuer.ts";

const LEDGER = "/api/v1/ledger-entries";
const ENTRY = { accountId: "3f0e1c7a-3c3f-4d64-9d5f-0f6f0a8f3b11", description: "Coffee", amountCents: 450 };

let edge: Edge;
let issuer: Issuer;
let Authorization: string;

before(async () => {
  const [unused] = await freePorts(1);
  issuer = await Issuer.start();
  edge = await startEdge(unused as number, { vars: issuer.vars });
  Authorization = `Bearer ${await issuer.token("member-1")}`;
});
after(async () => {
  issuer.stop();
  await edge.stop();
});

function post(body: unknown, type = "application/json"): Promise<Response> {
  const content = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return fetch(edge.site + LEDGER, { method: "POST", headers: { Authorization, "Content-Type": type }, body: content });
}

test("the healthcheck needs no database", async () => {
  const response = await fetch(`${edge.site}/healthcheck`);
  assert.deepEqual(await response.json(), { status: "ok", environment: "test", build: "build-1" });
});

for (const path of ["/api/health", LEDGER, "/api/v1/exchange-rates"]) {
  test(`${path} answers 503 when the database refuses connections`, async () => {
    const response = await fetch(edge.site + path, { headers: { Authorization } });
    assert.equal(response.status, 503);
    assert.match(response.headers.get("Server-Timing") ?? "", /^db;dur=[\d.]+$/);
    const { code, detail } = await fault(response);
    assert.equal(code, "database_unavailable");
    assert.doesNotMatch(detail, /secret-word|127\.0\.0\.1|postgres/);
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
    ["an account that is none", { ...ENTRY, accountId: "mine" }, /^accountId: /],
    ["half of a surrogate pair", { ...ENTRY, description: "a\ud800" }, /^description: must be well-formed Unicode$/],
    ["an unknown field", { ...ENTRY, owner: "member-2" }, /"owner"/],
    ["all faults at once", {}, /accountId: .*description: .*amountCents: /],
    ["a list", [], /./],
  ];
  for (const [name, body, message] of refused) {
    test(name, async () => {
      const response = await post(body);
      assert.equal(response.status, 400);
      const { code, detail, errors } = await fault(response);
      assert.equal(code, "invalid_request");
      assert.match(detail, message);
      assert.equal(errors?.length, detail.split("; ").length);
    });
  }
});

test("a body that is not JSON is refused", async () => {
  const response = await post("{");
  assert.equal(response.status, 400);
  assert.equal((await fault(response)).code, "invalid_json");
});

test("a body that is not UTF-8 is refused", async () => {
  const response = await post(Buffer.from('{"description":"a\xff\xfe","amountCents":1}', "latin1"));
  assert.equal(response.status, 400);
  assert.equal((await fault(response)).code, "not_utf8");
});

test("a form of another site is refused", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]) {
    assert.equal((await post(ENTRY, type)).status, 415);
  }
});

test("a body beyond the limit is refused, also where it does not say how long it is", async () => {
  const text = JSON.stringify({ ...ENTRY, description: "x".repeat(20_000) });
  for (const body of [text, new Blob([text]).stream()]) {
    const headers = { Authorization, "Content-Type": "application/json" };
    const response = await fetch(edge.api + LEDGER, { method: "POST", headers, body, duplex: "half" });
    assert.equal(response.status, 413);
    assert.equal((await fault(response)).code, "too_large");
  }
});

for (const limit of ["0", "101", "1.5", "many"]) {
  test(`a limit of ${limit} is refused`, async () => {
    const response = await fetch(`${edge.site}${LEDGER}?limit=${limit}`, { headers: { Authorization } });
    assert.equal(response.status, 400);
    assert.match((await fault(response)).detail, /^limit: /);
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
