/**
 * What the browser keeps: encrypted, so that it can neither read nor make it, and out of reach of scripts.
 *
 * `__Host-` binds a cookie to this host and to HTTPS (or localhost). One is 4,096 bytes at most, so a long value takes
 * several. By hand but for the encryption: iron-session makes one cookie, and throws where that is too long.
 */
import { EncryptJWT, errors, jwtDecrypt, type JWTPayload } from "jose";

const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";
const LONGEST = 3800;

export class SealedCookie<T extends object> {
  readonly name: string;
  readonly seconds: number;

  constructor(name: string, seconds: number) {
    this.name = name;
    this.seconds = seconds;
  }

  /** Undefined where there is none, or what is there is not ours, too old, or of a key that has gone. */
  async read(request: Request, keys: string): Promise<T | undefined> {
    const sent = this.#sent(request);
    const text = Array.from({ length: sent.size }, (_, number) => sent.get(this.#nameOf(number)) ?? "").join("");
    if (!text) return undefined;
    for (const key of await derived(keys)) {
      try {
        const { payload } = await jwtDecrypt<T>(text, key, {
          audience: this.name,
          keyManagementAlgorithms: ["dir"],
          contentEncryptionAlgorithms: ["A256GCM"],
        });
        return payload;
      } catch (error) {
        if (!(error instanceof errors.JOSEError)) throw error;
      }
    }
    return undefined;
  }

  /** Values of Set-Cookie that keep it in place of what the request sent. */
  async kept(request: Request, value: T, keys: string): Promise<string[]> {
    const [key] = await derived(keys);
    const text = await new EncryptJWT(value as JWTPayload)
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .setAudience(this.name)
      .setExpirationTime(`${this.seconds} s`)
      .encrypt(key as Uint8Array);
    const parts = text.match(new RegExp(`.{1,${LONGEST}}`, "g")) ?? [];
    const kept = parts.map((part, number) => `${this.#nameOf(number)}=${part}; Max-Age=${this.seconds}; ${ATTRIBUTES}`);
    return [...kept, ...this.#removed(request, parts.length)];
  }

  /** Values of Set-Cookie that remove what the request sent. */
  removed(request: Request): string[] {
    return this.#removed(request, 0);
  }

  #removed(request: Request, from: number): string[] {
    const kept = new Set(Array.from({ length: from }, (_, number) => this.#nameOf(number)));
    const names = [...this.#sent(request).keys()].filter((name) => !kept.has(name));
    return names.map((name) => `${name}=; Max-Age=0; ${ATTRIBUTES}`);
  }

  #nameOf(number: number): string {
    return `__Host-${this.name}${number || ""}`;
  }

  #sent(request: Request): Map<string, string> {
    const pairs = (request.headers.get("Cookie") ?? "").split(/; */).map((pair) => pair.split("=", 2));
    const ours = new RegExp(`^__Host-${this.name}\\d*$`);
    return new Map(pairs.filter(([name]) => ours.test(name ?? "")) as [string, string][]);
  }
}

/** Keys of 256 bits, made of the texts. */
function derived(keys: string): Promise<Uint8Array[]> {
  const texts = keys.split(",").map((text) => new TextEncoder().encode(text));
  return Promise.all(texts.map(async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", text))));
}
