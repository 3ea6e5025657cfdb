/** What callers send, checked with zod; a refusal names every fault at once. */
import type * as z from "zod";
import type { AppContext } from "./env";
import { ApiError } from "./errors";

export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) =>
    issue.path.length ? `${issue.path.join(".")}: ${issue.message}` : issue.message,
  );
  throw new ApiError(400, "invalid_request", faults.join("; "));
}

/** Only `application/json`, which a form on another site cannot send without asking first. */
export async function parseBody<Schema extends z.ZodType>(c: AppContext, schema: Schema): Promise<z.infer<Schema>> {
  const type = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new ApiError(415, "unsupported_media_type", "the body must be application/json");
  }
  return parse(schema, await readJson(c));
}

async function readJson(c: AppContext): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, "invalid_json", "the body is not valid JSON", error);
  }
}
