/**
 * The database past Hyperdrive: a WebSocket to the tunnel's name of the pooler, the connection's bytes in binary
 * messages, as `cloudflared access tcp` speaks (cloudflare/cloudflared, carrier/websocket.go).
 */
import { Duplex } from "node:stream";
import { z } from "@hono/zod-openapi";
import type { Env } from "./env";

// cloudflared reads a message into a buffer of this size and drops the rest (cfio/copy.go).
const MESSAGE_BYTES = 16 * 1024;

const DirectPath = z.object({
  url: z.url(),
  /** Of the service token that Access admits. */
  clientId: z.string(),
  clientSecret: z.string(),
  /** Connection strings by what the role may read. */
  regulated: z.string(),
  public: z.string(),
});
export type DirectPath = z.infer<typeof DirectPath>;

let known: DirectPath | undefined;

/** Undefined where none is declared. */
export function directPath({ DATABASE_DIRECT }: Env): DirectPath | undefined {
  if (DATABASE_DIRECT === undefined) return undefined;
  return (known ??= DirectPath.parse(JSON.parse(DATABASE_DIRECT)));
}

/** What `pg` takes for a socket. */
export class TunnelStream extends Duplex {
  readonly #path: DirectPath;
  readonly #abort = new AbortController();
  #socket: WebSocket | undefined;

  constructor(path: DirectPath) {
    super();
    this.#path = path;
  }

  /** The address in the connection string is the tunnel's business. */
  connect(): void {
    this.#open().then(
      () => this.emit("connect"),
      (error) => this.destroy(error),
    );
  }

  setNoDelay(): void {}

  async #open(): Promise<void> {
    const { url, clientId, clientSecret } = this.#path;
    const response = await fetch(url, {
      headers: {
        Upgrade: "websocket",
        "Cf-Access-Client-Id": clientId,
        "Cf-Access-Client-Secret": clientSecret,
      },
      // Access sends whom it refuses to its sign-in, and the token must not go along.
      redirect: "manual",
      signal: this.#abort.signal,
    });
    const socket = response.webSocket;
    if (!socket) throw new Error(`the tunnel answers HTTP ${response.status}`);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.push(Buffer.from(data as ArrayBuffer)));
    socket.addEventListener("close", () => this.destroy());
    socket.addEventListener("error", () => this.destroy(new Error("the tunnel's WebSocket failed")));
    socket.accept();
    this.#socket = socket;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    for (let from = 0; from < chunk.length; from += MESSAGE_BYTES) {
      this.#socket?.send(chunk.subarray(from, from + MESSAGE_BYTES));
    }
    done();
  }

  override _final(done: () => void): void {
    this.destroy();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#abort.abort();
    this.#socket?.close();
    done(error);
  }
}
