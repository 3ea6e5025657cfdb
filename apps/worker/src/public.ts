/** The only way to an answer that anyone may store; every other one leaves with `no-store`. */
import type { AppContext } from "./env";

/** Throws where the request has a subject: what that reads is regulated. */
export function storable(c: AppContext, cacheControl: string): void {
  if (c.get("subject") !== undefined) throw new Error("an answer to a member must not be stored");
  c.set("cacheControl", cacheControl);
}
