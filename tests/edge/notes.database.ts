/** Notes and what is like them, each member's own. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fault } from "./edge.ts";
import { Member, sql, start, stop } from "./members.ts";

const NOTES = "/api/v1/notes";

before(start);
after(stop);

function at(first: number, second = 0): number[] {
  return [first, second, 0, 0, 0, 0, 0, 0];
}

function note(member: Member, text: string, embedding: number[]): Promise<{ id: string }> {
  return member.done("POST", NOTES, { text, embedding });
}

test("the most similar of a member's notes come first, and nobody else's", async () => {
  const [member, other] = [new Member(), new Member()];
  const { id } = await note(member, "rent", at(1));
  await note(member, "far", at(-1, 0.5));
  await note(member, "near", at(1, 0.5));
  await note(other, "foreign", at(1));
  const { notes } = await member.done("GET", `${NOTES}/${id}/similar`);
  assert.deepEqual(
    notes.map(({ text, distance }: { text: string; distance: number }) => [text, Math.round(distance * 1000)]),
    [
      ["near", 500],
      ["far", 2062],
    ],
  );
  assert.equal((await member.done("GET", `${NOTES}/${id}/similar?limit=1`)).notes.length, 1);
  const [foreign, none] = [
    await other.send("GET", `${NOTES}/${id}/similar`),
    await other.send("GET", `${NOTES}/${crypto.randomUUID()}/similar`),
  ];
  assert.deepEqual([foreign.status, none.status], [404, 404]);
  assert.equal((await fault(foreign)).detail, (await fault(none)).detail);
  assert.deepEqual(
    (await other.done("GET", NOTES)).notes.map(({ text }: { text: string }) => text),
    ["foreign"],
  );
  const seen = (subject?: string) => sql(subject, (client) => client.query("SELECT owner FROM regulated.notes"));
  assert.equal((await seen()).rowCount, 0);
  assert.deepEqual((await seen(other.subject)).rows, [{ owner: other.subject }]);
});

test("a member's notes come in pages, newest first", async () => {
  const member = new Member();
  for (const text of ["a", "b", "c"]) await note(member, text, at(1));
  const first = await member.done("GET", `${NOTES}?limit=2`);
  const second = await member.done("GET", `${NOTES}?limit=2&cursor=${first.nextCursor}`);
  const texts = [...first.notes, ...second.notes].map(({ text }: { text: string }) => text);
  assert.deepEqual([texts, second.nextCursor], [["c", "b", "a"], null]);
});

test("a note that is sent again with its Idempotency-Key is one", async () => {
  const member = new Member();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const body = { text: "once", embedding: at(1) };
  for (let time = 0; time < 2; time += 1) assert.equal((await member.send("POST", NOTES, body, headers)).status, 201);
  assert.equal((await member.done("GET", NOTES)).notes.length, 1);
});

test("any embedding of eight numbers is taken, and no other", async () => {
  const member = new Member();
  const { id } = await note(member, "nothing", at(0));
  for (const [one, two] of [
    [1e-46, -0],
    [1e-40, 1e-30],
    [1000, -1000],
  ] as const) {
    await note(member, "x", at(one, two));
  }
  assert.equal((await member.done("GET", `${NOTES}/${id}/similar`)).notes.length, 3);
  for (const embedding of [at(0).slice(1), [...at(0), 0], at(1001), ["1", ...at(0).slice(1)], null]) {
    const response = await member.send("POST", NOTES, { text: "x", embedding });
    assert.equal(response.status, 400);
    assert.match((await fault(response)).errors?.[0]?.path ?? "", /^embedding/);
  }
});
