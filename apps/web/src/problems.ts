const TITLES = { 403: "Forbidden", 502: "Bad Gateway" };

/** What the site itself refuses, in the API's shape (RFC 9457), but for the requestId: the site logs by none. */
export function problem(status: keyof typeof TITLES, code: string, detail: string): Response {
  const body = { type: "about:blank", title: TITLES[status], status, detail, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
