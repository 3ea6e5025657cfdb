/** Hyperdrive fails in each of its ways while members read and write: the direct path takes over, and gives back. */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { fault, listen, portOf } from "./edge.ts";
import { app, edge, Member, publicRead, sql, startWith, stop } from "./members.ts";

const LEDGER = "/api/v1/ledger-entries";
const TOTAL_MS = 8_000;
const WAIT_MS = 30_000;
type Fault = "none" | "down" | "silent" | "slow" | "at its limit" | "cut";

/** What lies before the pooler. */
class Way {
  fault: Fault = "none";
  /** What it was asked while it was at its limit. */
  refused = "";
  readonly #open = new Set<net.Socket>();
  readonly #server: Promise<net.Server>;

  constructor(pooler: number) {
    this.#server = listen((client) => {
      if (this.fault === "down") return client.resetAndDestroy();
      if (this.fault === "at its limit") return this.#refuse(client);
      const onward = net.connect(pooler, "127.0.0.1");
      for (const socket of [client, onward]) {
        this.#open.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#ended(client, onward));
      }
      this.#carry(client, onward);
      this.#carry(onward, client);
    });
  }

  get port(): Promise<number> {
    return this.#server.then(portOf);
  }

  /** Connections that are open meet it as well, some in the middle of a transaction. */
  fails(fault: Fault): void {
    this.fault = fault;
    if (fault === "down") for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    (await this.#server).close();
    this.fails("down");
  }

  #carry(from: net.Socket, to: net.Socket): void {
    from.on("data", (data) => {
      if (this.fault === "silent") return;
      // What ends the transaction arrives, and its answer does not.
      if (this.fault === "cut" && data.includes("COMMIT\0")) to.once("data", () => from.destroy());
      setTimeout(() => to.write(data), this.fault === "slow" ? 150 : 0);
    });
  }

  /** As Hyperdrive does without a connection: it lets the client in, and answers its first query with an error. */
  #refuse(client: net.Socket): void {
    // AuthenticationOk, ReadyForQuery; ErrorResponse.
    const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
    const fields = Buffer.from("SFATAL\0C58000\0MFailed to acquire a connection from the pool.\0\0");
    const error = Buffer.concat([Buffer.from([0x45, 0, 0, 0, fields.length + 4]), fields]);
    client.once("data", () => {
      client.on("data", (data) => (this.refused += data)).write(welcome);
      client.once("data", () => setTimeout(() => client.end(error), 50));
    });
  }

  #ended(...sockets: net.Socket[]): void {
    for (const socket of sockets) {
      this.#open.delete(socket);
      socket.destroy();
    }
  }
}

let hyperdrive: Way;
let tunnel: Way;

before(async () => {
  const pooler = Number(new URL(app).port);
  [hyperdrive, tunnel] = [new Way(pooler), new Way(pooler)];
  const through = async (url: string) => Object.assign(new URL(url), { port: await hyperdrive.port }).href;
  await startWith({
    hyperdrives: { HYPERDRIVE: await through(app), HYPERDRIVE_PUBLIC: await through(publicRead) },
    direct: { port: await tunnel.port, regulated: app, public: publicRead },
  });
});
after(async () => {
  await stop();
  await Promise.all([hyperdrive.close(), tunnel.close()]);
});

async function breaker(): Promise<{ state: string; path: string; since: string | null }> {
  const response = await fetch(`${edge.api}/api/health`);
  assert.equal(response.status, 200, await response.clone().text());
  return ((await response.json()) as any).database.breaker;
}

