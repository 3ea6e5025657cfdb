/** The site's Worker: hands API calls to the API Worker, everything else to the static assets. */
import { withSecurityHeaders, withSide } from "./headers";

interface Env {
  API: Fetcher;
  ASSETS: Fetcher;
  BUILD_ID: string;
}

export default {
  async fetch(request, env) {
    return withSide(await answer(request, env), env.BUILD_ID);
  },
} satisfies ExportedHandler<Env>;

async function answer(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/api/") || pathname === "/healthcheck") return callApi(request, env);
  return withSecurityHeaders(await findAsset(request, env));
}

async function callApi(request: Request, env: Env): Promise<Response> {
  try {
    return await env.API.fetch(request);
  } catch (error) {
    console.error(error);
    const body = { error: { code: "api_unavailable", message: "the API does not answer; try again shortly" } };
    return Response.json(body, {
      status: 502,
      headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" },
    });
  }
}

/** The 404 page where there is no such file. */
async function findAsset(request: Request, env: Env): Promise<Response> {
  const asset = await env.ASSETS.fetch(request);
  if (asset.status !== 404) return asset;
  const page = await env.ASSETS.fetch(new URL("/404", request.url));
  return new Response(page.body, { status: 404, headers: page.headers });
}
