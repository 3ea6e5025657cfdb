import type { Endpoint } from "./endpoint";

/** What each file of `routes/` exports by default: gathered by apps/build.mjs. */
export const routes: Endpoint[][];
