/** The edge on a real database, and members who call its API; of one test file. */
import assert from "node:assert/strict";
import pg from "pg";
import { type Edge, MEDIA_AWAY, type Settings, startEdge } from "./edge.ts";
import { Issuer } from "./issuer.ts";

const urls = JSON.parse(process.env["TEST_DATABASES"] ?? "{}") as Record<"app" | "public_read", string>;
export const { app, public_read: publicRead } = urls;

export let edge: Edge;
let issuer: Issuer;

export function start(): Promise<void> {
  return startWith({});
}

export async function startWith(settings: Settings): Promise<void> {
  issuer = await Issuer.start();
  const hyperdrives = { HYPERDRIVE: app, HYPERDRIVE_PUBLIC: publicRead };
  edge = await startEdge(0, { hyperdrives, vars: issuer.vars, apiModule: MEDIA_AWAY, ...settings });
}

export async function stop(): Promise<void> {
  issuer.stop();
  await edge.stop();
}

/** One member's calls. */
export class Member {
  readonly subject = `member-${crypto.randomUUID()}`;
  readonly #token: Promise<string>;

  constructor(roles: string[] = []) {
    this.#token = issuer.token(this.subject, { roles });
  }

  /** A body is sent as it is where it is bytes, else as JSON. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const Authorization = `Bearer ${await this.#token}`;
    const content = body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) };
    const sent = { Authorization, ...(body !== undefined && { "Content-Type": "application/json" }), ...headers };
    return fetch(edge.api + path, { method, headers: sent, ...content });
  }

  async done(method: string, path: string, body?: unknown): Promise<any> {
    const response = await this.send(method, path, body);
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? "" : await response.text()}`);
    return response.json();
  }

  account(currency = "CAD"): Promise<{ id: string }> {
    return this.done("POST", "/api/v1/accounts", { name: "Savings", currency });
  }
}

export async function sql<T>(subject: string | undefined, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: app });
  await client.connect();
  try {
    await client.query("BEGIN");
    if (subject) await client.query("SELECT set_config('app.subject', $1, true)", [subject]);
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } finally {
    await client.end();
  }
}
