/** Every id that a member can give, given by another one: it is as if there were no such thing. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edge, Member, start, stop } from "./members.ts";

const PNG = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
const NOTE = { text: "x", embedding: [1, 0, 0, 0, 0, 0, 0, 0] };

/** What somebody has, or nobody. */
interface Ids {
  account: string;
  entry: string;
  media: string;
  note: string;
  cursor: (id: string) => string;
  key: string;
}
type Request = [method: string, path: string, body?: unknown, headers?: Record<string, string>];

/** By route and the parameter that takes an id. */
const TRIES: Record<string, (ids: Ids) => Request> = {
  "GET /api/v1/accounts cursor": ({ account, cursor }) => ["GET", `/api/v1/accounts?cursor=${cursor(account)}`],
  "POST /api/v1/accounts idempotency-key": ({ key }) => [
    "POST",
    "/api/v1/accounts",
    { name: "x", currency: "CAD" },
    { "Idempotency-Key": key },
  ],
  "GET /api/v1/accounts/{id} id": ({ account }) => ["GET", `/api/v1/accounts/${account}`],
  "GET /api/v1/ledger-entries accountId": ({ account }) => ["GET", `/api/v1/ledger-entries?accountId=${account}`],
  "GET /api/v1/ledger-entries cursor": ({ entry, cursor }) => ["GET", `/api/v1/ledger-entries?cursor=${cursor(entry)}`],
  "POST /api/v1/ledger-entries accountId": ({ account }) => [
    "POST",
    "/api/v1/ledger-entries",
    { accountId: account, description: "x", amountCents: 1 },
  ],
  "POST /api/v1/ledger-entries idempotency-key": ({ key }) => [
    "POST",
    "/api/v1/ledger-entries",
    { accountId: crypto.randomUUID(), description: "x", amountCents: 1 },
    { "Idempotency-Key": key },
  ],
  "GET /api/v1/ledger-entries/{id} id": ({ entry }) => ["GET", `/api/v1/ledger-entries/${entry}`],
  "GET /api/v1/media cursor": ({ media, cursor }) => ["GET", `/api/v1/media?cursor=${cursor(media)}`],
  "POST /api/v1/media idempotency-key": ({ key }) => [
    "POST",
    "/api/v1/media",
    PNG,
    { "Content-Type": "image/png", "Idempotency-Key": key },
  ],
  "DELETE /api/v1/media/{key} key": ({ media }) => ["DELETE", `/api/v1/media/${media}`],
  "GET /api/v1/notes cursor": ({ note, cursor }) => ["GET", `/api/v1/notes?cursor=${cursor(note)}`],
  "POST /api/v1/notes idempotency-key": ({ key }) => ["POST", "/api/v1/notes", NOTE, { "Idempotency-Key": key }],
  "GET /api/v1/notes/{id}/similar id": ({ note }) => ["GET", `/api/v1/notes/${note}/similar`],
};

interface Schema {
  $ref?: string;
  properties?: Record<string, unknown>;
}
interface Operation {
  "x-access": string;
  parameters?: { name: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const lists = ["accounts", "ledger-entries", "media", "notes"].map((name) => `/api/v1/${name}?limit=100`);
let owner: Member;
let own: Ids;
let there: unknown[];

const nobodys = (): Ids => ({
  account: crypto.randomUUID(),
  entry: "999999999999",
  media: crypto.randomUUID(),
  note: crypto.randomUUID(),
  cursor: (id) => `9999999999999999.${id}`,
  key: crypto.randomUUID(),
});

before(async () => {
  await start();
  owner = new Member();
  const key = crypto.randomUUID();
  const headers = { "Idempotency-Key": key };
  const account = (await (
    await owner.send("POST", "/api/v1/accounts", { name: "x", currency: "CAD" }, headers)
  ).json()) as { id: string };
  const entry = { accountId: account.id, description: "x", amountCents: 1 };
  const { id } = await owner.done("POST", "/api/v1/ledger-entries", entry);
  const uploaded = await owner.send("POST", "/api/v1/media", PNG, { "Content-Type": "image/png" });
  const media = ((await uploaded.json()) as { key: string }).key;
  const note = (await owner.done("POST", "/api/v1/notes", NOTE)).id;
  own = { ...nobodys(), account: account.id, entry: String(id), media, note, key };
  there = await Promise.all(lists.map((path) => owner.done("GET", path)));
});
after(stop);

test("each parameter of a member's routes that takes an id is tried", async () => {
  const answer = await fetch(`${edge.api}/api/openapi.json`);
  const { paths, components } = (await answer.json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  const taken = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { "x-access": access, parameters = [], requestBody }]) => {
      const schema = requestBody?.content["application/json"]?.schema;
      const body = components.schemas[schema?.$ref?.split("/").at(-1) ?? ""] ?? schema;
      const names = [...parameters.map(({ name }) => name), ...Object.keys(body?.properties ?? {})];
      const ids = access === "member" ? names.filter((name) => /(id|key|cursor)$/i.test(name)) : [];
      return ids.map((name) => `${method.toUpperCase()} ${path} ${name}`);
    }),
  );
  assert.deepEqual(taken.toSorted(), Object.keys(TRIES).toSorted());
});

for (const [name, request] of Object.entries(TRIES)) {
  test(`${name} of another's is as of nobody's`, async () => {
    const answers = [own, nobodys()].map(async (ids) => {
      const [method, path, body, headers] = request(ids);
      const response = await new Member().send(method, path, body, headers);
      const text = await response.text();
      for (const id of [own.account, own.media, own.note]) assert.ok(!text.includes(id));
      // What was made has an id and a time of its own.
      return [response.status, response.status === 201 ? "" : text.replace(/"requestId":"[^"]+"/, "")];
    });
    assert.deepEqual(await answers[0], await answers[1]);
    assert.deepEqual(await Promise.all(lists.map((path) => owner.done("GET", path))), there);
  });
}
