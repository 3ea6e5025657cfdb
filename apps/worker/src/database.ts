/** One short-lived connection a request; Hyperdrive keeps the pool. */
import { Client, DatabaseError, types } from "pg";
import type { AppContext } from "./env";
import { ApiError } from "./errors";

const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 5_000;
const INT8 = 20;

/**
 * Runs `work` on a connection and always gives it back. Notes how long it took.
 *
 * Queries must not be given a `name`: poolers hand each transaction to another server connection.
 * Throws ApiError 503 when the database can't be reached, 504 when it takes too long.
 */
export async function withDatabase<T>(
  c: AppContext,
  hyperdrive: Hyperdrive,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = newClient(hyperdrive);
  const started = performance.now();
  try {
    await connect(client);
    return await work(client);
  } catch (error) {
    throw translate(error);
  } finally {
    c.set("databaseMs", performance.now() - started);
    c.executionCtx.waitUntil(client.end().catch(() => undefined));
  }
}

function newClient(hyperdrive: Hyperdrive): Client {
  const client = new Client({
    connectionString: hyperdrive.connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    types: { getTypeParser: (oid, format) => (oid === INT8 ? safeInteger : types.getTypeParser(oid, format)) },
  });
  // Without a listener a connection lost between two queries is an uncaught error; the awaited call reports it.
  client.on("error", () => undefined);
  return client;
}

async function connect(client: Client): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    throw unavailable(error);
  }
}

function translate(error: unknown): unknown {
  if (error instanceof DatabaseError) {
    if (error.code === "57014") return tooSlow(error);
    // SQLSTATE classes 08 connection, 53 resources, 57 operator intervention: nothing is wrong with the query.
    return /^(08|53|57)/.test(error.code ?? "") ? unavailable(error) : error;
  }
  // pg gives its own failures no code.
  const message = error instanceof Error ? error.message : "";
  if (message === "Query read timeout") return tooSlow(error);
  return message.startsWith("Connection terminated") ? unavailable(error) : error;
}

function unavailable(cause: unknown): ApiError {
  return new ApiError(503, "database_unavailable", "the database does not answer; try again shortly", cause);
}

function tooSlow(cause: unknown): ApiError {
  return new ApiError(504, "database_timeout", `the database took longer than ${QUERY_TIMEOUT_MS / 1000} s`, cause);
}

/** PostgreSQL's bigint as a number; refuses to round. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a bigint from the database does not fit a number");
  return value;
}
