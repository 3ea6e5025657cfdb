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
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    /** How long the request waited for the database. */
    databaseMs?: number;
  };
}

export type AppContext = Context<AppEnv>;
