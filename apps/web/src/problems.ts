/** What the site itself refuses, in the API's words (RFC 9457). */
export function problem(status: number, code: string, detail: string): Response {
  const body = { type: `/problems/${code}`, title: detail, status, detail, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
    },
  });
}
