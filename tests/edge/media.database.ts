/** Media on a real database: who uploads and removes what. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edge, Member, sql, start, stop } from "./members.ts";

const MEDIA = "/api/v1/media";
const FILES: Record<string, string> = {
  "image/png": "\x89PNG\r\n\x1a\n and so on",
  "image/jpeg": "\xff\xd8\xff\xe0 and so on",
  "image/gif": "GIF89a and so on",
  "image/webp": "RIFF\n\x00\x00\x00WEBP and so on",
  "image/avif": "\x00\x00\x00\x20ftypavif and so on",
  "application/pdf": "%PDF-1.7 and so on",
};

before(start);
after(stop);

function file(type: string, more = ""): Buffer {
  return Buffer.from(FILES[type] + more, "latin1");
}

function upload(member: Member, type: string, body: Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return member.send("POST", MEDIA, body, { "Content-Type": type, ...headers });
}

async function objects(): Promise<number> {
  const buckets = (await (await fetch(`${edge.control}/buckets`)).json()) as { name: string; objects: number }[];
  return buckets.find(({ name }) => name === "media")?.objects ?? Number.NaN;
}

for (const type of Object.keys(FILES)) {
  test(`${type} comes back to everybody as it was uploaded, and may be stored for good`, async () => {
    const content = file(type);
    const response = await upload(new Member(), type, content);
    assert.equal(response.status, 201);
    const { key, createdAt, ...rest } = (await response.json()) as { key: string; createdAt: string };
    assert.deepEqual(rest, { contentType: type, bytes: content.length });
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000, createdAt);
    assert.equal(response.headers.get("Location"), `${MEDIA}/${key}`);
    const served = await fetch(`${edge.site}${MEDIA}/${key}`);
    assert.deepEqual(Buffer.from(await served.arrayBuffer()), content);
    assert.equal(served.headers.get("Content-Type"), type);
    assert.equal(served.headers.get("Cache-Control"), "public, max-age=31536000, immutable");
    assert.equal(served.headers.get("X-Content-Type-Options"), "nosniff");
    assert.match(served.headers.get("Content-Security-Policy") ?? "", /sandbox/);
  });
}

test("the largest that is allowed passes through", async () => {
  const content = Buffer.concat([file("image/png"), Buffer.alloc(10 * 1024 * 1024, "x")]).subarray(0, 10 * 1024 * 1024);
  const response = await upload(new Member(), "image/png", content);
  assert.equal(response.status, 201);
  const { key } = (await response.json()) as { key: string };
  assert.deepEqual(Buffer.from(await (await fetch(`${edge.api}${MEDIA}/${key}`)).arrayBuffer()), content);
});

test("what one member uploaded, another can neither remove nor find in the database", async () => {
  const [owner, other] = [new Member(), new Member()];
  const { key } = (await (await upload(owner, "image/gif", file("image/gif"))).json()) as { key: string };
  const path = `${MEDIA}/${key}`;
  assert.equal((await other.send("DELETE", path)).status, 404);
  const rows = (subject?: string) => sql(subject, (client) => client.query("SELECT owner FROM regulated.media"));
  for (const subject of [undefined, other.subject]) assert.equal((await rows(subject)).rowCount, 0);
  assert.deepEqual((await rows(owner.subject)).rows, [{ owner: owner.subject }]);
  assert.equal((await fetch(edge.api + path)).status, 200);
  assert.equal((await owner.send("DELETE", path)).status, 204);
  assert.equal((await fetch(edge.api + path)).status, 404);
  assert.equal((await rows(owner.subject)).rowCount, 0);
  assert.equal((await owner.send("DELETE", path)).status, 404);
});

test("uploads with one Idempotency-Key are one object, and another file with it is refused", async () => {
  const member = new Member();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const there = await objects();
  const sent = Array.from({ length: 5 }, () => upload(member, "image/png", file("image/png"), headers));
  const keys = new Set<string>();
  for (const response of await Promise.all(sent)) {
    assert.equal(response.status, 201);
    keys.add(((await response.json()) as { key: string }).key);
  }
  assert.equal((await upload(member, "image/png", file("image/png", "!"), headers)).status, 422);
  assert.equal(keys.size, 1);
  assert.equal(await objects(), there + 1);
  const [key] = [...keys];
  assert.deepEqual(Buffer.from(await (await fetch(`${edge.api}${MEDIA}/${key}`)).arrayBuffer()), file("image/png"));
});

test("a member's uploads come in pages, newest first", async () => {
  const member = new Member();
  const keys: string[] = [];
  for (const type of ["image/png", "image/gif", "application/pdf"]) {
    keys.unshift(((await (await upload(member, type, file(type))).json()) as { key: string }).key);
  }
  const first = await member.done("GET", `${MEDIA}?limit=2`);
  const second = await member.done("GET", `${MEDIA}?limit=2&cursor=${first.nextCursor}`);
  const listed = [...first.media, ...second.media] as { key: string; contentType: string; bytes: number }[];
  assert.deepEqual([listed.map(({ key }) => key), second.nextCursor], [keys, null]);
  const { contentType, bytes } = listed[2] as (typeof listed)[0];
  assert.deepEqual([contentType, bytes], ["image/png", file("image/png").length]);
  assert.deepEqual((await new Member().done("GET", MEDIA)).media, []);
});

test("what the bucket does not remove stays the member's", async () => {
  const member = new Member();
  const { key } = (await (await upload(member, "image/png", file("image/png"))).json()) as { key: string };
  const there = await objects();
  const path = `${MEDIA}/${key}`;
  for (const answer of [
    await member.send("DELETE", path, undefined, { "X-Media-Away": "" }),
    await upload(member, "image/png", file("image/png"), { "X-Media-Away": "" }),
  ]) {
    assert.equal(answer.status, 503);
  }
  assert.deepEqual([(await member.done("GET", MEDIA)).media.length, await objects()], [1, there]);
  assert.equal((await member.send("DELETE", path)).status, 204);
});
