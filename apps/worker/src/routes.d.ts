import type { Hono } from "hono";
import type { AppEnv } from "./env";

/** What each file of `routes/` exports by default, with its own base path: gathered by apps/build.mjs. */
export const routes: Hono<AppEnv>[];
