/** Which access tokens open a route, and what becomes of that when the issuer changes its keys or is away. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SignJWT } from "jose";
import { AUDIENCE, type Edge, fault, type Settings, startEdge } from "./edge.ts";
import { type Claims, Issuer, newKey } from "./issuer.ts";

const NOW = Math.floor(Date.now() / 1000);
const COOL_DOWN_MS = 5_000;
// Refused by its schema, once the token has been accepted: no database is needed to tell the two apart.
const PATH = "/api/v1/ledger-entries?limit=0";
const ACCEPTED = 400;

async function send(edge: Edge, token: string): Promise<Response> {
  return fetch(edge.api + PATH, { headers: { Authorization: `Bearer ${token}` } });
}

async function statusOf(edge: Edge, token: string): Promise<number> {
  return (await send(edge, token)).status;
}

/** An edge that trusts an issuer of its own, for one test. */
async function trusting(work: (edge: Edge, issuer: Issuer) => Promise<void>, settings: Settings = {}): Promise<void> {
  const issuer = await Issuer.start();
  const edge = await startEdge(1, { ...settings, vars: { ...issuer.vars, ...settings.vars } });
  try {
    await work(edge, issuer);
  } finally {
    issuer.stop();
    await edge.stop();
  }
}

const cooledDown = () => new Promise((resolve) => setTimeout(resolve, COOL_DOWN_MS + 200));

describe("a token", () => {
  let edge: Edge;
  let issuer: Issuer;
  let other: Issuer;

  before(async () => {
    [issuer, other] = await Promise.all([Issuer.start(), Issuer.start()]);
    issuer.keys.push(await newKey("ES256"), await newKey("PS256"));
    edge = await startEdge(1, { vars: issuer.vars });
  });
  after(async () => {
    issuer.stop();
    other.stop();
    await edge.stop();
  });

  const token = (claims: Claims = {}, subject = "member-1") => issuer.token(subject, claims);
  const accepted: [string, () => Promise<string>][] = [
    ["of today", () => token()],
    ["signed with ES256", () => issuer.token("member-1", {}, issuer.keys[1])],
    ["that expired within the skew of two clocks", () => token({ exp: NOW - 30 })],
    ["that begins within the skew of two clocks", () => token({ nbf: NOW + 30 })],
    ["for several audiences", () => token({ aud: ["other", AUDIENCE] })],
    ["with roles that are no list", () => token({ roles: "admin" })],
  ];
  for (const [name, make] of accepted) {
    test(`${name} is accepted`, async () => assert.equal(await statusOf(edge, await make()), ACCEPTED));
  }

  const parts = async () => (await token()).split(".") as [string, string, string];
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = () => ({ iss: issuer.url, aud: AUDIENCE, sub: "member-1", exp: NOW + 600 });
  const refused: [string, () => Promise<string>][] = [
    ["that expired", () => token({ exp: NOW - 120 })],
    ["that is not yet valid", () => token({ nbf: NOW + 120 })],
    ["that never expires", () => token({ exp: undefined })],
    ["for another audience", () => token({ aud: "other" })],
    ["for no audience", () => token({ aud: undefined })],
    ["of another issuer", () => other.token("member-1")],
    ["in the name of another issuer", () => token({ iss: other.url })],
    ["of another issuer in this one's name", () => other.token("member-1", { iss: issuer.url })],
    [
      "with this issuer's key id, signed by another's key",
      async () => {
        const key = { ...(other.keys[0] as (typeof other.keys)[0]), kid: issuer.keys[0]?.kid as string };
        return issuer.token("member-1", {}, key);
      },
    ],
    [
      "signed with the issuer's other key than it says",
      async () => {
        const key = { ...(issuer.keys[1] as (typeof issuer.keys)[0]), kid: issuer.keys[0]?.kid as string };
        return issuer.token("member-1", {}, key);
      },
    ],
    ["of an algorithm that is not listed", () => issuer.token("member-1", {}, issuer.keys[2])],
    ["signed by nobody", async () => `${encoded({ alg: "none", kid: issuer.keys[0]?.kid })}.${encoded(claims())}.`],
    [
      "signed with the public key as a password",
      () => {
        const word = new TextEncoder().encode(JSON.stringify(issuer.keys[0]?.published));
        return new SignJWT(claims())
          .setProtectedHeader({ alg: "HS256", kid: issuer.keys[0]?.kid as string })
          .sign(word);
      },
    ],
    [
      "whose claims were changed",
      async () => {
        const [head, , signature] = await parts();
        return `${head}.${encoded({ ...claims(), sub: "member-2" })}.${signature}`;
      },
    ],
    ["without its signature", async () => (await parts()).slice(0, 2).join(".")],
    ["that is none", async () => "token"],
    ["without a subject", () => token({ sub: undefined })],
    ["with a subject that is no word", () => token({}, "member 1\n")],
    ["with a subject of 256 characters", () => token({}, "x".repeat(256))],
  ];
  for (const [name, make] of refused) {
    test(`${name} is refused`, async () => {
      const response = await send(edge, await make());
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("WWW-Authenticate"), 'Bearer realm="api", error="invalid_token"');
      assert.equal(response.headers.get("Cache-Control"), "no-store");
      assert.equal((await fault(response)).code, "unauthorized");
    });
  }

  test("by another scheme, in the query or in a cookie is none", async () => {
    const held = await token();
    const tries: [string, Record<string, string>][] = [
      ["", { Authorization: `Basic ${held}` }],
      ["", { Authorization: held }],
      ["", { Cookie: `access_token=${held}` }],
      [`&access_token=${held}`, {}],
    ];
    for (const [query, headers] of tries) {
      const response = await fetch(edge.api + PATH + query, { headers });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("WWW-Authenticate"), 'Bearer realm="api"');
    }
  });

  test("without the role admin does not open what needs it", async () => {
    const put = (roles: unknown) =>
      token({ roles }).then((held) =>
        fetch(`${edge.api}/api/v1/exchange-rates/CAD/x`, {
          method: "PUT",
          headers: { Authorization: `Bearer ${held}`, "Content-Type": "application/json" },
          body: "{}",
        }),
      );
    for (const roles of [undefined, [], ["member"], "admin", { admin: true }]) {
      const response = await put(roles);
      assert.equal(response.status, 403);
      assert.match(response.headers.get("WWW-Authenticate") ?? "", /error="insufficient_scope"/);
    }
    assert.equal((await put(["member", "admin"])).status, 400);
  });
});

