/** A database that accepts connections and then says nothing, or too little. */
import assert from "node:assert/strict";
import type net from "node:net";
import { describe, test } from "node:test";
import { type Edge, fault, listen, portOf, startEdge } from "./edge.ts";
import { Issuer } from "./issuer.ts";

// Within the time of one query.
const SLOW_MS = 4_000;
// PostgreSQL protocol: AuthenticationOk, then ReadyForQuery.
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** A server that answers each round trip after a while: with no rows, whatever it was asked. */
function slow(socket: net.Socket): void {
  let received = Buffer.alloc(0);
  const answer = (...messages: [kind: string, body: string][]) => {
    const parts = messages.map(([kind, body]) => {
      const head = Buffer.from(`${kind}....${body}`, "latin1");
      head.writeInt32BE(body.length + 4, 1);
      return head;
    });
    setTimeout(() => socket.write(Buffer.concat(parts)), SLOW_MS);
  };
  socket.once("data", () => {
    socket.write(WELCOME);
    socket.on("data", (data) => {
      for (received = Buffer.concat([received, data]); received.length > 4; ) {
        const [kind, length] = [String.fromCharCode(received[0] as number), received.readInt32BE(1) + 1];
        if (received.length < length) return;
        received = received.subarray(length);
        // A query as it is, and Sync, which ends one that was prepared, bound and executed.
        if (kind === "Q") answer(["C", "SELECT 0\0"], ["Z", "T"]);
        if (kind === "S") answer(["1", ""], ["2", ""], ["n", ""], ["C", "SELECT 0\0"], ["Z", "T"]);
      }
    });
  });
}

/** Asks a route that needs no token, and one whose transaction names its subject. */
async function ask(serve: (socket: net.Socket) => void) {
  const [database, issuer] = await Promise.all([listen(serve), Issuer.start()]);
  let edge: Edge | undefined;
  try {
    const { site } = (edge = await startEdge(portOf(database), { vars: issuer.vars }));
    const headers = { Authorization: `Bearer ${await issuer.token("member-1")}` };
    const answers = ["/api/health", "/api/v1/ledger-entries"].map(async (path) => {
      const started = performance.now();
      const response = await fetch(site + path, { headers, signal: AbortSignal.timeout(15_000) });
      const { code } = await fault(response);
      return { status: response.status, code, seconds: (performance.now() - started) / 1000 };
    });
    return await Promise.all(answers);
  } finally {
    await edge?.stop();
    issuer.stop();
    database.close();
  }
}

test("a tunnel that refuses the token gives 503, and the log says why", async () => {
  const direct = { port: 1, regulated: "postgres://app@pooler/stack", public: "postgres://app@pooler/stack" };
  const edge = await startEdge(1, { direct: { ...direct, clientSecret: "last year's" } });
  try {
    const response = await fetch(`${edge.site}/api/health`);
    assert.deepEqual([response.status, (await fault(response)).code], [503, "database_unavailable"]);
    assert.match(edge.output(), /the tunnel answers HTTP 403/);
  } finally {
    await edge.stop();
  }
});

describe("at the same time", { concurrency: true }, () => {
  test("a database that never answers gives 503 after the connect timeout", async () => {
    for (const { status, code, seconds } of await ask(() => undefined)) {
      assert.deepEqual([status, code], [503, "database_unavailable"]);
      assert.ok(seconds > 1.5 && seconds < 12, `took ${seconds} s`);
    }
  });

  test("a query that never ends gives 504 after the query timeout", async () => {
    const silent = (socket: net.Socket) => socket.once("data", () => socket.write(WELCOME));
    for (const { status, code, seconds } of await ask(silent)) {
      assert.deepEqual([status, code], [504, "database_timeout"]);
      assert.ok(seconds > 4.5 && seconds < 14, `took ${seconds} s`);
    }
  });

  test("queries that take long one after the other are given up together", async () => {
    const [database, issuer] = await Promise.all([listen(slow), Issuer.start()]);
    const edge = await startEdge(portOf(database), { vars: issuer.vars });
    try {
      const headers = {
        Authorization: `Bearer ${await issuer.token("member-1")}`,
        "Content-Type": "application/json",
        // Three round trips.
        "Idempotency-Key": "key-1",
      };
      const body = JSON.stringify({ name: "x", currency: "CAD" });
      const started = performance.now();
      const response = await fetch(`${edge.api}/api/v1/accounts`, { method: "POST", headers, body });
      const seconds = (performance.now() - started) / 1000;
      assert.deepEqual([response.status, (await fault(response)).code], [504, "database_timeout"]);
      assert.ok(seconds > 7.5 && seconds < 11.5, `took ${seconds} s`);
    } finally {
      await edge.stop();
      issuer.stop();
      database.close();
    }
  });
});
