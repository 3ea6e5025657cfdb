/** Lists in pages, newest first: each begins behind the last row of the one before, whatever is added meanwhile. */
import { z } from "@hono/zod-openapi";
import type { Query } from "./database";

// PostgreSQL has no year 0.
const MadeAt = z.iso.datetime().refine((text) => !text.startsWith("0000"));
const Limit = z.coerce.number().int().min(1).max(100).default(20);

/** The query of a list that is ordered by when its rows were made, then by their id. */
export function pageOf(id: z.ZodType<string>) {
  const place = z.tuple([MadeAt, id]);
  const cursor = z
    .string()
    .max(200)
    .regex(/^[\w-]+$/)
    .openapi({ description: "`nextCursor` of the page before" })
    .transform((text, context) => {
      const found = place.safeParse(parsed(text));
      if (found.success) return found.data;
      context.addIssue("is not a cursor of this list");
      return z.NEVER;
    });
  const limit = Limit.openapi({ type: "integer", description: "Rows of a page" });
  return z.object({ limit, cursor: cursor.optional() });
}

export const NextCursor = z.string().nullable().openapi({ description: "For the next page; null on the last" });

// Statistics know the owners that have most: of any other PostgreSQL expects few rows, and would sort all that it has.
const IN_ORDER = "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)";

/** The rows of a list, read from an index in the list's order. */
export async function inOrder<R extends z.ZodType>(query: Query, row: R, text: string, values: unknown[]) {
  const [, rows] = await Promise.all([query(z.object({}), IN_ORDER), query(row, text, values)]);
  return rows;
}

interface Row {
  id: string | number;
  createdAt: string;
}

/** Of one row more than the page has: the page, and how to go on. */
export function paged<T extends Row>(rows: T[], limit: number): { rows: T[]; nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  if (rows.length <= limit || !last) return { rows: page, nextCursor: null };
  const place = JSON.stringify([last.createdAt, String(last.id)]);
  return { rows: page, nextCursor: btoa(place).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}
