/** Media as the API delivers them, and what it refuses to take; with no database behind it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { type Edge, fault, MEDIA_AWAY, startEdge } from "./edge.ts";
import { Issuer } from "./issuer.ts";

const MEDIA = "/api/v1/media";
const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(1000, 7)]);
const LARGEST_BYTES = 10 * 1024 * 1024;

type Body = string | Buffer | ReadableStream;

let edge: Edge;
let issuer: Issuer;
let Authorization: string;
let url: string;
let etag: string;

before(async () => {
  issuer = await Issuer.start();
  edge = await startEdge(1, { vars: issuer.vars, apiModule: MEDIA_AWAY });
  Authorization = `Bearer ${await issuer.token("member-1")}`;
  for (const [name, body] of [
    ["plain.txt", "0123456789"],
    ["empty", ""],
  ] as const) {
    assert.ok((await fetch(`${edge.control}/buckets/media/${name}`, { method: "PUT", body })).ok);
  }
  url = `${edge.site}${MEDIA}/plain.txt`;
  etag = (await fetch(url)).headers.get("ETag") as string;
});
after(async () => {
  issuer.stop();
  await edge.stop();
});

const PAST = "Mon, 01 Jan 2001 00:00:00 GMT";
const FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT";

/** `=` is the object's own tag. */
const conditions: [number, Record<string, string>][] = [
  [304, { "If-None-Match": "=" }],
  [304, { "If-None-Match": "W/=" }],
  [304, { "If-None-Match": '"other", W/"third",=' }],
  [304, { "If-None-Match": "*" }],
  [200, { "If-None-Match": '"other"' }],
  [200, { "If-None-Match": "garbage" }],
  [200, { "If-None-Match": 'garbage, =, "' }],
  [200, { "If-None-Match": '"other"', "If-Modified-Since": FUTURE }],
  [200, { "If-Modified-Since": PAST }],
  [304, { "If-Modified-Since": FUTURE }],
  [200, { "If-Modified-Since": "garbage" }],
  [200, { "If-Match": "=" }],
  [200, { "If-Match": '"other", =' }],
  [200, { "If-Match": "*" }],
  [412, { "If-Match": '"zzz"' }],
  [412, { "If-Match": "W/=" }],
  [412, { "If-Match": "garbage" }],
  [412, { "If-Match": '"zzz"', "If-None-Match": "=" }],
  [412, { "If-Unmodified-Since": PAST }],
  [200, { "If-Unmodified-Since": FUTURE }],
  [200, { "If-Unmodified-Since": "garbage" }],
  [200, { "If-Match": "=", "If-Unmodified-Since": PAST }],
  [304, { "If-None-Match": "=", Range: "bytes=0-3" }],
  [412, { "If-Match": '"zzz"', Range: "bytes=0-3" }],
];

function withTag(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("=", etag)]));
}

describe("conditions", () => {
  for (const [status, headers] of conditions) {
    test(`${JSON.stringify(headers)} is ${status}`, async () => {
      const given = headers["Range"] ? { ...withTag({ ...headers, Range: "" }), Range: headers["Range"] } : withTag(headers);
      for (const method of ["GET", "HEAD"]) {
        const response = await fetch(url, { method, headers: given });
        assert.equal(response.status, status, method);
        assert.equal(response.headers.get("ETag"), status === 412 ? null : etag);
        const text = await response.text();
        if (method === "HEAD" || status === 304) assert.equal(text, "");
        else if (status === 200) assert.equal(text, "0123456789");
      }
    });
  }
});

describe("ranges", () => {
  const ranges: [string, number, string, string | null][] = [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=8-", 206, "89", "bytes 8-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=9-9", 206, "9", "bytes 9-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=99999999999999999999-", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=3-2", 200, "0123456789", null],
    ["bytes=-", 200, "0123456789", null],
    ["bytes=0-1,3-4", 200, "0123456789", null],
    ["lines=0-3", 200, "0123456789", null],
    ["garbage", 200, "0123456789", null],
  ];
  for (const [range, status, text, content] of ranges) {
    test(`${range} is ${status}`, async () => {
      const response = await fetch(url, { headers: { Range: range } });
      assert.deepEqual([response.status, response.headers.get("Content-Range")], [status, content]);
      if (status === 416) {
        assert.equal((await fault(response)).code, "range_not_satisfiable");
        return;
      }
      assert.equal(await response.text(), text);
      assert.equal(response.headers.get("Content-Length"), String(text.length));
      const headOnly = await fetch(url, { method: "HEAD", headers: { Range: range } });
      assert.deepEqual([headOnly.status, headOnly.headers.get("Content-Length")], [200, "10"]);
    });
  }

  test("of what is empty there is none", async () => {
    const response = await fetch(`${edge.site}${MEDIA}/empty`, { headers: { Range: "bytes=0-" } });
    assert.deepEqual([response.status, response.headers.get("Content-Range")], [416, "bytes */0"]);
    assert.equal((await fetch(`${edge.site}${MEDIA}/empty`)).status, 200);
  });

  test("are of the version that If-Range names", async () => {
    const ask = (version: string) => fetch(url, { headers: { Range: "bytes=0-3", "If-Range": version } });
    assert.equal((await ask(etag)).status, 206);
    for (const other of ['"other"', `W/${etag}`, FUTURE, "garbage"]) assert.equal((await ask(other)).status, 200, other);
  });
});

