/**
 * A write that is sent again with the same Idempotency-Key is done once, and answered as it was.
 *
 * By hand, since the key is kept in the write's own transaction: in a store of its own the two could part.
 */
import { z } from "@hono/zod-openapi";
import type { Query } from "./database";
import type { AppContext } from "./env";
import { ApiError } from "./errors";

export const IdempotencyHeaders = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/)
    .optional()
    .openapi({ description: "The same for each try of one write; kept for a day" }),
});

const FORGET = "DELETE FROM regulated.idempotency_keys WHERE created_at < now() - interval '1 day'";
// Waits for a transaction that has the same key.
const CLAIM = `
  INSERT INTO regulated.idempotency_keys (key, request_sha256) VALUES ($1, $2)
  ON CONFLICT (owner, key) DO NOTHING RETURNING true AS claimed`;
const KNOWN = `
  SELECT encode(request_sha256, 'hex') AS sha256, answer FROM regulated.idempotency_keys WHERE key = $1`;
const ANSWERED = "UPDATE regulated.idempotency_keys SET answer = $2 WHERE key = $1";

const Claimed = z.object({ claimed: z.literal(true) });
const Known = z.object({ sha256: z.string(), answer: z.string() });
const Nothing = z.object({});

/**
 * Does `work` in the transaction of `query`; a key is kept only where all of it was committed.
 *
 * `content` stands for a body that was read as a stream.
 */
export async function once<T extends object>(
  c: AppContext,
  query: Query,
  work: () => Promise<T>,
  content?: string,
): Promise<T> {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return work();
  const sha256 = await requestSha256(c, content ?? (await c.req.arrayBuffer()));
  const forgotten = query(Nothing, FORGET);
  const claim = query(Claimed, CLAIM, [key, `\\x${sha256}`]);
  await forgotten;
  if ((await claim).length) {
    const answer = await work();
    await query(Nothing, ANSWERED, [key, JSON.stringify(answer)]);
    return answer;
  }
  const [known] = await query(Known, KNOWN, [key]);
  if (known?.sha256 !== sha256) {
    throw new ApiError(422, "idempotency_key_reused", "this Idempotency-Key was used for another request");
  }
  c.header("Idempotency-Replayed", "true");
  return JSON.parse(known.answer) as T;
}

async function requestSha256(c: AppContext, content: string | ArrayBuffer): Promise<string> {
  const request = new Blob([`${c.req.method} ${c.req.path}\n`, content]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await request.arrayBuffer()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
