/** The only way to an answer that anyone may store; every other one leaves with `no-store`. */
import type { AppContext } from "./env";

/** Throws where the request has a subject: what that reads is regulated. */
export function storable(c: AppContext, cacheControl: string): void {
  if (c.get("subject") !== undefined) throw new Error("an answer to a member must not be stored");
  c.set("cacheControl", cacheControl);
}

/** The same from the data centre's cache: one answer for all, whatever query and headers they send. */
export async function cached<R extends Response>(
  c: AppContext,
  cacheControl: string,
  make: () => Promise<R>,
): Promise<R> {
  storable(c, cacheControl);
  const key = new URL(c.req.path, c.req.url);
  const found = await caches.default.match(key);
  if (found) return new Response(found.body, found) as R;
  const made = await make();
  const kept = new Response(made.clone().body, made);
  kept.headers.set("Cache-Control", cacheControl);
  c.executionCtx.waitUntil(caches.default.put(key, kept));
  return made;
}
