/** One short-lived connection a request; Hyperdrive keeps the pool. */
import { Client, DatabaseError, escapeLiteral, type QueryResult, types } from "pg";
import type { z } from "@hono/zod-openapi";
import type { AppContext } from "./env";
import { ApiError } from "./errors";

const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 5_000;
const TOTAL_TIMEOUT_MS = 8_000;
const INT8 = 20;

/** Sends a query and checks the rows that come back. Those of one transaction may be sent without waiting. */
export type Query = <Row extends z.ZodType>(row: Row, text: string, values?: unknown[]) => Promise<z.infer<Row>[]>;

/**
 * One transaction for whoever the request's token names: row-level security shows it that subject's rows and no others.
 *
 * Throws what withDatabase throws.
 */
export function asSubject<T>(
  c: AppContext,
  mode: "READ ONLY" | "READ WRITE",
  work: (query: Query) => Promise<T>,
): Promise<T> {
  const subject = c.get("subject");
  if (subject === undefined) throw new Error("a query of regulated data in a route that needs no token");
  return withDatabase(c, c.env.HYPERDRIVE, async (client) => {
    // Queries follow without waiting for it: where it failed, they have no subject, and no row is theirs.
    const begun = client.query(begin(mode, subject, c.get("requestId")));
    begun.catch(() => undefined);
    try {
      const result = await work(queryOf(client));
      await begun;
      const ended = client.query("COMMIT");
      // A transaction in which a statement failed is rolled back without an error.
      const isRead = mode === "READ ONLY";
      if (!isRead && (await ended).command !== "COMMIT") throw new Error("the transaction was rolled back");
      ended.catch(() => undefined);
      return result;
    } catch (error) {
      // So that the pooler keeps the server's connection.
      client.query("ROLLBACK").catch(() => undefined);
      // Where both failed, what was sent first says why.
      await begun;
      throw error;
    }
  });
}

/** Queries of public data through Hyperdrive's cache, which keeps no answer that was part of a transaction. */
export function asAnyone<T>(c: AppContext, work: (query: Query) => Promise<T>): Promise<T> {
  return withDatabase(c, c.env.HYPERDRIVE_PUBLIC, (client) => work(queryOf(client)));
}

/**
 * In one round trip, and named in full: what another client left behind in the pooled connection does not count.
 * All of it ends with the transaction.
 */
function begin(mode: string, subject: string, requestId: string): string {
  const settings = {
    "app.subject": subject,
    application_name: `hybrid-api ${requestId}`,
    statement_timeout: String(QUERY_TIMEOUT_MS),
    // Takes half a second, also where PostgreSQL only takes a query for a long one.
    jit: "off",
  };
  const set = Object.entries(settings).map(([name, value]) => `set_config('${name}', ${escapeLiteral(value)}, true)`);
  return `BEGIN ISOLATION LEVEL READ COMMITTED ${mode}; SELECT ${set.join(", ")}`;
}

function queryOf(client: Client): Query {
  return async (row, text, values) => {
    const result: QueryResult = await client.query(text, values);
    return result.rows.map((found) => row.parse(found));
  };
}

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
    return await withinTotal(connect(client).then(() => work(client)));
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
    // A query is sent while those before it are still under way.
    pipeline: true,
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

/** Each query has its own limit; this one is for all of them together. */
async function withinTotal<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(new Error("total timeout"))), TOTAL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
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
  const headers = { "Retry-After": "5" };
  return new ApiError(503, "database_unavailable", "the database does not answer; try again shortly", {
    cause,
    headers,
  });
}

function tooSlow(cause: unknown): ApiError {
  return new ApiError(504, "database_timeout", "the database took too long", { cause });
}

/** PostgreSQL's bigint as a number; refuses to round. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a bigint from the database does not fit a number");
  return value;
}
