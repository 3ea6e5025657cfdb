/** When Hyperdrive is asked no more, and when again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker } from "../../apps/worker/src/breaker.ts";

const START = Date.parse("2026-11-30T12:00:00Z");

/** Opened by failures of a second each, from START on. */
function opened(): Breaker {
  const breaker = new Breaker();
  for (let second = 0; second < 5; second += 1) breaker.failed(START + second * 1000);
  return breaker;
}

test("the fifth failure within half a minute opens it", () => {
  const breaker = new Breaker();
  const opens = [0, 1, 2, 3, 4].map((second) => breaker.failed(START + second * 1000));
  assert.deepEqual(opens, [false, false, false, false, true]);
  assert.deepEqual(breaker.shown, { state: "open", path: "direct", since: "2026-11-30T12:00:04.000Z" });
});

test("failures that are further apart do not", () => {
  const breaker = new Breaker();
  for (let number = 0; number < 20; number += 1) breaker.failed(START + number * 8000);
  assert.deepEqual(breaker.shown, { state: "closed", path: "hyperdrive", since: null });
});

test("while it is open one at a time tries Hyperdrive, every five seconds", () => {
  const breaker = opened();
  const starts = [8_999, 9_000, 9_001, 13_999].map((later) => breaker.startsProbe(START + later));
  assert.deepEqual(starts, [false, true, false, false]);
  assert.equal(breaker.shown.state, "half-open");
  // One that is never heard of again holds up no other.
  assert.ok(breaker.startsProbe(START + 14_000));
});

test("a try that succeeds closes it, and old failures are forgotten", () => {
  const breaker = opened();
  breaker.startsProbe(START + 9_000);
  assert.equal(breaker.probed(false, START + 9_500), false);
  // The path is the same as before.
  assert.deepEqual(breaker.shown, { state: "open", path: "direct", since: "2026-11-30T12:00:04.000Z" });
  breaker.startsProbe(START + 14_000);
  assert.ok(breaker.probed(true, START + 14_100));
  assert.deepEqual(breaker.shown, { state: "closed", path: "hyperdrive", since: "2026-11-30T12:00:14.100Z" });
  assert.equal(breaker.failed(START + 14_200), false);
});
