/** Lists in pages, newest first: each begins behind the last row of the one before, whatever is added meanwhile. */
import { z } from "@hono/zod-openapi";
import type { Query } from "./database";

export const Limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(100)
  .default(20)
  .openapi({ type: "integer", minimum: 1, maximum: 100, description: "Rows of a page" });

/** For ids that are UUIDs. */
export const UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/**
 * The query of a list that is ordered by when its rows were made, then by their id, which `id` matches.
 *
 * A cursor is the last row's place: microseconds since 1970, and its id.
 */
export function pageOf(id: string) {
  const cursor = z
    .string()
    .regex(new RegExp(`^\\d{1,16}\\.${id}$`), "is not a cursor of this list")
    .openapi({ description: "`nextCursor` of the page before" })
    .transform((text) => text.split(".") as [string, string]);
  return z.object({ limit: Limit, cursor: cursor.optional() });
}

export const NextCursor = z.string().nullable().openapi({ description: "For the next page; null on the last" });

/** SQL for when a cursor's row was made, of its parameter. */
export function madeAt(parameter: string): string {
  return `timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond'`;
}

// Statistics know the owners that have most: of any other PostgreSQL expects few rows, and would sort all that it has.
const IN_ORDER = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)";

/** The rows of a list, read from an index in the list's order. */
export async function inOrder<R extends z.ZodType>(query: Query, row: R, text: string, values: unknown[]) {
  const [, rows] = await Promise.all([query(z.object({}), IN_ORDER), query(row, text, values)]);
  return rows;
}

/** Of one row more than the page has: the page, and how to go on. */
export function paged<T extends { createdAt: string }>(
  rows: T[],
  limit: number,
  idOf: (row: T) => string | number,
): { rows: T[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || !last) return { rows: page, nextCursor: null };
  return { rows: page, nextCursor: `${microseconds(last.createdAt)}.${idOf(last)}` };
}

/** Of a Timestamp, whose milliseconds JavaScript knows. */
function microseconds(createdAt: string): number {
  return Date.parse(createdAt) * 1000 + Number(createdAt.slice(-4, -1));
}
