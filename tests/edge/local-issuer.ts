/** Starts the local issuer, as the local environment does. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SERVE = fileURLToPath(new URL("../../local/identity/issuer/serve.mjs", import.meta.url));
export const SECRET = randomUUID();

export interface Issuer {
  url: string;
  process: ChildProcess;
  stop(): Promise<void>;
}

/** For a site on `origin`; access tokens last `accessSeconds`. */
export async function startIssuer(port: number, origin: string, accessSeconds: number): Promise<Issuer> {
  const folder = mkdtempSync(join(tmpdir(), "issuer-test-"));
  const keys = join(folder, "keys.json");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(keys, JSON.stringify([{ ...privateKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }]));
  const url = `http://localhost:${port}`;
  const site = {
    client_id: "site",
    client_secret: SECRET,
    token_endpoint_auth_method: "client_secret_post",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [`${origin}/auth/callback`],
    post_logout_redirect_uris: [`${origin}/`],
  };
  const config = {
    port,
    issuer: url,
    audience: "https://api.example.com",
    mayRegister: true,
    accessSeconds,
    sessionSeconds: 3600,
    database: join(folder, "issuer.sqlite"),
    keys,
    cookieKey: randomUUID(),
    clients: [site],
  };
  const path = join(folder, "config.json");
  writeFileSync(path, JSON.stringify(config));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", SERVE, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, process: child, stop };
}
