/** Every route of the API and who may call it: one that is not in this table, or has another rule, fails. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Edge, fault, startEdge } from "./edge.ts";
import { type Claims, Issuer, newKey } from "./issuer.ts";

const BUNDLE = new URL("../../apps/worker/dist/index.js", import.meta.url).href;
const PUBLIC = new URL("../../apps/worker/src/public.ts", import.meta.url).href;
const ROUTES: Record<string, string> = {
  "GET /healthcheck": "public",
  "GET /api/health": "public",
  "GET /api/openapi.json": "public",
  "GET /api/v1/accounts": "member",
  "POST /api/v1/accounts": "member",
  "GET /api/v1/accounts/{id}": "member",
  "GET /api/v1/exchange-rates": "public",
  "PUT /api/v1/exchange-rates/{base}/{quote}": "admin",
  "GET /api/v1/ledger-entries": "member",
  "POST /api/v1/ledger-entries": "member",
  "GET /api/v1/ledger-entries/{id}": "member",
  "GET /api/v1/media": "member",
  "GET /api/v1/media/{key}": "public",
  "POST /api/v1/media": "member",
  "DELETE /api/v1/media/{key}": "member",
  "GET /api/v1/prices/{symbol}": "public",
  "GET /api/v1/branches": "public",
  "GET /api/v1/notes": "member",
  "POST /api/v1/notes": "member",
  "GET /api/v1/notes/{id}/similar": "member",
};

interface Operation {
  "x-access": string;
  security: object[];
  summary: string;
  responses: Record<string, unknown>;
}
type Methods = Record<string, Operation>;

let edge: Edge;
let issuer: Issuer;
let operations: [string, Operation][];
let document: { openapi: string; paths: Record<string, Methods> };

before(async () => {
  issuer = await Issuer.start();
  edge = await startEdge(1, { vars: issuer.vars });
  document = (await (await fetch(`${edge.api}/api/openapi.json`)).json()) as typeof document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});
after(async () => {
  issuer.stop();
  await edge.stop();
});

/** The same path with something in the place of each parameter. */
function filled(route: string): [string, string] {
  const [method, path] = route.split(" ") as [string, string];
  return [method, path.replaceAll(/{\w+}/g, "CAD")];
}

test("the document has each route with its rule", () => {
  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual(Object.fromEntries(operations.map(([route, operation]) => [route, operation["x-access"]])), ROUTES);
  for (const [route, { security, summary, responses }] of operations) {
    assert.deepEqual(security, ROUTES[route] === "public" ? [] : [{ bearer: [] }], route);
    assert.ok(summary && responses["default"], route);
  }
});

test("Hono has no route that the document does not have", async () => {
  const { default: app } = (await import(BUNDLE)) as { default: { routes: { method: string; path: string }[] } };
  const known = Object.keys(ROUTES).map((route) => route.replaceAll(/{(\w+)}/g, ":$1"));
  const paths = known.map((route) => route.split(" ")[1]);
  for (const { method, path: written } of app.routes) {
    // A parameter that may hold slashes; the document has no way to say so.
    const path = written.replace("{.+}", "");
    const isOfAll = method === "ALL" && (path === "/*" || paths.includes(path));
    assert.ok(isOfAll || known.includes(`${method} ${path}`), `${method} ${path}`);
  }
});

test("the page has what the document says", () => {
  const script = fileURLToPath(new URL("../../apps/api-page.mjs", import.meta.url));
  const page = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
  assert.equal(page, execFileSync(process.execPath, [script], { encoding: "utf8" }), "write it again: make pages");
});

for (const [route, access] of Object.entries(ROUTES)) {
  test(`${route} ${access === "public" ? "asks for no token" : "answers nobody without a token"}`, async () => {
    const [method, path] = filled(route);
    const response = await fetch(edge.api + path, { method });
    assert.equal(response.status === 401, access !== "public");
    if (access !== "public") assert.equal(response.headers.get("WWW-Authenticate"), 'Bearer realm="api"');
    await response.body?.cancel();
  });
}

/** What tokens.test.ts tries at length on one route. */
const REFUSED: Record<string, () => Promise<string>> = {
  "an expired one": () => token({ exp: Math.floor(Date.now() / 1000) - 120 }),
  "one for another audience": () => token({ aud: "other" }),
  "one of another issuer": () => token({ iss: "http://localhost:2/" }),
  "one that another key signed": async () => {
    const key = { ...(await newKey()), kid: issuer.keys[0]?.kid as string };
    return issuer.token("member-1", { roles: ["admin"] }, key);
  },
  "one that nobody signed": async () => {
    const [, claims] = (await token()).split(".");
    return `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`;
  },
};
const token = (claims: Claims = {}) => issuer.token("member-1", { roles: ["admin"], ...claims });

