/**
 * Carries a local Hyperdrive's connections to PostgreSQL over TLS, as Hyperdrive itself does.
 *
 * Miniflare's own way of doing this ends the whole process when the database refuses a connection,
 * and adds 40 ms a query (Nagle's algorithm); seen with miniflare 4.20260730.0.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { pipeline } from "node:stream";
import tls from "node:tls";

// PostgreSQL protocol, SSLRequest: the length, then the code 80877103. The answer is one byte: S or N.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * The connection string as it is when it asks for no TLS; else one that leads through a link.
 * @param {string} connectionString
 * @returns {Promise<string>}
 */
export async function linked(connectionString) {
  const url = new URL(connectionString);
  const mode = url.searchParams.get("sslmode") ?? "disable";
  const authority = url.searchParams.get("sslrootcert");
  const database = { host: url.hostname, port: Number(url.port || 5432) };
  url.search = "";
  if (mode === "disable") return url.href;
  const trust = {
    rejectUnauthorized: mode === "verify-full",
    // Made once: a context of its own for each connection takes longer than the handshake.
    secureContext: tls.createSecureContext(authority ? { ca: readFileSync(authority) } : {}),
  };
  url.host = `127.0.0.1:${await listen(database, trust)}`;
  return url.href;
}

/**
 * @param {{ host: string, port: number }} database
 * @param {tls.ConnectionOptions} trust
 * @returns {Promise<number>} the port it listens on
 */
async function listen(database, trust) {
  const server = net.createServer({ noDelay: true }, (client) => {
    void carry(client, database, trust).catch((error) => {
      console.error(`edge: no TLS connection to ${database.host}:${database.port}: ${error.message}`);
      client.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return /** @type {net.AddressInfo} */ (server.address()).port;
}

/**
 * @param {net.Socket} client
 * @param {{ host: string, port: number }} database
 * @param {tls.ConnectionOptions} trust
 */
async function carry(client, database, trust) {
  const plain = net.connect({ ...database, noDelay: true });
  hearErrors(client, plain);
  client.once("close", () => plain.destroy());
  await once(plain, "connect");
  plain.write(SSL_REQUEST);
  const [answer] = await once(plain, "data");
  // More than one byte would be data that someone slipped in before the encryption began (CVE-2021-23222).
  if (answer.toString("latin1") !== "S") throw new Error("the server offers no TLS");
  const secure = tls.connect({ ...trust, socket: plain, host: database.host, servername: serverName(database.host) });
  hearErrors(secure);
  await once(secure, "secureConnect");
  pipeline(client, secure, client, () => plain.destroy());
}

/**
 * An error nobody listens to ends the process; each is also met where the socket is awaited.
 * @param {net.Socket[]} sockets
 */
function hearErrors(...sockets) {
  for (const socket of sockets) socket.on("error", () => undefined);
}

/**
 * A TLS server name is never an address (RFC 6066).
 * @param {string} host
 */
function serverName(host) {
  return net.isIP(host) ? "" : host;
}
