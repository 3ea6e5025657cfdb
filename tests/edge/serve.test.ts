/** How serve.mjs starts, refuses and ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { edgeConfig, freePorts, listen, portOf, runServe, startEdge } from "./edge.ts";

const VALID = edgeConfig("/nowhere/state", [7001, 7002, 7003], 7004);
const ABSENT = { name: "index.js", path: "/nowhere.js", type: "esm" };
const WITH_QUERY = "postgres://a:secret-word@h/d?sslmode=require";

const wrong: [string, string, RegExp][] = [
  ["no JSON", "{", /not valid JSON/],
  ["no object", "[]", /the file: /],
  ["an unknown setting", JSON.stringify({ ...VALID, colour: "red" }), /colour/],
  ["a port that is none", JSON.stringify({ ...VALID, control: { port: 70_000 } }), /control\.port: /],
  ["an open host", JSON.stringify({ ...VALID, host: "0.0.0.0" }), /host: /],
  ["an entry that is no worker", JSON.stringify({ ...VALID, entry: { port: 1, worker: "x" } }), /no worker is called 'x'/],
  ["a service that is no worker", withApi({ services: { OTHER: "gone" } }), /api\.services\.OTHER: .*'gone'/],
  ["a bundle that was not built", withApi({ modules: [ABSENT] }), /npm run build/],
  ["a query string", withApi({ hyperdrives: { DB: WITH_QUERY } }), /workers\.0\.hyperdrives\.DB: must have no query string/],
];

function withApi(changes: object): string {
  return JSON.stringify({ ...VALID, workers: [{ ...VALID.workers[0], ...changes }, VALID.workers[1]] });
}

for (const [name, content, message] of wrong) {
  test(`${name} is refused in one line with exit 2`, async () => {
    const { process, errors } = runServe(content);
    const [code] = await once(process, "close");
    assert.equal(code, 2);
    assert.match(errors(), message);
    assert.equal(errors().trim().split("\n").length, 1);
    assert.doesNotMatch(errors(), /secret-word/);
  });
}

test("a port that is taken is named, with exit 1", async () => {
  const taken = await listen(() => undefined);
  const [direct, control] = await freePorts(2);
  const port = portOf(taken);
  const state = mkdtempSync(join(tmpdir(), "edge-state-"));
  const config = edgeConfig(state, [port, direct as number, control as number], 1);
  const { process, errors } = runServe(JSON.stringify(config));
  const [code] = await once(process, "close");
  taken.close();
  rmSync(state, { recursive: true });
  assert.equal(code, 1);
  assert.match(errors(), new RegExp(`port ${port} \\(site\\).*EADDRINUSE`));
});

test("SIGTERM ends it cleanly, the runtime included", async () => {
  const edge = await startEdge(1);
  const children = childrenOf(edge.process.pid as number);
  assert.equal(children.length, 1);
  assert.equal(await edge.stop(), 0);
  assert.deepEqual(children.filter(isRunning), []);
});

test("the runtime ends with a killed parent", async () => {
  const edge = await startEdge(1);
  const [runtime] = childrenOf(edge.process.pid as number);
  edge.process.kill("SIGKILL");
  await once(edge.process, "exit");
  const deadline = Date.now() + 5_000;
  while (isRunning(runtime as number) && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!isRunning(runtime as number));
  await edge.stop();
});

function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return listed.trim().split(" ").map(Number);
}

/** A zombie has ended, though nobody has asked for its result yet. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
