/** The tunnel's name of the pooler, and Access in front of it: a WebSocket whose binary messages are a TCP connection. */
import { once } from "node:events";
import net from "node:net";

// As cloudflared, which reads a message into a buffer of this size and drops the rest.
const MESSAGE_BYTES = 16 * 1024;
// Of Workers alone: the types here are Node.js's.
const { WebSocketPair } = /** @type {any} */ (globalThis);

export default {
  /**
   * @param {Request} request
   * @param {{ CLIENT_ID: string, CLIENT_SECRET: string, TARGET: number }} bound
   */
  async fetch({ headers }, { CLIENT_ID, CLIENT_SECRET, TARGET }) {
    const isAdmitted =
      headers.get("Cf-Access-Client-Id") === CLIENT_ID && headers.get("Cf-Access-Client-Secret") === CLIENT_SECRET;
    if (!isAdmitted) return new Response(null, { status: 403 });
    if (headers.get("Upgrade") !== "websocket") return new Response(null, { status: 400 });
    const target = net.connect(TARGET, "127.0.0.1");
    try {
      await once(target, "connect");
    } catch {
      return new Response(null, { status: 502 });
    }
    const [client, server] = Object.values(new WebSocketPair());
    carry(server, target);
    return new Response(null, /** @type {ResponseInit} */ ({ status: 101, webSocket: client }));
  },
};

/**
 * @param {WebSocket & { accept(): void }} socket
 * @param {net.Socket} target
 */
function carry(socket, target) {
  socket.binaryType = "arraybuffer";
  socket.accept();
  socket.addEventListener("message", ({ data }) => target.write(new Uint8Array(data).subarray(0, MESSAGE_BYTES)));
  socket.addEventListener("close", () => target.destroy());
  socket.addEventListener("error", () => target.destroy());
  target.on("data", (chunk) => socket.send(chunk));
  target.on("error", () => undefined);
  target.on("close", () => socket.close());
}
