/** Who answers at the edge: the host's record first, then the most specific route. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../local/failover/edge_proxy/routing.mjs";

type View = Parameters<typeof decide>[0];
type Decision = ReturnType<typeof decide>;

const NOW = 1000;
const RECORD = { name: "app.shop.example", type: "CNAME", content: "standby.example.net", proxied: true };
const STANDBY: Decision = { to: "origin", host: "standby.example.net" };
const WEB: Decision = { to: "worker", script: "web" };
const NOBODY: Decision = { to: "nobody" };

function view(routes: Record<string, string | null>, changes: Partial<View> = {}): View {
  const numbered = Object.entries(routes).map(([pattern, script], place) => [String(place), { pattern, script }]);
  return { records: { one: RECORD }, routes: Object.fromEntries(numbered), lingering: {}, ...changes };
}

const cases: [string, Record<string, string | null>, string, Decision][] = [
  ["a route with a script", { "app.shop.example/*": "web" }, "/", WEB],
  ["a blank route", { "app.shop.example/*": null }, "/", STANDBY],
  ["no route", {}, "/", STANDBY],
  ["another host's route", { "api.shop.example/*": "api" }, "/", STANDBY],
  ["a longer host that ends alike", { "my-app.shop.example/*": "api" }, "/", STANDBY],
  [
    "a blank route that is more specific",
    { "app.shop.example/*": "web", "app.shop.example/.well-known/acme-challenge/*": null },
    "/.well-known/acme-challenge/token",
    STANDBY,
  ],
  [
    "a blank route that is more specific, on another path",
    { "app.shop.example/.well-known/acme-challenge/*": null, "app.shop.example/*": "web" },
    "/.well-known/other",
    WEB,
  ],
  ["a path in full before one with a star", { "app.shop.example/a*": "all", "app.shop.example/a": "web" }, "/a", WEB],
  ["a host in full before one with a star", { "*.shop.example/a/b*": "all", "app.shop.example/*": "web" }, "/a/b", WEB],
  ["a star for all hosts", { "*.shop.example/*": "web" }, "/", WEB],
  ["a star for the zone too", { "*shop.example/*": "web" }, "/", WEB],
  ["a pattern with a scheme", { "https://app.shop.example/*": "web" }, "/", WEB],
  ["a pattern without a star, elsewhere", { "app.shop.example/a": "web" }, "/a/b", STANDBY],
];
for (const [name, routes, path, decision] of cases) {
  test(`${name}: ${decision.to}`, () => {
    assert.deepEqual(decide(view(routes), "app.shop.example", path, NOW), decision);
  });
}

test("a host whose record is not proxied, or that has none, is nobody's", () => {
  const routes = { "*.shop.example/*": "web" };
  const unproxied = view(routes, { records: { one: { ...RECORD, proxied: false } } });
  assert.deepEqual(decide(unproxied, "app.shop.example", "/", NOW), NOBODY);
  assert.deepEqual(decide(view(routes), "other.shop.example", "/", NOW), NOBODY);
});

test("a record for all hosts is for each", () => {
  const all = view({}, { records: { one: { ...RECORD, name: "*.shop.example" } } });
  assert.deepEqual(decide(all, "any.shop.example", "/", NOW), STANDBY);
});

test("a host that is proxied no more is served until the old answers have gone", () => {
  const routes = { "app.shop.example/*": "web" };
  const lingering = { "app.shop.example": { record: RECORD, until: NOW + 1 } };
  const left = view(routes, { records: {}, lingering });
  assert.deepEqual(decide(left, "app.shop.example", "/", NOW), WEB);
  assert.deepEqual(decide(left, "app.shop.example", "/", NOW + 1), NOBODY);
});
