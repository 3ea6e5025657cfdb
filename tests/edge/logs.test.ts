/** What is written of a request: to the log, and to Sentry where a DSN is bound. Nothing personal leaves by either. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startEdge } from "./edge.ts";
import { Issuer } from "./issuer.ts";

const LEDGER = "/api/v1/ledger-entries";
const ENTRY = { accountId: crypto.randomUUID(), description: "Dr. Tremblay, $$$", amountCents: 123_456 };

test("a failure is logged and reported by its route, with nothing of who asked for what", async () => {
  let reported = "";
  const sentry = http.createServer((request, response) => {
    request.on("data", (data) => (reported += data)).on("end", () => response.end("{}"));
  });
  sentry.listen(0, "127.0.0.1");
  await once(sentry, "listening");
  const issuer = await Issuer.start();
  const SENTRY_DSN = `http://word@127.0.0.1:${(sentry.address() as AddressInfo).port}/1`;
  const edge = await startEdge(1, { vars: { ...issuer.vars, SENTRY_DSN } });
  try {
    const token = await issuer.token("member-of-the-clinic");
    const headers = {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "X-Request-Id": "request-4711",
    };
    const response = await fetch(edge.api + LEDGER, { method: "POST", headers, body: JSON.stringify(ENTRY) });
    assert.equal(response.status, 503);
    await fetch(`${edge.api}${LEDGER}/4711${"0".repeat(9)}?cursor=words`, { headers });
    while (!reported || !edge.output().includes('"status":503,"ms"'))
      await new Promise((resolve) => setTimeout(resolve, 20));
    const lines = edge
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"));
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const failed = records.filter(({ level }) => level === "error")[0];
    assert.deepEqual([failed?.["route"], failed?.["method"], failed?.["requestId"]], [LEDGER, "POST", "request-4711"]);
    assert.ok(records.some(({ level, route, status }) => level === "info" && route === LEDGER && status === 503));
    const event = reported
      .split("\n")
      .flatMap((line) => (line.includes('"event_id"') && line.includes('"tags"') ? [JSON.parse(line)] : []))[0];
    assert.equal(event.tags.route, LEDGER);
    assert.deepEqual(Object.keys(event.tags).sort(), ["build", "method", "requestId", "route", "status"]);
    for (const word of ["member-of", token, ENTRY.accountId, "Tremblay", "123456", "4711000", "cursor"]) {
      assert.ok(!(edge.output() + reported).includes(word), word);
    }
  } finally {
    sentry.close();
    issuer.stop();
    await edge.stop();
  }
});
