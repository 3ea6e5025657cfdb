/**
 * Tokens that are about to end, renewed once for all requests of a session that meet in this isolate: an issuer that
 * rotates refresh tokens takes the second use of one for a theft, and ends the session.
 */
import { waitUntil } from "cloudflare:workers";
import type { Env } from "./env";
import { refreshed, type Tokens } from "./issuer";

// Of an access token that ends while the request is under way.
const SPARE_SECONDS = 60;
// Requests that the browser sent before it had the new cookie are here by then.
const KEPT_MS = 30_000;
const FAILED_MS = 1_000;
// The issuer is given less to answer (issuer.ts): by then whoever asked it is gone.
const LONGEST_MS = 5_000;
const PAUSE_MS = 20;

type Outcome = { tokens: Tokens } | { error: unknown };
interface Renewal {
  until: number;
  outcome?: Outcome;
}

/** By refresh token. Values alone: a promise belongs to the request that made it, and ends with it. */
const renewals = new Map<string, Renewal>();

/** Negative once it has ended. */
export function secondsLeft({ accessUntil }: Tokens): number {
  return accessUntil - Date.now() / 1000;
}

export function isGood(tokens: Tokens): boolean {
  return secondsLeft(tokens) > SPARE_SECONDS;
}

/** Throws what refreshed() throws. */
export async function renewedOnce(env: Env, held: Tokens, refreshToken: string): Promise<Tokens> {
  for (const [token, { until }] of renewals) if (until < Date.now()) renewals.delete(token);
  let known = renewals.get(refreshToken);
  while (known && !known.outcome && Date.now() < known.until) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    known = renewals.get(refreshToken);
  }
  const outcome = isOfUse(known?.outcome) ? known.outcome : await renew(env, held, refreshToken);
  if ("error" in outcome) throw outcome.error;
  return outcome.tokens;
}

function isOfUse(outcome: Outcome | undefined): outcome is Outcome {
  return outcome !== undefined && ("error" in outcome || isGood(outcome.tokens));
}

async function renew(env: Env, held: Tokens, refreshToken: string): Promise<Outcome> {
  const renewal: Renewal = { until: Date.now() + LONGEST_MS };
  renewals.set(refreshToken, renewal);
  const work = refreshed(env, held).then(
    (tokens): Outcome => ({ tokens }),
    (error: unknown): Outcome => ({ error }),
  );
  const told = work.then((outcome) => {
    renewal.outcome = outcome;
    renewal.until = Date.now() + ("error" in outcome ? FAILED_MS : KEPT_MS);
  });
  // Also where the browser has gone away: the issuer takes the token no second time.
  waitUntil(told);
  return work;
}

/** No copy of the session's cookie is given what was renewed. */
export function forget({ refreshToken }: Tokens): void {
  for (const [token, { outcome }] of renewals) {
    const isNext = outcome && "tokens" in outcome && outcome.tokens.refreshToken === refreshToken;
    if (token === refreshToken || isNext) renewals.delete(token);
  }
}
