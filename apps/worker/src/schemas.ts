/** What several routes take and answer alike. */
import { z } from "@hono/zod-openapi";

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/, "must be a three-letter code such as CAD")
  .openapi({ example: "CAD" });

const CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f";

/**
 * A line that people wrote, as PostgreSQL keeps it to the letter: it has no NUL and no half of a surrogate pair. Its
 * characters are counted as PostgreSQL and JSON Schema do, an emoji as one.
 */
export function line(longest: number) {
  return z
    .string()
    .trim()
    .min(1)
    .regex(new RegExp(`^[^${CONTROLS}]*$`), "must not hold control characters")
    .refine((text) => text.isWellFormed(), "must be well-formed Unicode")
    .refine((text) => Array.from(text).length <= longest, `must not be longer than ${longest} characters`)
    .openapi({ maxLength: longest, pattern: `^[^${CONTROLS}]*[^\\s${CONTROLS}][^${CONTROLS}]*$` });
}

/** A whole number of any size, exactly. */
export const Cents = z
  .string()
  .regex(/^-?\d+$/)
  .openapi({ description: "Whole cents as decimal text", example: "9008000000000000" });

export const Id = z.uuid();

/** UTC to the microsecond, as PostgreSQL keeps it. */
export const Timestamp = z.iso.datetime();

/** SQL for a Timestamp. */
export function timestamp(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
