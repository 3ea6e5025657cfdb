/** Prints docs/api.md: the routes of the built API Worker, as its OpenAPI document has them. */

/** @typedef {{ summary: string, "x-access": string, responses: Record<string, { description: string }> }} Operation */

const BUNDLE = new URL("worker/dist/index.js", import.meta.url).href;
const WHO = { public: "anyone", member: "a member", admin: "an administrator" };

const { default: api } = await import(BUNDLE);
const env = { RATE_LIMIT: { limit: async () => ({ success: true }) }, ALLOWED_ORIGINS: "" };
const context = { waitUntil: () => undefined };
console.log = () => undefined;
const answer = await api.fetch(new Request("http://localhost/api/openapi.json"), env, context);
const { paths } = /** @type {{ paths: Record<string, Record<string, Operation>> }} */ (await answer.json());
const rows = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => row(`${method.toUpperCase()} ${path}`, operation)),
);

process.stdout.write(`# The API (by make pages)

\`/api/openapi.json\` describes it in full: what each route takes, and what it answers.

| Route | Who may call it | What it does |
|---|---|---|
${rows.join("\n")}

* **Who.** Anyone is asked for no token. A member has an access token of the stack's issuer (\`Authorization: Bearer\`), an administrator one with the role \`admin\`. Each member sees their own rows and no others: PostgreSQL's row-level security holds that, whatever the Worker asks for (migration \`0003_accounts\`).
* **Failures** are problem details (RFC 9457, \`application/problem+json\`): \`code\` is for programs, \`detail\` for people, \`errors\` names each fault of a body or query, \`requestId\` is what the logs know the request by (\`X-Request-Id\`, taken where the caller sends one, 8 to 48 letters, digits, \`.\`, \`_\`, \`-\`) and PostgreSQL (\`application_name\`).
* **Lists** have up to \`limit\` rows (20, at most 100), newest first. \`nextCursor\` leads to the next page as \`cursor\`.
* **Amounts** are whole cents. What adds up has no upper limit, and comes as decimal text.
* **A write that is sent again** with the same \`Idempotency-Key\` is done once, and answered as it was, for a day. Another request with the key is refused (422).
* **Limits.** Calls count to their member, else to the address they come from (an IPv6 network of 64 bits); 429 says when to try again. \`/healthcheck\` does not count. A body has up to 16 KiB, is JSON and UTF-8; an upload has up to 10 MiB and says its length (\`Content-Length\`, else 411).
* **Media are public.** R2 has no Canadian jurisdiction: whoever uploads publishes, and nothing else may be uploaded. Who did is a row in PostgreSQL, and stands nowhere in R2. An upload is what its first bytes say (PNG, JPEG, GIF, WebP, AVIF, PDF), the same as its \`Content-Type\`, goes through the Worker as a stream, gets a new random key and is never overwritten, so caches keep it for a year, also where its owner has removed it. One that does not arrive whole leaves nothing. Conditions and one range are answered as RFC 9110 says; of several ranges, or with a date in \`If-Range\`, all of it.
* **Caches.** An answer to a member is \`no-store\`. Public ones may be stored, by \`apps/worker/src/public.ts\` alone, which refuses a request that has a member.
* **Where Hyperdrive fails or is slow** the API goes on through the tunnel to the host's pooler, where \`hyperdriveFallback\` is set: five failures within 30 s lead there, and each 5 s Hyperdrive is tried again, without a request that waits for it. \`database.breaker\` of \`/api/health\` says it of the instance that answers, one of many: \`state\` (\`closed\`, \`open\`, or \`half-open\` while it is tried), \`path\` in use (\`hyperdrive\`, \`direct\`) and since when (\`since\`). A write is never sent by both ([decision 19](decisions/0019-the-api-reaches-the-database-past-hyperdrive.md)).
* **Tokens** are checked with the issuer's keys, which the Worker keeps and asks for again every ten minutes, or for a key that it does not know (at most once in five seconds). While the issuer is away, known keys go on. Two clocks may differ by a minute.
* **What leaves Canada.** Workers run in the data centre that is nearest to the caller. Their logs are Cloudflare's, not in Canada: a line has the request's id, method, route (\`{id}\` in place of an id), status and times; of a failure also its reason and stack, of PostgreSQL's errors the code and constraint in place of the message, which quotes values. With \`SENTRY_DSN\` set, the same of failures goes to Sentry (United States or Germany; it has no Canadian region), and nothing else: no subject, address, header, path, query or body.
`);

/**
 * @param {string} route
 * @param {Operation} operation
 */
function row(route, { summary, "x-access": access }) {
  return `| \`${route}\` | ${WHO[/** @type {keyof typeof WHO} */ (access)]} | ${summary} |`;
}
