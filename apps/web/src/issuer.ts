/** The site as a client of the issuer: Authorization Code with PKCE (RFC 7636), by a client that has a secret. */
import * as oauth from "oauth4webapi";
import type { Env } from "./env";

/** What tokens are asked and kept for; in the browser only encrypted. */
export interface Tokens {
  accessToken: string;
  /** In seconds since 1970. */
  accessUntil: number;
  refreshToken?: string;
  /** For signing out, where the issuer wants it. */
  idToken?: string;
  name: string;
}

/** What has to be the same when the browser comes back. */
export interface Attempt {
  state: string;
  nonce: string;
  verifier: string;
}

export const FAILURES = [oauth.AuthorizationResponseError, oauth.ResponseBodyError, oauth.OperationProcessingError];
const TIMEOUT_MS = 3_000;
const KNOWN_FOR_MS = 3_600_000;
/** Per isolate, by issuer. A resolved value: a promise belongs to the request that made it. */
const known = new Map<string, { server: oauth.AuthorizationServer; until: number }>();

/** The address to send the browser to, and what to keep until it is back. */
export async function begun(env: Env, callback: string, registers: boolean): Promise<[URL, Attempt]> {
  const attempt = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
  const { authorization_endpoint: endpoint } = await server(env);
  const url = new URL((registers && env.OIDC_SIGN_UP_URL) || String(endpoint));
  const parameters = {
    response_type: "code",
    client_id: env.OIDC_CLIENT_ID,
    redirect_uri: callback,
    scope: env.OIDC_SCOPE,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: "S256",
    ...(env.OIDC_REQUESTED_AUDIENCE ? { audience: env.OIDC_REQUESTED_AUDIENCE } : {}),
    ...(registers && !env.OIDC_SIGN_UP_URL ? { screen_hint: "signup" } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return [url, attempt];
}

/** The tokens for the code in `url`. Throws one of FAILURES. */
export async function finished(env: Env, url: URL, callback: string, attempt: Attempt): Promise<Tokens> {
  const found = await server(env);
  const client = clientOf(env);
  const parameters = oauth.validateAuthResponse(found, client, url, attempt.state);
  const asked = await oauth.authorizationCodeGrantRequest(
    found,
    client,
    secretOf(env),
    parameters,
    callback,
    attempt.verifier,
    options(env),
  );
  const expected = { expectedNonce: attempt.nonce, requireIdToken: true };
  return tokens(await oauth.processAuthorizationCodeResponse(found, client, asked, expected));
}

/** Throws one of FAILURES where the issuer has ended the session. */
export async function refreshed(env: Env, held: Tokens): Promise<Tokens> {
  const found = await server(env);
  const client = clientOf(env);
  const asked = await oauth.refreshTokenGrantRequest(
    found,
    client,
    secretOf(env),
    String(held.refreshToken),
    options(env),
  );
  return tokens(await oauth.processRefreshTokenResponse(found, client, asked), held);
}

/** Ends the refresh token, so that no copy of the cookie goes on, and returns where the issuer ends its own session. */
export async function ended(env: Env, held: Tokens | undefined, home: string): Promise<URL> {
  const found = await server(env);
  if (held?.refreshToken && found.revocation_endpoint) {
    const asked = await oauth.revocationRequest(found, clientOf(env), secretOf(env), held.refreshToken, options(env));
    await oauth.processRevocationResponse(asked);
  }
  const url = new URL(env.OIDC_LOGOUT_URL ?? String(found.end_session_endpoint));
  url.searchParams.set("client_id", env.OIDC_CLIENT_ID);
  url.searchParams.set(env.OIDC_LOGOUT_URL ? "logout_uri" : "post_logout_redirect_uri", home);
  if (held?.idToken && !env.OIDC_LOGOUT_URL) url.searchParams.set("id_token_hint", held.idToken);
  return url;
}

function tokens(given: oauth.TokenEndpointResponse, held?: Tokens): Tokens {
  const claims = oauth.getValidatedIdTokenClaims(given);
  const refreshToken = given.refresh_token ?? held?.refreshToken;
  const idToken = given.id_token ?? held?.idToken;
  return {
    accessToken: given.access_token,
    accessUntil: Math.floor(Date.now() / 1000) + (given.expires_in ?? 0),
    ...(refreshToken ? { refreshToken } : {}),
    ...(idToken ? { idToken } : {}),
    name: claims ? nameIn(claims) : (held?.name ?? ""),
  };
}

function nameIn({ name, email, sub }: oauth.IDToken): string {
  return [name, email].find((claim) => typeof claim === "string") ?? sub;
}

async function server(env: Env): Promise<oauth.AuthorizationServer> {
  const found = known.get(env.OIDC_ISSUER);
  if (found && found.until > Date.now()) return found.server;
  const issuer = new URL(env.OIDC_ISSUER);
  const fresh = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options(env)));
  known.set(env.OIDC_ISSUER, { server: fresh, until: Date.now() + KNOWN_FOR_MS });
  return fresh;
}

function clientOf(env: Env): oauth.Client {
  return { client_id: env.OIDC_CLIENT_ID };
}

function secretOf(env: Env): oauth.ClientAuth {
  return oauth.ClientSecretPost(env.OIDC_CLIENT_SECRET);
}

function options(env: Env) {
  return {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    // On one machine, and nowhere else, it is reached over loopback.
    [oauth.allowInsecureRequests]: env.OIDC_ISSUER.startsWith("http://localhost:"),
  };
}
