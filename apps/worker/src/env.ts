/** What the program binds to the API Worker, and Hono's view of it. */
import type { Context } from "hono";

export interface Env {
  /** Role `app`, never cached: everything that is regulated. */
  HYPERDRIVE: Hyperdrive;
  /** Role `public_read`, cached by Hyperdrive: it can read the public schema and nothing else. */
  HYPERDRIVE_PUBLIC: Hyperdrive;
  /** Public objects only: R2 has no Canadian jurisdiction. */
  MEDIA: R2Bucket;
  ENVIRONMENT: string;
  BUILD_ID: string;
  /** The exact `iss` of an access token. */
  OIDC_ISSUER: string;
  OIDC_JWKS_URL: string;
  OIDC_AUDIENCE: string;
  /** The claim that must be OIDC_AUDIENCE: `aud`, or `client_id` (Cognito's access tokens have no `aud`). */
  OIDC_AUDIENCE_CLAIM: string;
  /** The claim that lists the names of roles. */
  OIDC_ROLES_CLAIM: string;
  RATE_LIMIT: RateLimit;
  /** Origins whose pages may read answers, comma-separated. */
  ALLOWED_ORIGINS: string;
  SENTRY_DSN?: string;
  /** The path past Hyperdrive, as JSON (direct.ts); only where one is declared. */
  DATABASE_DIRECT?: string;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Who asks, where a route requires a token. */
    subject?: string;
    /** Cache-Control of an answer that anyone may store: set by `public.ts` alone. */
    cacheControl?: string;
    /** How long the request waited for the database. */
    databaseMs?: number;
  };
}

export type AppContext = Context<AppEnv>;