test("what an operator put there may be stored for five minutes", async () => {
  const { headers } = await fetch(url);
  assert.deepEqual([headers.get("Cache-Control"), headers.get("Accept-Ranges")], ["public, max-age=300", "bytes"]);
  assert.ok(Math.abs(Date.parse(headers.get("Last-Modified") ?? "") - Date.now()) < 60_000);
  assert.equal((await fetch(url, { headers: { "If-Match": '"zzz"' } })).headers.get("Cache-Control"), "no-store");
});

describe("an upload is refused", () => {
  const send = (body: Body, headers: Record<string, string> = {}) =>
    fetch(edge.site + MEDIA, {
      method: "POST",
      headers: { Authorization, "Content-Type": "image/png", ...headers },
      body,
      duplex: "half",
    });
  const refused: [string, string, Body][] = [
    ["a page that says it is an image", "image/png", "<html><script>alert(1)</script></html>"],
    ["an image that says it is a page", "text/html", PNG],
    ["an image of another type than it says", "image/jpeg", PNG],
    ["a drawing that may hold scripts", "image/svg+xml", "<svg/>"],
    ["nothing", "image/png", ""],
    ["the beginning of a signature", "image/png", PNG.subarray(0, 4)],
  ];
  for (const [name, type, body] of refused) {
    test(name, async () => {
      const response = await send(body, { "Content-Type": type });
      assert.equal(response.status, 415);
      assert.equal((await fault(response)).code, "unsupported_media_type");
    });
  }

  /** Of a body that is said to have `bytes`, the beginning; the rest never comes. */
  const begin = (bytes: number) => {
    const { hostname, port } = new URL(edge.api);
    const headers = { Authorization, "Content-Type": "image/png", "Content-Length": bytes };
    const request = http.request({ hostname, port, path: MEDIA, method: "POST", headers });
    request.write(Buffer.concat([PNG, Buffer.alloc(200_000)]));
    return request;
  };

  test("beyond the limit, before it is read", async () => {
    const request = begin(LARGEST_BYTES + 1);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    request.on("error", () => undefined).destroy();
    assert.equal(response.statusCode, 413);
  });

  test("without a length", async () => {
    const response = await send(new Blob([PNG]).stream());
    assert.equal(response.status, 411);
    assert.equal((await fault(response)).code, "length_required");
  });

  test("while the database is away, and leaves no object", async () => {
    const response = await send(PNG);
    assert.equal(response.status, 503);
    assert.equal((await fault(response)).code, "database_unavailable");
  });

  test("that is cut half-way, and leaves no object", async () => {
    const request = begin(500_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    request.destroy();
    const [error] = (await once(request, "error")) as [Error];
    assert.match(error.message, /hang up/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await fetch(`${edge.site}/healthcheck`)).status, 200);
  });

  after(async () => {
    const buckets = (await (await fetch(`${edge.control}/buckets`)).json()) as { name: string; objects: number }[];
    assert.equal(buckets.find(({ name }) => name === "media")?.objects, 2);
  });
});

test("media that do not answer are 503", async () => {
  const sent = (method: string, body?: Buffer) => {
    const headers = { Authorization, "Content-Type": "image/png", "X-Media-Away": "" };
    return fetch(`${edge.api}${MEDIA}${body ? "" : "/x"}`, { method, headers, ...(body && { body }) });
  };
  for (const response of [await sent("GET"), await sent("HEAD"), await sent("POST", PNG)]) {
    assert.deepEqual([response.status, response.headers.get("Retry-After")], [503, "5"]);
    const text = await response.text();
    assert.ok(!text || text.includes("media_unavailable"), text);
  }
});
