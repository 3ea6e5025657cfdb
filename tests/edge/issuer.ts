/** An OpenID Connect issuer as far as an API sees it: tokens, and the keys that they are checked with. */
import http from "node:http";
import { once } from "node:events";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { AUDIENCE } from "./edge.ts";

/** An undefined one is left out of the token. */
export type Claims = Record<string, unknown>;
type Key = {
  kid: string;
  algorithm: string;
  secret: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  published: JWK;
};

export class Issuer {
  /** Newest first, all of them published; tokens are signed with the first. */
  keys: Key[] = [];
  /** How often the keys were asked for. */
  asked = 0;
  /** What it answers when asked for its keys. */
  status = 200;
  readonly #server = http.createServer((_, response) => {
    this.asked += 1;
    response.writeHead(this.status, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ keys: this.keys.map(({ published }) => published) }));
  });

  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    issuer.keys.push(await newKey());
    issuer.#server.listen(0, "127.0.0.1");
    await once(issuer.#server, "listening");
    return issuer;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as { port: number }).port}/`;
  }

  /** The bindings of a Worker that trusts it. */
  get vars() {
    return { OIDC_ISSUER: this.url, OIDC_JWKS_URL: `${this.url}jwks` };
  }

  /** An access token for `subject`; claims and header with changes. */
  async token(subject: string, claims: Claims = {}, key = this.keys[0] as Key): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iss: this.url, aud: AUDIENCE, sub: subject, iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid })
      .sign(key.secret);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export async function newKey(algorithm = "RS256"): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = crypto.randomUUID();
  const published = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" };
  return { kid, algorithm, secret: privateKey, published };
}
