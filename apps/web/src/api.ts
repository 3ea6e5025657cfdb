/** Calls the API and measures each call. */

export interface Health {
  status: string;
  environment: string;
  build: string;
}

/** Whether somebody is signed in, as the site's Worker knows it. */
export interface Session {
  signedIn: boolean;
  name: string | null;
  mayRegister: boolean;
}

export interface Account {
  id: string;
  currency: string;
}

export interface Accounts {
  accounts: Account[];
}

export interface Entry {
  id: number;
  description: string;
  amountCents: number;
  currency: string;
  createdAt: string;
}

export interface Ledger {
  entries: Entry[];
  count: number;
  /** Sums as text: they may be larger than a number holds. */
  totals: { currency: string; count: number; amountCents: string }[];
}

export interface Media {
  key: string;
  contentType: string;
  createdAt: string;
}

export interface MediaList {
  media: Media[];
  /** Null where there are no more. */
  nextCursor: string | null;
}

export interface Rates {
  rates: { base: string; quote: string; rate: string; asOf: string }[];
}

export interface Measured<T> {
  data: T;
  roundTripMs: number;
  /** Part of the round trip that the API spent on the database; undefined when the API does not say. */
  databaseMs: number | undefined;
}

const TIMEOUT_MS = 10_000;

/** The session has ended, or there was none. */
export class SignedOut extends Error {}

/** Throws SignedOut, or Error with a message fit for the reader. */
export async function call<T>(path: string, init: RequestInit = {}, timeoutMs = TIMEOUT_MS): Promise<Measured<T>> {
  const started = performance.now();
  const response = await send(path, init, timeoutMs);
  const body = await readJson(response);
  const roundTripMs = performance.now() - started;
  if (response.status === 401) throw new SignedOut("You are signed out.");
  if (!response.ok) throw new Error(message(body) ?? `The API answered ${response.status}.`);
  return { data: body as T, roundTripMs, databaseMs: databaseMs(response.headers.get("Server-Timing")) };
}

async function send(path: string, init: RequestInit, timeoutMs: number): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: "no-store", signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    throw new Error(timedOut ? "The API took too long to answer." : "The API can’t be reached.", { cause: error });
  }
}

/** Undefined when the body is not JSON: something in between answered. */
async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

/** What a problem says for people (RFC 9457). */
function message(body: unknown): string | undefined {
  const { detail, errors } = (body ?? {}) as { detail?: unknown; errors?: { path: string; message: string }[] };
  const faults = errors?.map((fault) => `${fault.path}: ${fault.message}.`).join(" ");
  if (faults) return faults;
  return typeof detail === "string" && detail !== "" ? detail.replace(/[^.!?]$/, "$&.") : undefined;
}

function databaseMs(serverTiming: string | null): number | undefined {
  const duration = serverTiming?.match(/\bdb;dur=([\d.]+)/)?.[1];
  return duration === undefined ? undefined : Number(duration);
}
