/** What the program binds to the site's Worker (components/edge/web_site.py). */
export interface Env {
  API: Fetcher;
  ASSETS: Fetcher;
  BUILD_ID: string;
  /** Exactly as tokens name it; its endpoints are found from there. */
  OIDC_ISSUER: string;
  OIDC_CLIENT_ID: string;
  OIDC_CLIENT_SECRET: string;
  OIDC_SCOPE: string;
  /** The API's, where the issuer has to be asked for it (Auth0). */
  OIDC_REQUESTED_AUDIENCE?: string;
  /** Where one registers; without it the authorization endpoint takes `screen_hint=signup` (Auth0). */
  OIDC_SIGN_UP_URL?: string;
  /** Where Cognito ends its session; without it the issuer has the end point of OIDC's RP-initiated logout. */
  OIDC_LOGOUT_URL?: string;
  /** Whether anybody may register: `true` or `false`. */
  PUBLIC_SIGN_UP: string;
  /** Separated by commas: the first one encrypts cookies, all of them decrypt. */
  SESSION_KEY: string;
}