for (const [name, make] of Object.entries(REFUSED)) {
  test(`no route of members takes ${name}`, async () => {
    const headers = { Authorization: `Bearer ${await make()}` };
    for (const [route, access] of Object.entries(ROUTES)) {
      if (access === "public") continue;
      const [method, path] = filled(route);
      const response = await fetch(edge.api + path, { method, headers });
      assert.equal(response.status, 401, route);
      assert.match(String(response.headers.get("WWW-Authenticate")), /error="invalid_token"/);
    }
  });
}

test("a member who is no administrator is refused by each of their routes", async () => {
  const headers = { Authorization: `Bearer ${await token({ roles: ["member"] })}` };
  for (const [route, access] of Object.entries(ROUTES)) {
    const [method, path] = filled(route);
    const response = await fetch(edge.api + path, { method, headers });
    assert.equal(response.status === 403, access === "admin", route);
    await response.body?.cancel();
  }
});

test("each path names its methods to one that it does not have", async () => {
  for (const path of Object.keys(document.paths)) {
    const methods = Object.keys(document.paths[path] as Methods).map((method) => method.toUpperCase());
    const allowed = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    const [, url] = filled(`- ${path}`);
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      if (methods.includes(method)) continue;
      const response = await fetch(edge.api + url, { method });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers.get("Allow"), [...allowed, "OPTIONS"].join(", "));
      assert.equal((await fault(response)).code, "method_not_allowed");
    }
  }
});

test("what is not a path of the API is 404, with and without a token", async () => {
  for (const path of ["/", "/api/v1/", "/api/v1/ledger-entries/", "/api/v1/ledger-entries//", "/api/v2/accounts"]) {
    const response = await fetch(edge.api + path);
    assert.equal(response.status, 404, path);
    assert.equal((await fault(response)).code, "not_found");
  }
});

test("every answer has the headers that keep it safe", async () => {
  for (const path of ["/healthcheck", "/nothing", "/api/v1/accounts", "/api/openapi.json"]) {
    const { headers } = await fetch(edge.api + path);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.match(headers.get("Content-Security-Policy") ?? "", /^default-src 'none'/);
    assert.match(headers.get("Strict-Transport-Security") ?? "", /^max-age=/);
    assert.equal(headers.get("Referrer-Policy"), "no-referrer");
  }
});

test("an answer to a member can't be made one that may be stored", async () => {
  type Storable = (c: object, cacheControl: string) => void;
  const { storable } = (await import(PUBLIC)) as { storable: Storable };
  const of = (subject?: string) => new Map([["subject", subject]]);
  const anyones = of();
  storable(anyones, "public, max-age=60");
  assert.equal(anyones.get("cacheControl"), "public, max-age=60");
  const members = of("member-1");
  assert.throws(() => storable(members, "public, max-age=60"), /must not be stored/);
  assert.equal(members.get("cacheControl"), undefined);
});

test("a request id is taken when it is one, and made when it is not", async () => {
  const idOf = async (given: string) =>
    (await fetch(`${edge.api}/healthcheck`, { headers: { "X-Request-Id": given } })).headers.get("X-Request-Id");
  assert.equal(await idOf("order-4711.a_b"), "order-4711.a_b");
  for (const given of ["", "short", "x".repeat(49), "with blank 1", "quote'; --"]) {
    assert.match((await idOf(given)) ?? "", /^[0-9a-f-]{36}$/);
  }
});

test("pages of allowed origins may read answers, and no others", async () => {
  const ask = (origin: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(`${edge.api}/api/v1/accounts`, { method, headers: { Origin: origin, ...headers } });
  const preflight = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization" };
  const allowed = await ask("https://site.example", preflight, "OPTIONS");
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers.get("Access-Control-Allow-Origin"), "https://site.example");
  assert.match(allowed.headers.get("Access-Control-Allow-Headers") ?? "", /Authorization/);
  assert.equal(allowed.headers.get("Access-Control-Allow-Credentials"), null);
  assert.equal((await ask("https://site.example")).headers.get("Access-Control-Allow-Origin"), "https://site.example");
  for (const origin of ["https://evil.example", "https://site.example.evil.example", "null"]) {
    for (const response of [await ask(origin, preflight, "OPTIONS"), await ask(origin)]) {
      assert.equal(response.headers.get("Access-Control-Allow-Origin"), null);
    }
  }
});
