/** Milliseconds from nothing to the first answer, of a Worker and of an empty one in turn: node worker_starts.mjs FILE N */
import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";

const EMPTY = "export default { fetch: () => new Response() };";
const [file, count] = process.argv.slice(2);
const worker = readFileSync(file, "utf8");
const options = {
  compatibilityDate: "2026-07-01",
  compatibilityFlags: ["nodejs_compat"],
  bindings: { ALLOWED_ORIGINS: "" },
  handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach((stream) => stream.resume()),
};

async function milliseconds(contents) {
  const start = performance.now();
  const miniflare = new Miniflare({ ...options, modules: [{ type: "ESModule", path: "index.js", contents }] });
  try {
    await miniflare.dispatchFetch("http://worker/healthcheck");
    return performance.now() - start;
  } finally {
    await miniflare.dispose();
  }
}

for (let round = 0; round < Number(count); round++) {
  console.log(await milliseconds(EMPTY), await milliseconds(worker));
}
