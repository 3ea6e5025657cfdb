/** One short-lived connection a request; Hyperdrive, or the pooler on the direct path, keeps the pool. */
import type { Duplex } from "node:stream";
import { Client, DatabaseError, escapeLiteral, type QueryConfig, type QueryResult, types } from "pg";
import type { z } from "@hono/zod-openapi";
import { Breaker } from "./breaker";
import { directPath, TunnelStream } from "./direct";
import type { AppContext } from "./env";
import { ApiError } from "./errors";
import { logPath } from "./log";
import "./scram";

const CONNECT_TIMEOUT_MS = 2_000;
// Until the first answer. A good one takes some milliseconds.
const SLOW_MS = 1_000;
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
  const isRead = mode === "READ ONLY";
  return withDatabase(c, {
    data: "regulated",
    // Queries that follow without waiting for it: where it failed, they have no subject, and no row is theirs.
    first: begin(mode, subject, c.get("requestId")),
    isRead,
    work: async (client) => {
      try {
        const result = await work(queryOf(client));
        const ended = client.query("COMMIT");
        // A transaction in which a statement failed is rolled back without an error.
        if (!isRead && (await ended).command !== "COMMIT") throw new Error("the transaction was rolled back");
        ended.catch(() => undefined);
        return result;
      } catch (error) {
        // So that the pooler keeps the server's connection.
        client.query("ROLLBACK").catch(() => undefined);
        throw error;
      }
    },
  });
}

/** Queries of public data through Hyperdrive's cache, which keeps no answer that was part of a transaction. */
export function asAnyone<T>(c: AppContext, work: (query: Query) => Promise<T>): Promise<T> {
  return withDatabase(c, { data: "public", isRead: true, work: (client) => work(queryOf(client)) });
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

interface Session<T> {
  data: "regulated" | "public";
  /** Sent before all else. It changes nothing. */
  first?: string;
  /** Nothing is changed by `work`, so that it may be done again. */
  isRead: boolean;
  work(client: Client): Promise<T>;
}

/**
 * Runs a session on a connection and always gives it back. Notes how long it took.
 *
 * Queries must not be given a `name`: poolers hand each transaction to another server connection.
 * Throws ApiError 503 when the database can't be reached, 504 when it takes too long.
 */
export async function withDatabase<T>(c: AppContext, session: Session<T>): Promise<T> {
  const clients: Client[] = [];
  const started = performance.now();
  try {
    return await withinTotal(byEitherPath(c, session, clients));
  } catch (error) {
    throw translate(error);
  } finally {
    c.set("databaseMs", performance.now() - started);
    c.executionCtx.waitUntil(Promise.all(clients.map((client) => client.end().catch(() => undefined))));
  }
}

const breaker = new Breaker();

/** Which path is in use, and why; null where there is no direct one. */
export function breakerShown({ env }: AppContext) {
  return directPath(env) ? breaker.shown : null;
}

/**
 * Through Hyperdrive; directly where that has failed before the session began, so that nothing is written twice, and at
 * once where it has lately done so again and again.
 */
async function byEitherPath<T>(c: AppContext, session: Session<T>, clients: Client[]): Promise<T> {
  const opened = (client: Client) => {
    clients.push(client);
    return client;
  };
  const direct = directPath(c.env);
  if (!direct) return run(opened(throughHyperdrive(c, session.data)), session);
  if (breaker.isClosed) {
    const started = performance.now();
    let hasBegun = false;
    const begun = () => {
      hasBegun = true;
      if (performance.now() - started > SLOW_MS) noteFailure(c, new Error("Hyperdrive is slow"));
    };
    try {
      return await run(opened(throughHyperdrive(c, session.data)), session, begun);
    } catch (error) {
      if (hasBegun || isOfTheQuery(error)) throw error;
      noteFailure(c, error);
    }
  } else if (breaker.startsProbe(Date.now())) {
    c.executionCtx.waitUntil(probe(c));
  }
  return run(opened(newClient(direct[session.data], () => new TunnelStream(direct))), session);
}

/** With `begun`, which is told of the first answer, there is another path: this one has to answer within its limit. */
async function run<T>(client: Client, session: Session<T>, begun?: () => void): Promise<T> {
  const started = performance.now();
  await connect(client);
  const { first = begun && "SELECT 1", isRead, work } = session;
  if (first === undefined) return work(client);
  const limit = begun && Math.max(1, CONNECT_TIMEOUT_MS - (performance.now() - started));
  // Its types do not know that each query may have a limit of its own.
  const answered = client.query({ text: first, query_timeout: limit ?? QUERY_TIMEOUT_MS } as QueryConfig);
  const result = begun && !isRead ? answered.then(() => work(client)) : work(client);
  result.catch(() => undefined);
  // Where both failed, what was sent first says why.
  await answered;
  begun?.();
  return result;
}

/** Beside the requests, none of which waits for it. */
async function probe(c: AppContext): Promise<void> {
  const started = performance.now();
  const asked = (["regulated", "public"] as const).map(async (data) => {
    const client = throughHyperdrive(c, data);
    try {
      await run(client, { data, isRead: true, work: async () => undefined }, () => undefined);
    } finally {
      c.executionCtx.waitUntil(client.end().catch(() => undefined));
    }
  });
  const answers = await Promise.allSettled(asked);
  const isUp = answers.every(({ status }) => status === "fulfilled") && performance.now() - started <= SLOW_MS;
  if (breaker.probed(isUp, Date.now())) logPath(c, "hyperdrive");
}

function noteFailure(c: AppContext, cause: unknown): void {
  const isOpened = breaker.failed(Date.now());
  if (isOpened) logPath(c, "direct", cause instanceof ApiError ? cause.cause : cause);
}

function throughHyperdrive({ env }: AppContext, data: "regulated" | "public"): Client {
  return newClient((data === "regulated" ? env.HYPERDRIVE : env.HYPERDRIVE_PUBLIC).connectionString);
}

function newClient(connectionString: string, stream?: () => Duplex): Client {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    // A query is sent while those before it are still under way.
    pipeline: true,
    types: { getTypeParser: (oid, format) => (oid === INT8 ? safeInteger : types.getTypeParser(oid, format)) },
    ...(stream && { stream }),
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
    return isOfTheQuery(error) ? error : unavailable(error);
  }
  // pg gives its own failures no code.
  const message = error instanceof Error ? error.message : "";
  if (message === "Query read timeout") return tooSlow(error);
  return message.startsWith("Connection terminated") ? unavailable(error) : error;
}

/**
 * Nothing is wrong with a query in SQLSTATE classes 08 connection, 53 resources, 57 operator intervention and 58 system,
 * which is Hyperdrive's (Cloudflare, Hyperdrive, troubleshooting).
 */
function isOfTheQuery(error: unknown): boolean {
  return error instanceof DatabaseError && !/^(08|53|57|58)/.test(error.code ?? "");
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
