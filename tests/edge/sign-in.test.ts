/** Signing in at the site with a real issuer; the API says what it was sent. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SealedCookie } from "../../apps/web/src/cookies.ts";
import { type Edge, freePorts, startEdge } from "./edge.ts";
import { type Issuer, SECRET, startIssuer } from "./local-issuer.ts";

const ECHO = `export default { async fetch(request) {
  return Response.json({ method: request.method, sent: Object.fromEntries(request.headers), body: await request.text() });
} }`;
// Shorter than what the site keeps in hand, so that each request refreshes.
const ACCESS_SECONDS = 30;
const SPARE_SECONDS = 60;
const folder = mkdtempSync(join(tmpdir(), "sign-in-test-"));

let edge: Edge;
let issuer: Issuer;

/** A site and its issuer, whose access tokens last that long. */
async function start(accessSeconds: number): Promise<[Edge, Issuer]> {
  const [web, api, control, own] = (await freePorts(4)) as [number, number, number, number];
  const issuer = await startIssuer(own, `http://127.0.0.1:${web}`, accessSeconds);
  const edge = await startEdge(0, {
    ports: [web, api, control],
    apiModule: join(folder, "echo.mjs"),
    siteVars: {
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: "site",
      OIDC_CLIENT_SECRET: SECRET,
      OIDC_SCOPE: "openid email profile",
      PUBLIC_SIGN_UP: "true",
      SESSION_KEY: `${randomUUID()},${randomUUID()}`,
    },
  });
  return [edge, issuer];
}

before(async () => {
  writeFileSync(join(folder, "echo.mjs"), ECHO);
  [edge, issuer] = await start(ACCESS_SECONDS);
});
after(async () => {
  await edge.stop();
  await issuer.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Echo {
  sent: Record<string, string>;
}

/** As much of a browser as signing in takes: it keeps cookies by host, and follows redirects. */
class Visitor {
  readonly jars = new Map<string, Map<string, string>>();
  readonly site: string;

  constructor(site = edge.site) {
    this.site = site;
  }

  jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    return this.jars.get(host) ?? this.jars.set(host, new Map()).get(host)!;
  }

  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = this.jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(init.headers as Record<string, string>), ...(cookie ? { Cookie: cookie } : {}) };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as unknown as [string, string, string];
      if (/Max-Age=0|expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects to the first answer that is none; its address too. */
  async follow(url: string, init: RequestInit = {}): Promise<[Response, string]> {
    const response = await this.ask(url, init);
    const to = response.headers.get("Location");
    return to ? this.follow(new URL(to, url).href) : [response, url];
  }

  async register(): Promise<string> {
    const [page, at] = await this.follow(`${this.site}/auth/register`);
    assert.match(await page.text(), /<h1>Register/);
    const form = { name: "Ada Lovelace", email: `${randomUUID()}@example.com`, password: "analytical engine" };
    const [, end] = await this.follow(at, { method: "POST", body: new URLSearchParams(form) });
    return end;
  }

  async session(): Promise<{ signedIn: boolean; name: string | null }> {
    return (await this.ask(`${this.site}/auth/session`)).json() as never;
  }

  async sent(init: RequestInit = {}): Promise<{ status: number; headers: Record<string, string> }> {
    const response = await this.ask(`${this.site}/api/anything`, init);
    const { sent = {} } = (await response.json()) as { sent?: Record<string, string> };
    return { status: response.status, headers: sent };
  }
}

test("who registers is signed in, and the API gets a token that the browser never sees", async () => {
  const visitor = new Visitor();
  assert.equal(await visitor.register(), `${edge.site}/`);
  assert.deepEqual(await visitor.session(), { signedIn: true, name: "Ada Lovelace", mayRegister: true });
  const { headers } = await visitor.sent();
  const token = headers["authorization"]?.replace("Bearer ", "") ?? "";
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
  assert.deepEqual([claims["iss"], claims["aud"]], [issuer.url, "https://api.example.com"]);
  assert.equal(headers["cookie"], undefined);
  const kept = [...visitor.jar(edge.site)];
  assert.deepEqual(kept.map(([name]) => name), ["__Host-session"]);
  assert.ok(!kept.some(([, value]) => value.includes(token) || Buffer.from(value, "base64url").includes(token)));
});

test("cookies are out of reach of scripts, other hosts and other sites", async () => {
  const response = await fetch(`${edge.site}/auth/sign-in`, { redirect: "manual" });
  assert.match(String(response.headers.get("Location")), /code_challenge_method=S256/);
  assert.equal(response.headers.get("Cache-Control"), "no-store");
  const [line] = response.headers.getSetCookie();
  assert.match(String(line), /^__Host-sign-in=[^;]+; Max-Age=3600; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
});

test("a token is renewed before it ends, until the visitor signs out", async () => {
  const visitor = new Visitor();
  await visitor.register();
  const first = await visitor.sent();
  const second = await visitor.sent();
  assert.notEqual(first.headers["authorization"], second.headers["authorization"]);
  const copy = new Visitor();
  for (const [name, value] of visitor.jar(edge.site)) copy.jar(edge.site).set(name, value);
  const out = await visitor.ask(`${edge.site}/auth/sign-out`, { method: "POST", headers: { Origin: edge.site } });
  const { location } = (await out.json()) as { location: string };
  assert.equal(visitor.jar(edge.site).size, 0);
  // A copy of the cookie goes no further than its access token.
  assert.equal((await copy.session()).signedIn, false);
  const page = await (await visitor.ask(location)).text();
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? "";
  const action = `${issuer.url}/session/end/confirm`;
  const [, end] = await visitor.follow(action, { method: "POST", body: new URLSearchParams({ xsrf, logout: "yes" }) });
  assert.equal(end, `${edge.site}/`);
  const [again] = await visitor.follow(`${edge.site}/auth/sign-in`);
  assert.match(await again.text(), /<h1>Sign in/);
});

// The issuer takes the second use of a refresh token for a theft, and ends the session.
test("requests at the same moment renew a session once", async () => {
  const [own, ownIssuer] = await start(SPARE_SECONDS + 4);
  try {
    const visitor = new Visitor(own.site);
    await visitor.register();
    for (let round = 0; round < 2; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 4_200));
      // None of them has the cookie that another one is given; the last comes after the first was answered.
      const [cookie] = [...visitor.jar(own.site)].map(([name, value]) => `${name}=${value}`);
      const ask = () => fetch(`${own.site}/api/anything`, { headers: { Cookie: String(cookie) } });
      const answers = [...(await Promise.all(Array.from({ length: 5 }, ask))), await ask()];
      const tokens = answers.map(async (answer) => ((await answer.json()) as Echo).sent["authorization"]);
      const [token, ...others] = new Set(await Promise.all(tokens));
      assert.match(String(token), /^Bearer /);
      assert.deepEqual(others, []);
      assert.equal((await visitor.session()).signedIn, true);
    }
  } finally {
    await own.stop();
    await ownIssuer.stop();
  }
});

