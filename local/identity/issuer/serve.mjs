/**
 * The OIDC issuer on one machine: `node serve.mjs CONFIG.json`. Stands for Cognito or Auth0, as a relying party sees them.
 *
 * Access tokens are JWTs for one audience. A program gets one by its client's credentials; its subject is the client's id.
 */
import { once } from "node:events";
import { readFileSync, watchFile } from "node:fs";
import http from "node:http";
import Provider, { errors } from "oidc-provider";
import { entrance, failure, goodbye, POLICY, SHORTEST_PASSWORD } from "./pages.mjs";
import { Accounts, adapter, open } from "./store.mjs";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { ClientMetadata, Configuration, JWK } from "oidc-provider" */

/**
 * @typedef {{
 *   port: number,
 *   issuer: string,
 *   audience: string,
 *   mayRegister: boolean,
 *   accessSeconds: number,
 *   sessionSeconds: number,
 *   database: string,
 *   keys: string,
 *   cookieKey: string,
 *   clients: ClientMetadata[],
 * }} Config
 */

const HOSTS = ["127.0.0.1", "::1"];
const LONGEST_FORM = 10_000;
const KEYS_CHECK_MS = 500;
const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": POLICY,
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

const [path] = process.argv.slice(2);
if (!path) throw new Error("give one configuration file: serve.mjs CONFIG.json");
/** @type {Config} */
const config = JSON.parse(readFileSync(path, "utf8"));
process.umask(0o077);
const database = open(config.database);
const accounts = new Accounts(database);
let provider = new Provider(config.issuer, configuration());
// Other keys come into use at once, and nobody waits for a restart.
watchFile(config.keys, { interval: KEYS_CHECK_MS }, () => (provider = new Provider(config.issuer, configuration())));
for (const host of HOSTS) await listen(host);
console.log(`issuer ${config.issuer}`);

/** @returns {Configuration} */
function configuration() {
  return {
    adapter: adapter(database),
    clients: config.clients,
    // The first one signs; all are published.
    jwks: { keys: /** @type {JWK[]} */ (JSON.parse(readFileSync(config.keys, "utf8"))) },
    cookies: { keys: [config.cookieKey] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // A token for the API opens no userinfo, so the id token has the claims, as Cognito's has.
    conformIdTokenClaims: false,
    // Auth0's names for what a client may ask in addition.
    extraParams: ["audience", "screen_hint"],
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.set(HEADERS);
          ctx.body = goodbye(form, ctx.oidc.params?.["id_token_hint"] !== undefined);
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => config.audience,
        useGrantedResource: () => true,
        getResourceServerInfo(_, resource) {
          if (resource !== config.audience) throw new errors.InvalidTarget();
          return { scope: "", audience: resource, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } };
        },
      },
    },
    ttl: {
      AccessToken: config.accessSeconds,
      ClientCredentials: config.accessSeconds,
      IdToken: config.accessSeconds,
      Interaction: 3600,
      Grant: config.sessionSeconds,
      RefreshToken: config.sessionSeconds,
      Session: config.sessionSeconds,
    },
    issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
    // As Auth0 may, which ends a session whose refresh token comes twice: a client that gets on with it needs no other.
    rotateRefreshToken: true,
    extraTokenClaims(_, token) {
      const roles = "accountId" in token ? accounts.find(String(token.accountId))?.roles : undefined;
      return roles?.length ? { roles } : undefined;
    },
    findAccount(_, sub) {
      const found = accounts.find(sub);
      return found && { accountId: sub, claims: () => ({ sub, email: found.email, email_verified: true, name: found.name }) };
    },
    // The site is the operator's own: nobody is asked whether it may.
    async loadExistingGrant(ctx) {
      const known = ctx.oidc.session?.grantIdFor(String(ctx.oidc.client?.clientId));
      if (known) return provider.Grant.find(known);
      const { clientId } = /** @type {{ clientId: string }} */ (ctx.oidc.client);
      const grant = new provider.Grant({ clientId, accountId: String(ctx.oidc.session?.accountId) });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    renderError(ctx, out) {
      ctx.set(HEADERS);
      ctx.body = failure(String(out.error_description ?? out.error));
    },
  };
}

/** @param {string} host */
async function listen(host) {
  const server = http.createServer((request, response) => {
    const isOurs = request.url?.startsWith("/interaction/");
    Promise.resolve(isOurs ? interact(request, response) : provider.callback()(request, response)).catch((error) => {
      const isGone = error instanceof errors.SessionNotFound;
      if (!isGone) console.error(error);
      show(response, isGone ? 400 : 500, failure(isGone ? "This page is too old. Go back to the site and try again." : "Try again."));
    });
  });
  server.listen(config.port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    // A machine may lack IPv6.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EADDRNOTAVAIL" || host === HOSTS[0]) throw error;
  }
}

/**
 * Sign in or register. The page belongs to an interaction, whose cookie no other site's form can send (SameSite=Lax).
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 */
async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const { pathname, searchParams } = new URL(String(request.url), config.issuer);
  const asked = searchParams.get("registers") ?? (params["screen_hint"] === "signup" ? "yes" : "no");
  const registers = config.mayRegister && asked === "yes";
  const about = { path: pathname, registers, mayRegister: config.mayRegister };
  if (request.method !== "POST") return show(response, 200, entrance(about));
  const form = await received(request);
  const [email, name, password] = ["email", "name", "password"].map((field) => form.get(field) ?? "");
  const given = { email: String(email).trim(), name: String(name).trim(), password: String(password) };
  const { accountId, problem } = await (registers ? registered(given) : signedIn(given));
  if (!accountId) return show(response, 422, entrance({ ...about, ...given, problem: String(problem) }));
  return provider.interactionFinished(request, response, { login: { accountId } });
}

/** @param {{ email: string, name: string, password: string }} given */
async function registered({ email, name, password }) {
  if (!/^[^\s@]+@[^\s@]+$/.test(email) || !name) return { problem: "A name and an email address are needed." };
  if (password.length < SHORTEST_PASSWORD || password.length > 128) {
    return { problem: `The password needs at least ${SHORTEST_PASSWORD} characters, and at most 128.` };
  }
  const accountId = await accounts.register(email, name, password);
  return { accountId, problem: "This email address has an account: sign in." };
}

/** @param {{ email: string, password: string }} given */
async function signedIn({ email, password }) {
  return { accountId: await accounts.authenticated(email, password), problem: "Email or password is wrong." };
}

/** @param {IncomingMessage} request */
async function received(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > LONGEST_FORM) throw new Error("a form of that size is not ours");
  }
  return new URLSearchParams(text);
}

/**
 * @param {ServerResponse} response
 * @param {number} status
 * @param {string} content
 */
function show(response, status, content) {
  if (response.headersSent) return response.destroy();
  return response.writeHead(status, HEADERS).end(content);
}
