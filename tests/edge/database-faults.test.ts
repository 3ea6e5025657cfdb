/** A database that accepts connections and then says nothing, or too little. */
import assert from "node:assert/strict";
import type net from "node:net";
import { describe, test } from "node:test";
import { type Edge, fault, listen, portOf, startEdge } from "./edge.ts";

// PostgreSQL protocol: AuthenticationOk, then ReadyForQuery.
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

async function ask(serve: (socket: net.Socket) => void) {
  const database = await listen(serve);
  let edge: Edge | undefined;
  try {
    edge = await startEdge(portOf(database));
    const started = performance.now();
    const response = await fetch(`${edge.site}/api/health`, { signal: AbortSignal.timeout(15_000) });
    const { code } = await fault(response);
    return { status: response.status, code, seconds: (performance.now() - started) / 1000 };
  } finally {
    await edge?.stop();
    database.close();
  }
}

describe("at the same time", { concurrency: true }, () => {
  test("a database that never answers gives 503 after the connect timeout", async () => {
    const { status, code, seconds } = await ask(() => undefined);
    assert.deepEqual([status, code], [503, "database_unavailable"]);
    assert.ok(seconds > 1.5 && seconds < 12, `took ${seconds} s`);
  });

  test("a query that never ends gives 504 after the query timeout", async () => {
    const { status, code, seconds } = await ask((socket) => socket.once("data", () => socket.write(WELCOME)));
    assert.deepEqual([status, code], [504, "database_timeout"]);
    assert.ok(seconds > 4.5 && seconds < 14, `took ${seconds} s`);
  });
});