describe("at the same time", { concurrency: true }, () => {
  test("a new key is found, while the old one goes on", () =>
    trusting(async (edge, issuer) => {
      const old = await issuer.token("member-1");
      assert.equal(await statusOf(edge, old), ACCEPTED);
      issuer.keys.unshift(await newKey());
      await cooledDown();
      assert.equal(await statusOf(edge, await issuer.token("member-1")), ACCEPTED);
      assert.equal(await statusOf(edge, old), ACCEPTED);
      assert.equal(issuer.asked, 2);
    }));

  test("known keys go on while the issuer is away, and it is asked no more often for the unknown", () =>
    trusting(async (edge, issuer) => {
      const known = await issuer.token("member-1");
      assert.equal(await statusOf(edge, known), ACCEPTED);
      await cooledDown();
      issuer.status = 500;
      const unknown = await issuer.token("member-1", {}, await newKey());
      const response = await send(edge, unknown);
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("Retry-After"), "5");
      assert.equal((await fault(response)).code, "issuer_unavailable");
      const statuses = await Promise.all(Array.from({ length: 20 }, () => statusOf(edge, unknown)));
      assert.deepEqual(new Set(statuses), new Set([503]));
      assert.equal(issuer.asked, 2);
      assert.equal(await statusOf(edge, known), ACCEPTED);
    }));

  test("an issuer that was away at first is asked again", () =>
    trusting(async (edge, issuer) => {
      issuer.status = 500;
      const token = await issuer.token("member-1");
      assert.equal(await statusOf(edge, token), 503);
      issuer.status = 200;
      await cooledDown();
      assert.equal(await statusOf(edge, token), ACCEPTED);
    }));

  test("Cognito's access tokens name their client, and its ID tokens are refused", () =>
    trusting(
      async (edge, issuer) => {
        const cognito = (claims: Claims) => issuer.token("member-1", { aud: undefined, ...claims });
        const access = { client_id: AUDIENCE, token_use: "access" };
        assert.equal(await statusOf(edge, await cognito(access)), ACCEPTED);
        for (const changes of [{ client_id: "other" }, { token_use: "id" }, { client_id: undefined, aud: AUDIENCE }]) {
          assert.equal(await statusOf(edge, await cognito({ ...access, ...changes })), 401);
        }
      },
      { vars: { OIDC_AUDIENCE_CLAIM: "client_id", OIDC_ROLES_CLAIM: "cognito:groups" } },
    ));

  test("the limit counts a member's calls, then an address's", () =>
    trusting(
      async (edge, issuer) => {
        const [one, two] = [await issuer.token("member-1"), await issuer.token("member-2")];
        for (let number = 0; number < 3; number += 1) assert.equal(await statusOf(edge, one), ACCEPTED);
        const response = await send(edge, one);
        assert.equal(response.status, 429);
        assert.equal(response.headers.get("Retry-After"), "60");
        assert.equal((await fault(response)).code, "too_many_requests");
        assert.equal(await statusOf(edge, two), ACCEPTED);
        for (let number = 0; number < 3; number += 1) assert.equal(await statusOf(edge, "none"), 401);
        assert.equal(await statusOf(edge, "none"), 429);
        assert.equal((await fetch(`${edge.api}/api/openapi.json`)).status, 429);
        assert.equal((await fetch(`${edge.api}/healthcheck`)).status, 200);
      },
      { limit: 3 },
    ));
});
