/**
 * Who is signed in: the site's Worker holds the tokens for the browser, in an encrypted cookie, and gives the access token
 * to the API. What changes something needs to come from a page of this site.
 */
import { SealedCookie } from "./cookies";
import type { Env } from "./env";
import { type Attempt, begun, ended, FAILURES, finished, type Tokens } from "./issuer";
import { problem } from "./problems";
import { forget, isGood, renewedOnce, secondsLeft } from "./renewal";

// As long as the refresh token is good (components/access/identity.py).
const session = new SealedCookie<Tokens>("session", 7 * 24 * 3600);
const attempts = new SealedCookie<Attempt>("sign-in", 3600);
const SAFE = ["GET", "HEAD", "OPTIONS"];
const PREFIX = "/auth/";

/** Undefined for a path that is not about signing in. */
export function authenticate(request: Request, env: Env): Promise<Response> | undefined {
  const { pathname } = new URL(request.url);
  const route = pathname.startsWith(PREFIX) ? `${request.method} ${pathname.slice(PREFIX.length)}` : "";
  switch (route) {
    case "GET sign-in":
      return begin(request, env, false);
    case "GET register":
      return begin(request, env, mayRegister(env));
    case "GET callback":
      return finish(request, env);
    case "GET session":
      return tell(request, env);
    case "POST sign-out":
      return end(request, env);
    default:
      return undefined;
  }
}

/**
 * The API's answer to a request, made in the name of who is signed in. A program's own token goes on as it is: no browser
 * sends one by itself.
 */
export async function callApi(request: Request, env: Env): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.delete("Cookie");
  if (headers.has("Authorization")) return ask(env, request, headers);
  const held = await session.read(request, env.SESSION_KEY);
  if (!held) return ask(env, request, headers);
  if (!SAFE.includes(request.method) && isForeign(request)) return foreign();
  const [current, cookies] = await renewed(request, env, held);
  if (current) headers.set("Authorization", `Bearer ${current.accessToken}`);
  return withCookies(await ask(env, request, headers), cookies);
}

function ask(env: Env, request: Request, headers: Headers): Promise<Response> {
  return env.API.fetch(new Request(request, { headers }));
}

async function begin(request: Request, env: Env, registers: boolean): Promise<Response> {
  const [url, attempt] = await begun(env, callbackOf(request), registers);
  return redirect(url.href, await attempts.kept(request, attempt, env.SESSION_KEY));
}

async function finish(request: Request, env: Env): Promise<Response> {
  const attempt = await attempts.read(request, env.SESSION_KEY);
  const spent = attempts.removed(request);
  if (!attempt) return redirect("/?sign-in=failed", spent);
  try {
    const tokens = await finished(env, new URL(request.url), callbackOf(request), attempt);
    return redirect("/", [...spent, ...(await session.kept(request, forCookie(tokens, env), env.SESSION_KEY))]);
  } catch (error) {
    if (!FAILURES.some((kind) => error instanceof kind)) throw error;
    console.warn(`sign-in refused: ${(error as Error).message}`);
    return redirect("/?sign-in=failed", spent);
  }
}

async function tell(request: Request, env: Env): Promise<Response> {
  const held = await session.read(request, env.SESSION_KEY);
  const [current, cookies] = held ? await renewed(request, env, held) : [undefined, []];
  const answer = { signedIn: current !== undefined, name: current?.name ?? null, mayRegister: mayRegister(env) };
  return withCookies(Response.json(answer, { headers: { "X-Content-Type-Options": "nosniff" } }), cookies);
}

/** Where the page has to go, so that the issuer's session ends too. The site's own has ended by then. */
async function end(request: Request, env: Env): Promise<Response> {
  if (isForeign(request)) return foreign();
  const held = await session.read(request, env.SESSION_KEY);
  if (held) forget(held);
  const home = new URL("/", request.url).href;
  let location = home;
  try {
    location = (await ended(env, held, home)).href;
  } catch (error) {
    // The issuer does not answer: its session goes on, and this one ends.
    console.error(error);
  }
  return withCookies(Response.json({ location }), session.removed(request));
}

/** Tokens that are good for a while, and the cookies that keep them; undefined where the session has ended. */
async function renewed(request: Request, env: Env, held: Tokens): Promise<[Tokens | undefined, string[]]> {
  if (isGood(held)) return [held, []];
  const isUsable = secondsLeft(held) > 0;
  if (!held.refreshToken) return isUsable ? [held, []] : [undefined, session.removed(request)];
  try {
    const fresh = await renewedOnce(env, held, held.refreshToken);
    return [fresh, await session.kept(request, forCookie(fresh, env), env.SESSION_KEY)];
  } catch (error) {
    if (FAILURES.some((kind) => error instanceof kind)) return [undefined, session.removed(request)];
    // The issuer does not answer: the token is used to its end.
    console.error(error);
    return isUsable ? [held, []] : [undefined, []];
  }
}

/** Cognito ends its session without the id token, which would take a third of the cookie. */
function forCookie({ idToken, ...tokens }: Tokens, env: Env): Tokens {
  return idToken && !env.OIDC_LOGOUT_URL ? { ...tokens, idToken } : tokens;
}

function mayRegister(env: Env): boolean {
  return env.PUBLIC_SIGN_UP === "true";
}

function callbackOf(request: Request): string {
  return new URL("/auth/callback", request.url).href;
}

function isForeign(request: Request): boolean {
  return request.headers.get("Origin") !== new URL(request.url).origin;
}

function foreign(): Response {
  return problem(403, "foreign_origin", "This request did not come from a page of this site.");
}

function redirect(location: string, cookies: string[]): Response {
  return withCookies(new Response(null, { status: 303, headers: { Location: location } }), cookies);
}

/** Never stored by a cache where it sets one. */
function withCookies(answer: Response, cookies: string[]): Response {
  const response = new Response(answer.body, answer);
  if (cookies.length || !response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
  for (const cookie of cookies) response.headers.append("Set-Cookie", cookie);
  return response;
}
