/** Branches near a point, on the globe. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fault } from "./edge.ts";
import { edge, sql, start, stop } from "./members.ts";

before(start);
after(stop);

type Branch = { name: string; city: string; lat: number; lng: number; metres: number };

function ask(query: Record<string, string>): Promise<Response> {
  return fetch(`${edge.site}/api/v1/branches?${new URLSearchParams(query)}`);
}

async function near(query: Record<string, string>): Promise<Branch[]> {
  const response = await ask(query);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Cache-Control"), "public, max-age=300");
  return ((await response.json()) as { branches: Branch[] }).branches;
}

const MONTREAL = { lat: "45.5019", lng: "-73.5674" };

test("the nearest come first, and none from beyond what is asked for", async () => {
  const names = async (query: Record<string, string>) => (await near(query)).map(({ name }) => name);
  assert.deepEqual(await names(MONTREAL), ["Place d'Armes", "Mile End"]);
  assert.deepEqual(await names({ ...MONTREAL, within: "1500" }), ["Place d'Armes"]);
  assert.deepEqual(await names({ ...MONTREAL, within: "300000" }), [
    "Place d'Armes",
    "Mile End",
    "ByWard",
    "Vieux-Québec",
  ]);
  assert.deepEqual(await names({ ...MONTREAL, within: "1000000", limit: "1" }), ["Place d'Armes"]);
  assert.deepEqual(await names({ lat: "-45", lng: "10" }), []);
});

test("distances are metres on the globe", async () => {
  const all = await near({ ...MONTREAL, within: "1000000" });
  const quebec = all.find(({ city }) => city === "Québec") as Branch;
  assert.ok(quebec.metres > 230_000 && quebec.metres < 236_000, String(quebec.metres));
  assert.deepEqual([quebec.lat, quebec.lng], [46.8139, -71.208]);
});

test("also over the line where a day begins, and at a pole", async () => {
  const insert = `INSERT INTO public.branches (name, city, place) VALUES
    ('Date line', 'Taveuni', 'POINT(-179.9 -16.8)'), ('Pole', 'Nowhere', 'POINT(100 89.95)')`;
  await sql(undefined, (client) => client.query(insert));
  const [taveuni] = await near({ lat: "-16.8", lng: "179.9" });
  assert.ok(taveuni && taveuni.metres > 21_000 && taveuni.metres < 22_000);
  assert.equal((await near({ lat: "90", lng: "-80" }))[0]?.name, "Pole");
});

for (const [name, query] of Object.entries({
  lat: { lat: "90.1", lng: "0" },
  lng: { lat: "0", lng: "" },
  within: { ...MONTREAL, within: "0" },
  limit: { ...MONTREAL, limit: "1.5" },
})) {
  test(`${name} is refused where it is none`, async () => {
    const response = await ask(query);
    assert.equal(response.status, 400);
    assert.equal((await fault(response)).errors?.[0]?.path, name);
  });
}