test("what changes something comes from the site's own pages", async () => {
  const visitor = new Visitor();
  await visitor.register();
  for (const headers of [{}, { Origin: "https://elsewhere.example" }, { Origin: "null" }]) {
    assert.equal((await visitor.sent({ method: "POST", headers, body: "{}" })).status, 403);
    const refused = await visitor.ask(`${edge.site}/auth/sign-out`, { method: "POST", headers });
    assert.equal(refused.headers.get("Content-Type"), "application/problem+json");
    const { type, title, status, code } = (await refused.json()) as Record<string, unknown>;
    assert.deepEqual([type, title, status, code], ["about:blank", "Forbidden", 403, "foreign_origin"]);
  }
  assert.equal((await visitor.sent({ method: "POST", headers: { Origin: edge.site }, body: "{}" })).status, 200);
  assert.equal((await visitor.session()).signedIn, true);
});

test("a program's own token goes on as it is", async () => {
  const { headers } = await new Visitor().sent({ method: "POST", headers: { Authorization: "Bearer own" }, body: "{}" });
  assert.equal(headers["authorization"], "Bearer own");
});

test("a visitor without a session, or with a cookie that is not ours, is signed out", async () => {
  const visitor = new Visitor();
  await visitor.register();
  const [[name, value]] = [...visitor.jar(edge.site)] as [[string, string]];
  for (const forged of [undefined, "", "x", `${value.slice(0, -2)}AA`, value.slice(0, -40)]) {
    const other = new Visitor();
    if (forged !== undefined) other.jar(edge.site).set(name, forged);
    assert.deepEqual(await other.session(), { signedIn: false, name: null, mayRegister: true });
    assert.equal((await other.sent()).headers["authorization"], undefined);
  }
});

test("an answer to another visitor's question signs nobody in", async () => {
  const victim = new Visitor();
  const attacker = new Visitor();
  await victim.ask(`${edge.site}/auth/sign-in`);
  const [, at] = await attacker.follow(`${edge.site}/auth/register`);
  const form = { name: "Eve", email: `${randomUUID()}@example.com`, password: "a long password" };
  let url = at;
  let answer = await attacker.ask(url, { method: "POST", body: new URLSearchParams(form) });
  while (!url.startsWith(`${edge.site}/auth/callback`)) {
    url = new URL(String(answer.headers.get("Location")), url).href;
    if (!url.startsWith(edge.site)) answer = await attacker.ask(url);
  }
  const told = await victim.ask(url);
  assert.equal(told.headers.get("Location"), "/?sign-in=failed");
  assert.equal((await victim.session()).signedIn, false);
});

test("a long session takes several cookies, and a shorter one removes those it does not need", async () => {
  const cookie = new SealedCookie<{ text: string }>("session", 60);
  const with_ = (lines: string[]) =>
    new Request("https://site.example", { headers: { Cookie: lines.map((line) => line.split(";")[0]).join("; ") } });
  const long = await cookie.kept(with_([]), { text: "x".repeat(6000) }, "new,old");
  assert.deepEqual(long.map((line) => line.split("=")[0]), ["__Host-session", "__Host-session1", "__Host-session2"]);
  assert.ok(long.every((line) => line.length < 4096));
  assert.equal((await cookie.read(with_(long), "newest,new"))?.text.length, 6000);
  assert.equal(await cookie.read(with_(long), "newest"), undefined);
  const short = await cookie.kept(with_(long), { text: "x" }, "new");
  assert.deepEqual(short.map((line) => /Max-Age=0/.test(line)), [false, true, true]);
  const elsewhere = long.map((line) => line.replace("__Host-session", "__Host-sign-in"));
  assert.equal(await new SealedCookie("sign-in", 60).read(with_(elsewhere), "new"), undefined);
});

test("while the issuer is away a token is used to its end", async () => {
  const visitor = new Visitor();
  await visitor.register();
  await issuer.stop();
  assert.equal((await visitor.session()).signedIn, true);
  assert.match(String((await visitor.sent()).headers["authorization"]), /^Bearer /);
  const out = await visitor.ask(`${edge.site}/auth/sign-out`, { method: "POST", headers: { Origin: edge.site } });
  assert.equal(out.status, 200);
  assert.equal(visitor.jar(edge.site).size, 0);
});
