/** Access tokens (JWT), checked with the issuer's published keys. */
import { z } from "@hono/zod-openapi";
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import type { AppContext, Env } from "./env";
import { ApiError } from "./errors";

const ALGORITHMS = ["RS256", "ES256"];
const CLOCK_SKEW_SECONDS = 60;
// A key that the issuer withdraws is refused after this, if the issuer answers; while it does not, known keys go on.
const KEYS_FRESH_MS = 10 * 60_000;
// The least between two questions to the issuer: a flood of tokens with unknown keys asks it no more often.
const COOL_DOWN_MS = 5_000;
const ISSUER_TIMEOUT_MS = 3_000;

export interface Identity {
  subject: string;
  roles: string[];
}

const Claims = z.object({
  // PostgreSQL takes no NUL; the others are no part of any issuer's ids.
  sub: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\x21-\x7e]+$/),
});
const Roles = z.array(z.string()).catch([]);

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** The issuer's keys for as long as the isolate lives, imported once each. */
let known: { url: string; keys: Keys; reloadedAt: number } | undefined;

/** Throws ApiError 401 without a valid token, 503 where the issuer must be asked and does not answer. */
export async function identify(c: AppContext): Promise<Identity> {
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (!token) throw unauthorized("an access token is needed");
  const payload = await verified(token, c.env, keysOf(c));
  const claims = Claims.safeParse(payload);
  if (!claims.success) throw unauthorized("the access token has no usable subject", "invalid_token");
  return { subject: claims.data.sub, roles: Roles.parse(payload[c.env.OIDC_ROLES_CLAIM]) };
}

async function verified(token: string, env: Env, keys: Keys): Promise<JWTPayload> {
  const hasAudience = env.OIDC_AUDIENCE_CLAIM === "aud";
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: env.OIDC_ISSUER,
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: ["exp", "sub"],
      ...(hasAudience && { audience: env.OIDC_AUDIENCE }),
    });
    if (hasAudience) return payload;
    // Cognito's ID tokens have neither: they are for the client, not for an API.
    if (payload[env.OIDC_AUDIENCE_CLAIM] === env.OIDC_AUDIENCE && payload["token_use"] === "access") return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw unauthorized("the access token has expired", "invalid_token");
    if (!isOfToken(error)) {
      const headers = { "Retry-After": String(COOL_DOWN_MS / 1000) };
      throw new ApiError(503, "issuer_unavailable", "sign-in can't be checked; try again shortly", {
        cause: error,
        headers,
      });
    }
  }
  throw unauthorized("the access token is not valid here", "invalid_token");
}

/** The others say that the issuer's keys could not be fetched. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    error.code !== "ERR_JOSE_GENERIC"
  );
}

function unauthorized(detail: string, error?: "invalid_token"): ApiError {
  // Without a token there is no error to name (RFC 6750, 3.1).
  const challenge = error ? `Bearer realm="api", error="${error}"` : 'Bearer realm="api"';
  return new ApiError(401, "unauthorized", detail, { headers: { "WWW-Authenticate": challenge } });
}

function keysOf(c: AppContext): Keys {
  if (known?.url !== c.env.OIDC_JWKS_URL) {
    known = { url: c.env.OIDC_JWKS_URL, keys: remoteKeys(c.env.OIDC_JWKS_URL), reloadedAt: Date.now() };
  }
  // In the background, for a fetch that fails must not refuse a token whose key is known.
  if (Date.now() - known.reloadedAt > KEYS_FRESH_MS) {
    known.reloadedAt = Date.now();
    c.executionCtx.waitUntil(known.keys.reload().catch(() => undefined));
  }
  return known.keys;
}

function remoteKeys(url: string): Keys {
  let failedAt = 0;
  return createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: COOL_DOWN_MS,
    timeoutDuration: ISSUER_TIMEOUT_MS,
    // jose cools down after what succeeded only.
    [customFetch]: async (address, options) => {
      if (Date.now() - failedAt < COOL_DOWN_MS) throw new Error("the issuer did not answer a moment ago");
      try {
        const response = await fetch(address, options);
        if (response.status !== 200) failedAt = Date.now();
        return response;
      } catch (error) {
        failedAt = Date.now();
        throw error;
      }
    },
  });
}
