/** The site's Worker: signs people in, hands API calls to the API Worker, everything else to the static assets. */
import type { Env } from "./env";
import { withSecurityHeaders, withSide } from "./headers";
import { problem } from "./problems";
import { authenticate, callApi } from "./session";

export default {
  async fetch(request, env) {
    return withSide(await answer(request, env), env.BUILD_ID);
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/api/") || pathname === "/healthcheck") {
    return unless("api_unavailable", "The API does not answer; try again shortly.", callApi(request, env));
  }
  const authenticated = authenticate(request, env);
  if (authenticated) {
    return unless("issuer_unavailable", "Signing in does not work right now; try again shortly.", authenticated);
  }
  return withSecurityHeaders(await findAsset(request, env));
}

async function unless(code: string, detail: string, answered: Promise<Response>): Promise<Response> {
  try {
    return await answered;
  } catch (error) {
    console.error(error);
    return problem(502, code, detail);
  }
}

/** The 404 page where there is no such file. */
async function findAsset(request: Request, env: Env): Promise<Response> {
  const asset = await env.ASSETS.fetch(request);
  if (asset.status !== 404) return asset;
  const page = await env.ASSETS.fetch(new URL("/404", request.url));
  return new Response(page.body, { status: 404, headers: page.headers });
}
