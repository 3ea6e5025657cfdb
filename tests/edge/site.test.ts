/** The site's static part, and the control port. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Edge, freePorts, startEdge } from "./edge.ts";

let edge: Edge;

before(async () => {
  const [unused] = await freePorts(1);
  edge = await startEdge(unused as number);
});
after(() => edge.stop());

test("all that the page asks for is there", async () => {
  const html = await (await fetch(edge.site)).text();
  const parts = [...html.matchAll(/(?:src|href)="(\/(?!auth\/)[^"]+)"/g)].map((match) => match[1] as string);
  assert.ok(parts.length >= 3);
  for (const part of parts) assert.equal((await fetch(edge.site + part)).status, 200);
});

const answered: [string, number][] = [["/", 200], ["/page.js", 200], ["/index.html", 307], ["/no/such/page", 404]];
for (const [path, status] of answered) {
  test(`${path} answers ${status} with the security headers`, async () => {
    const response = await fetch(edge.site + path, { redirect: "manual" });
    assert.equal(response.status, status);
    assertSecure(response.headers);
  });
}

test("a file is asked for again each time, and answered with 304 when it has not changed", async () => {
  const first = await fetch(`${edge.site}/page.css`);
  assert.equal(first.headers.get("Cache-Control"), "public, max-age=0, must-revalidate");
  const again = await fetch(`${edge.site}/page.css`, { headers: { "If-None-Match": first.headers.get("ETag") ?? "" } });
  assert.equal(again.status, 304);
  assertSecure(again.headers);
});

test("the API's answers can't be taken for anything but what they say", async () => {
  for (const path of ["/healthcheck", "/api/v1/ledger-entries", "/api/nothing"]) {
    const { headers } = await fetch(edge.site + path);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.match(headers.get("Content-Type") ?? "", /^application\/(problem\+)?json/);
  }
});

function assertSecure(headers: Headers): void {
  const policy = headers.get("Content-Security-Policy") ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'; require-trusted-types-for 'script'/);
  assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(headers.get("Referrer-Policy"), "no-referrer");
  assert.match(headers.get("Strict-Transport-Security") ?? "", /^max-age=31536000/);
  assert.match(headers.get("Permissions-Policy") ?? "", /camera=\(\)/);
  for (const name of ["Opener", "Resource"]) assert.equal(headers.get(`Cross-Origin-${name}-Policy`), "same-origin");
}

test("the page has nothing inline that its policy would block", async () => {
  const html = await (await fetch(edge.site)).text();
  assert.doesNotMatch(html, /<style|style="|<script(?![^>]+src=)|\son\w+="/);
});

test("an unknown page is 404 with a page", async () => {
  const response = await fetch(`${edge.site}/no/such/page`);
  assert.equal(response.status, 404);
  assert.match(await response.text(), /no such page/);
});

test("every declared bucket keeps objects, bound to a Worker or not", async () => {
  const url = `${edge.control}/buckets/unbound/folder/a%20key`;
  assert.equal((await fetch(url, { method: "PUT", body: "kept" })).status, 204);
  assert.equal(await (await fetch(url)).text(), "kept");
  const counted = [{ name: "media", objects: 0 }, { name: "unbound", objects: 1 }];
  assert.deepEqual(await (await fetch(`${edge.control}/buckets`)).json(), counted);
  assert.equal((await fetch(url, { method: "DELETE" })).status, 204);
  assert.equal((await fetch(url)).status, 404);
});

test("every answer names its side and its build", async () => {
  const paths = ["/", "/page.css", "/no/such/page", "/healthcheck", "/api/nothing", "/api/v1/ledger-entries"];
  for (const url of [...paths.map((path) => edge.site + path), `${edge.api}/healthcheck`, `${edge.api}/nothing`]) {
    const { headers } = await fetch(url);
    assert.deepEqual([headers.get("X-Served-By"), headers.get("X-Build")], ["worker", "build-1"], url);
  }
});

test("an undeclared bucket is 404", async () => {
  assert.equal((await fetch(`${edge.control}/buckets/other/key`)).status, 404);
});
