/** The headers that the site adds to what its assets and the API answer. */

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
];

const SECURITY_HEADERS = {
  "Content-Security-Policy": POLICY.join("; "),
  "Strict-Transport-Security": "max-age=31536000",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
};

/** Status, body, validators and caching stay as the assets gave them. */
export function withSecurityHeaders(asset: Response): Response {
  const response = new Response(asset.body, asset);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.headers.set(name, value);
  return response;
}

/** Which of the two sides answered, and with which build: what a rollback looks at. */
export function withSide(answer: Response, build: string): Response {
  const response = new Response(answer.body, answer);
  response.headers.set("X-Served-By", "worker");
  response.headers.set("X-Build", build);
  return response;
}
