/** What the issuer remembers, in one SQLite file: people, and what oidc-provider keeps of sessions, grants and tokens. */
import { randomBytes, randomUUID, scrypt, timingSafeEqual } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";

/** @import { ScryptOptions } from "node:crypto" */
/** @import { Adapter, AdapterPayload } from "oidc-provider" */
/** @typedef {{ sub: string, email: string, name: string, password: string, roles: string }} Row */

/** @type {(password: string, salt: Buffer, length: number, options: ScryptOptions) => Promise<Buffer>} */
const derive = promisify(scrypt);
// Of the pairs that OWASP's Password Storage Cheat Sheet calls alike, one of 32 MB.
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 2 ** 20 };
const HASH_BYTES = 32;
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  -- An account that was acknowledged outlives a power cut.
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS accounts (
    sub TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
    roles TEXT NOT NULL DEFAULT '[]'
  );
  CREATE TABLE IF NOT EXISTS kept (
    model TEXT, id TEXT, uid TEXT, grant_id TEXT, payload TEXT NOT NULL, expires_at REAL, PRIMARY KEY (model, id)
  );
  CREATE INDEX IF NOT EXISTS kept_uid ON kept (uid);
  CREATE INDEX IF NOT EXISTS kept_grant ON kept (grant_id);
`;

/** @param {string} path */
export function open(path) {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  database.prepare("DELETE FROM kept WHERE expires_at < ?").run(Date.now());
  return database;
}

export class Accounts {
  /** @param {DatabaseSync} database */
  constructor(database) {
    this.database = database;
  }

  /**
   * The subject of the new account; undefined where the address has one.
   * @param {string} email
   * @param {string} name
   * @param {string} password
   */
  async register(email, name, password) {
    const sub = randomUUID();
    const insert = "INSERT INTO accounts (sub, email, name, password) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    const { changes } = this.database.prepare(insert).run(sub, normal(email), name, await hashed(password));
    return changes ? sub : undefined;
  }

  /**
   * The subject whose password it is. An unknown address takes as long as a wrong password.
   * @param {string} email
   * @param {string} password
   */
  async authenticated(email, password) {
    const found = this.#row("email", normal(email));
    const matches = await verified(password, found?.password ?? NOBODY);
    return found && matches ? found.sub : undefined;
  }

  /** @param {string} sub */
  find(sub) {
    const found = this.#row("sub", sub);
    if (!found) return undefined;
    const { email, name } = found;
    return { sub, email, name, roles: /** @type {string[]} */ (JSON.parse(found.roles)) };
  }

  /**
   * @param {"sub" | "email"} column
   * @param {string} value
   */
  #row(column, value) {
    return /** @type {Row | undefined} */ (this.database.prepare(`SELECT * FROM accounts WHERE ${column} = ?`).get(value));
  }
}

/**
 * oidc-provider's storage; see its docs, `adapter`.
 * @param {DatabaseSync} database
 * @returns {(model: string) => Adapter}
 */
export function adapter(database) {
  const select = "SELECT payload FROM kept WHERE (expires_at IS NULL OR expires_at > ?) AND model = ? AND";
  return (model) => ({
    async upsert(id, payload, expiresIn) {
      const until = expiresIn ? Date.now() + expiresIn * 1000 : null;
      database
        .prepare("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)")
        .run(model, id, payload.uid ?? null, payload.grantId ?? null, JSON.stringify(payload), until);
    },
    async find(id) {
      return parsed(database.prepare(`${select} id = ?`).get(Date.now(), model, id));
    },
    async findByUid(uid) {
      return parsed(database.prepare(`${select} uid = ?`).get(Date.now(), model, uid));
    },
    async findByUserCode() {
      return undefined;
    },
    async consume(id) {
      database
        .prepare("UPDATE kept SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?")
        .run(Math.floor(Date.now() / 1000), model, id);
    },
    async destroy(id) {
      database.prepare("DELETE FROM kept WHERE model = ? AND id = ?").run(model, id);
    },
    async revokeByGrantId(grantId) {
      // The grant itself goes by `destroy`.
      database.prepare("DELETE FROM kept WHERE grant_id = ?").run(grantId);
    },
  });
}

/**
 * @param {unknown} row
 * @returns {AdapterPayload | undefined}
 */
function parsed(row) {
  return row ? JSON.parse(/** @type {{ payload: string }} */ (row).payload) : undefined;
}

/** @param {string} email */
function normal(email) {
  return email.toLowerCase();
}

/** @param {string} password */
async function hashed(password) {
  const salt = randomBytes(16);
  const hash = await derive(password.normalize("NFKC"), salt, HASH_BYTES, COST);
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString("base64url")}$${hash.toString("base64url")}`;
}

/**
 * @param {string} password
 * @param {string} stored
 */
async function verified(password, stored) {
  const [, N, r, p, salt, hash] = /** @type {[string, string, string, string, string, string]} */ (stored.split("$"));
  const wanted = Buffer.from(hash, "base64url");
  const options = { N: Number(N), r: Number(r), p: Number(p), maxmem: COST.maxmem };
  return timingSafeEqual(wanted, await derive(password.normalize("NFKC"), Buffer.from(salt, "base64url"), HASH_BYTES, options));
}

const NOBODY = await hashed(randomUUID());
