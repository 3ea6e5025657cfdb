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

test("the page and its parts are served with a strict policy", async () => {
  const page = await fetch(edge.site);
  const html = await page.text();
  const parts = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] as string);
  assert.ok(parts.length >= 3);
  for (const response of [page, ...(await Promise.all(parts.map((part) => fetch(edge.site + part))))]) {
    assert.equal(response.status, 200);
    assert.match(response.headers.get("Content-Security-Policy") ?? "", /default-src 'none'; script-src 'self';/);
    assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
  }
});

test("the page has nothing inline that its policy would block", async () => {
  const html = await (await fetch(edge.site)).text();
  assert.doesNotMatch(html, /<style|style="|<script(?![^>]+src=)|\son\w+="/);
});

test("an unknown page is 404 with a page", async () => {
  const response = await fetch(`${edge.site}/no/such/page`);
  assert.equal(response.status, 404);
  assert.match(await response.text(), /no such page/);
  assert.ok(response.headers.has("Content-Security-Policy"));
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

test("an undeclared bucket is 404", async () => {
  assert.equal((await fetch(`${edge.control}/buckets/other/key`)).status, 404);
});