async function until(state: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while ((await Promise.all([breaker(), breaker(), breaker()])).some((one) => one.state !== state)) {
    assert.ok(Date.now() < deadline, `is not ${state} within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes until it is stopped. Each entry has a number of its own, and is tried once. */
class Writer {
  readonly member = new Member();
  readonly acknowledged: number[] = [];
  readonly refused: number[] = [];
  readonly statuses = new Set<number>();
  #isStopped = false;
  #running: Promise<void> | undefined;

  start(): void {
    this.#running = this.#write();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    const { id: accountId } = await this.member.account();
    for (let number = 1; !this.#isStopped; number += 1) {
      const entry = { accountId, description: String(number), amountCents: 1 };
      const { status } = await this.member.send("POST", LEDGER, entry);
      this.statuses.add(status);
      (status === 201 ? this.acknowledged : this.refused).push(number);
    }
  }

}

async function written({ subject }: Member): Promise<number[]> {
  const { rows } = await sql(subject, (client) =>
    client.query("SELECT description::int AS number FROM regulated.ledger_entries ORDER BY 1"),
  );
  return rows.map(({ number }) => number);
}

test("the API goes on by the direct path and back, and writes nothing twice", async () => {
  assert.deepEqual(await breaker(), { state: "closed", path: "hyperdrive", since: null });
  // Fewer than the pool has connections, which those that are cut off hold for a while.
  const writers = Array.from({ length: 3 }, () => new Writer());
  for (const writer of writers) writer.start();
  const reader = new Member();
  for (const fault of ["down", "silent", "slow", "at its limit"] as const) {
    const began = Date.now();
    hyperdrive.fails(fault);
    await until("open");
    const { path, since } = await breaker();
    assert.equal(path, "direct");
    assert.ok(Date.parse(since as string) >= began, `${since}`);
    // At once, whatever Hyperdrive does.
    const started = performance.now();
    const answers = [reader.send("GET", LEDGER), fetch(`${edge.api}/api/v1/branches?lat=45.5&lng=-73.6`)];
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200, fault);
    assert.ok(performance.now() - started < 1_500, fault);
    hyperdrive.fails("none");
    await until("closed");
    assert.equal((await breaker()).path, "hyperdrive");
  }
  await Promise.all(writers.map((writer) => writer.stop()));
  for (const writer of writers) {
    const found = await written(writer.member);
    assert.equal(new Set(found).size, found.length, "one is there twice");
    assert.deepEqual(
      writer.acknowledged.filter((number) => !found.includes(number)),
      [],
    );
    // One whose connection was cut after it was sent may be there all the same.
    const unknown = found.filter((number) => !writer.acknowledged.includes(number));
    assert.ok(unknown.every((number) => writer.refused.includes(number)));
    assert.deepEqual(
      [...writer.statuses].filter((status) => ![201, 503, 504].includes(status)),
      [],
    );
    assert.ok(writer.acknowledged.length > 20 && writer.refused.length <= 3, `${writer.refused.length} refused`);
  }
});

test("a write goes nowhere before Hyperdrive has answered", async () => {
  hyperdrive.fails("at its limit");
  hyperdrive.refused = "";
  const member = new Member();
  await member.done("GET", LEDGER);
  assert.match(hyperdrive.refused, /SELECT .* FROM regulated.ledger_entries/s);
  await member.account();
  assert.match(hyperdrive.refused, /BEGIN .* READ WRITE/);
  assert.doesNotMatch(hyperdrive.refused, /INSERT/);
  hyperdrive.fails("none");
});

test("a write whose answer is lost is not sent again, but by its caller", async () => {
  const member = new Member();
  const { id: accountId } = await member.account();
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const send = () => member.send("POST", LEDGER, { accountId, description: "1", amountCents: 1 }, headers);
  hyperdrive.fails("cut");
  assert.equal((await send()).status, 503);
  hyperdrive.fails("none");
  assert.deepEqual(await written(member), [1]);
  const again = await send();
  assert.deepEqual([again.status, again.headers.get("Idempotency-Replayed")], [201, "true"]);
  assert.deepEqual(await written(member), [1]);
});

test("with both paths gone it answers 503 within the total timeout", async () => {
  const member = new Member();
  for (const gone of ["silent", "down"] as const) {
    hyperdrive.fails(gone);
    tunnel.fails(gone);
    const started = performance.now();
    const answers = await Promise.all([
      fetch(`${edge.api}/api/health`),
      member.send("GET", LEDGER),
      member.send("POST", "/api/v1/accounts", { name: "x", currency: "CAD" }),
    ]);
    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.equal((await fault(answer)).code, "database_unavailable");
    }
    assert.ok(performance.now() - started < TOTAL_MS, `${performance.now() - started} ms`);
  }
  hyperdrive.fails("none");
  tunnel.fails("none");
  await until("closed");
});
