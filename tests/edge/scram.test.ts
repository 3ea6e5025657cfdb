/** The salted password of SCRAM is derived once for each password, salt and count. */
import assert from "node:assert/strict";
import { pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import pg from "pg/lib/crypto/utils";
import "../../apps/worker/src/scram.ts";

const SALT = new TextEncoder().encode("salt");
const hex = (key: ArrayBuffer): string => Buffer.from(key).toString("hex");

test("a key is kept, and is of its password, its salt and its count", async () => {
  const first = await pg.deriveKey("pencil", SALT, 4096);
  assert.equal(hex(first), pbkdf2Sync("pencil", SALT, 4096, 32, "sha256").toString("hex"));
  assert.equal(await pg.deriveKey("pencil", SALT, 4096), first);
  const others = [
    await pg.deriveKey("pencils", SALT, 4096),
    await pg.deriveKey("pencil", new TextEncoder().encode("salts"), 4096),
    await pg.deriveKey("pencil", SALT, 4097),
  ];
  assert.equal(new Set([first, ...others].map(hex)).size, 4);
});

test("at most eight are kept", async () => {
  const first = await pg.deriveKey("first", SALT, 1);
  for (let count = 2; count <= 10; count += 1) await pg.deriveKey("first", SALT, count);
  const again = await pg.deriveKey("first", SALT, 1);
  assert.notEqual(again, first);
  assert.equal(hex(again), hex(first));
});
