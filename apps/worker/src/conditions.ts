/**
 * Conditional and range requests (RFC 9110, 13 and 14) for what has a strong entity tag.
 *
 * By hand: given a request's headers R2 throws at a tag that it can't read, which was a 500; of Hono's conditions there
 * is If-None-Match alone.
 */

interface Stored {
  httpEtag: string;
  uploaded: Date;
  size: number;
}

/** What an answer may depend on, beside the object. */
export const CONDITIONS = ["If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "Range"];

// Proxies that compress an answer weaken its tag.
const TAGS = /^\s*(?:W\/)?"[^"]*"\s*(?:,\s*(?:W\/)?"[^"]*"\s*)*$/;
const TAG = /(?:W\/)?"[^"]*"/g;

/** 304 and 412 in the order of RFC 9110, 13.2.2. A condition that can't be read is none, but for one that protects. */
export function statusFor(asked: Headers, { httpEtag, uploaded }: Stored): 200 | 304 | 412 {
  const match = asked.get("If-Match");
  if (match !== null) {
    if (match.trim() !== "*" && !tagsOf(match).includes(httpEtag)) return 412;
  } else {
    const unmodifiedSince = dateOf(asked.get("If-Unmodified-Since"));
    if (unmodifiedSince !== undefined && inSeconds(uploaded) > unmodifiedSince) return 412;
  }
  const noneMatch = asked.get("If-None-Match");
  if (noneMatch !== null) {
    const weak = tagsOf(noneMatch).map((tag) => tag.replace(/^W\//, ""));
    return noneMatch.trim() === "*" || weak.includes(httpEtag) ? 304 : 200;
  }
  const modifiedSince = dateOf(asked.get("If-Modified-Since"));
  return modifiedSince !== undefined && inSeconds(uploaded) <= modifiedSince ? 304 : 200;
}

/** One range; all of it where several are asked for, or where If-Range names another version (a date is none). */
export function rangeOf(asked: Headers, { httpEtag, size }: Stored): R2Range | "unsatisfiable" | undefined {
  const ifRange = asked.get("If-Range");
  if (ifRange !== null && ifRange.trim() !== httpEtag) return undefined;
  const found = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(asked.get("Range") ?? "");
  const [first, last] = [found?.[1] ?? "", found?.[2] ?? ""];
  if (!first && !last) return undefined;
  const [offset, end] = first
    ? [Number(first), Math.min(last ? Number(last) : Number.POSITIVE_INFINITY, size - 1)]
    : [Math.max(size - Number(last), 0), size - 1];
  if (first && last && Number(first) > Number(last)) return undefined;
  return offset > end ? "unsatisfiable" : { offset, length: end - offset + 1 };
}

function tagsOf(field: string): string[] {
  return TAGS.test(field) ? (field.match(TAG) ?? []) : [];
}

function dateOf(field: string | null): number | undefined {
  const date = Date.parse(field ?? "");
  return Number.isNaN(date) ? undefined : date;
}

/** As precise as HTTP's dates are. */
function inSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
