/** Starts serve.mjs with the built bundles, as the local environment does. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const SERVE = join(PROJECT, "local/edge/miniflare/serve.mjs");
const BUNDLE = join(PROJECT, "apps/worker/dist/index.js");
// It takes two; a machine that others use as well may need this.
const STARTUP_MS = 60_000;

export interface Edge {
  site: string;
  api: string;
  control: string;
  process: ChildProcess;
  /** What the Workers have logged. */
  output(): string;
  stop(): Promise<number | null>;
}

export const AUDIENCE = "hybrid-api";

export interface Settings {
  hyperdrives?: Record<"HYPERDRIVE" | "HYPERDRIVE_PUBLIC", string>;
  /** Requests a minute. */
  limit?: number;
  vars?: Record<string, string>;
  /** Of the site, the API, the control port and the tunnel. */
  ports?: number[];
  /** The pooler past Hyperdrive, behind the tunnel. */
  direct?: { port: number; regulated: string; public: string; clientSecret?: string };
  /** In place of the API's bundle, which it may import. */
  apiModule?: string;
  siteVars?: Record<string, string>;
}

const module = (name: string, path: string) => ({ name, path, type: "esm" });

/** A configuration as the local environment writes it. */
export function edgeConfig(state: string, ports: number[], databasePort: number, settings: Settings = {}) {
  const [entry, direct, control, tunnel] = ports;
  const token = { clientId: "api", clientSecret: "word" };
  const common = { mainModule: "index.js", compatibilityDate: "2026-07-01", compatibilityFlags: ["nodejs_compat"] };
  const database = `postgres://app:secret-word@127.0.0.1:${databasePort}/stack`;
  const { hyperdrives = { HYPERDRIVE: database, HYPERDRIVE_PUBLIC: database }, limit = 100_000, vars = {} } = settings;
  const api = {
    ...common,
    name: "api",
    modules: settings.apiModule
      ? [module("index.js", settings.apiModule), module("api.js", BUNDLE)]
      : [module("index.js", BUNDLE)],
    hyperdrives,
    r2Buckets: { MEDIA: "media" },
    ratelimits: { RATE_LIMIT: { namespaceId: "1", limit, period: 60 } },
    vars: {
      ENVIRONMENT: "test",
      BUILD_ID: "build-1",
      OIDC_ISSUER: "http://localhost:1/",
      OIDC_JWKS_URL: "http://localhost:1/jwks",
      OIDC_AUDIENCE: AUDIENCE,
      OIDC_AUDIENCE_CLAIM: "aud",
      OIDC_ROLES_CLAIM: "roles",
      ALLOWED_ORIGINS: "https://site.example",
      ...(settings.direct && {
        DATABASE_DIRECT: JSON.stringify({ url: `http://127.0.0.1:${tunnel}/`, ...token, ...settings.direct }),
      }),
      ...vars,
    },
  };
  const web = {
    ...common,
    name: "web",
    modules: [module("index.js", join(PROJECT, "apps/web/dist/worker/index.js"))],
    vars: { BUILD_ID: "build-1", ...settings.siteVars },
    services: { API: "api" },
    assets: { directory: join(PROJECT, "apps/web/dist/assets"), runWorkerFirst: true },
  };
  return {
    host: "127.0.0.1",
    state,
    build: "bundles-1",
    entry: { port: entry, worker: "web" },
    direct: { port: direct, worker: "api" },
    control: { port: control },
    tunnel: settings.direct ? { port: tunnel, target: settings.direct.port, ...token } : null,
    workers: [api, web],
    buckets: ["media", "unbound"],
  };
}

export interface Fault {
  code: string;
  detail: string;
  requestId: string;
  errors?: { path: string; message: string }[];
}

/** An API whose bucket does not answer a request with the header X-Media-Away. */
export const MEDIA_AWAY = join(PROJECT, "tests/edge/media-away.mjs");

/** What a failure says, in the shape of RFC 9457. */
export async function fault(response: Response): Promise<Fault> {
  assert.equal(response.headers.get("Content-Type"), "application/problem+json");
  const { type, title, status, ...rest } = (await response.json()) as Fault & Record<string, unknown>;
  assert.deepEqual([type, status, typeof title], ["about:blank", response.status, "string"]);
  assert.equal(rest.requestId, response.headers.get("X-Request-Id"));
  return rest;
}

/** Runs serve.mjs on what `content` says; the caller waits for its end or stops it. */
export function runServe(content: string): { process: ChildProcess; output: () => string; errors: () => string } {
  const folder = mkdtempSync(join(tmpdir(), "edge-test-"));
  const path = join(folder, "config.json");
  writeFileSync(path, content);
  const child = spawn(process.execPath, [SERVE, path], { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  let output = "";
  child.stderr.on("data", (data) => (errors += data));
  child.stdout.on("data", (data) => (output += data));
  child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return { process: child, output: () => output, errors: () => errors };
}

export async function startEdge(databasePort: number, settings: Settings = {}): Promise<Edge> {
  const ports = settings.ports ?? (await freePorts(4));
  const state = mkdtempSync(join(tmpdir(), "edge-state-"));
  const served = runServe(JSON.stringify(edgeConfig(state, ports, databasePort, settings)));
  const [site, api, control] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string, string];
  const stop = async () => {
    const code = await end(served.process);
    rmSync(state, { recursive: true, force: true });
    return code;
  };
  try {
    await answers(`${site}/healthcheck`, served.process, served.errors);
  } catch (error) {
    // Left running, it would keep this process waiting for ever.
    await stop();
    throw error;
  }
  const output = () => served.output() + served.errors();
  return { site, api, control, process: served.process, output, stop };
}

async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  return child.exitCode;
}

async function answers(url: string, child: ChildProcess, errors: () => string): Promise<void> {
  const deadline = Date.now() + STARTUP_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`${url} does not answer: ${errors()}`);
}

/** Ports that nobody listens on now, of those that the kernel lends to nobody and tests/run/ports.py does not claim. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(10_000, 20_000);
    try {
      (await listen(() => undefined, port)).close();
    } catch {
      continue;
    }
    ports.push(port);
  }
  return ports;
}

/** A TCP server on loopback that hands each connection to `serve`. */
export async function listen(serve: (socket: net.Socket) => void, port = 0): Promise<net.Server> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

export function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}
