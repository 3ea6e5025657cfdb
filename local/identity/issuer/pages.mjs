/** The pages of the issuer: sign in, register, sign out. */
import { createHash } from "node:crypto";

const STYLE = `
  :root { color-scheme: light dark; }
  * { box-sizing: border-box; }
  body { max-width: 22rem; margin: 12vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
  form, label { display: grid; gap: 0.4rem; }
  form { gap: 1rem; }
  label { font-size: 0.875rem; font-weight: 550; }
  input, button { min-height: 2.6rem; padding: 0.45rem 0.75rem; border: 1px solid #7a8699; border-radius: 0.5rem; font: 1rem/1.5 system-ui, sans-serif; }
  button { border-color: #1f5eff; background: #1f5eff; color: #fff; font-weight: 600; cursor: pointer; }
  [role="alert"] { color: light-dark(#b3261e, #ff9a92); }
  small { color: light-dark(#556072, #9aa7bb); }
`;
const CONFIRM = `document.getElementById("confirm").click();`;
const hash = (/** @type {string} */ text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
// No form-action: Chromium holds it against the redirects after a form, too, which lead back to the site.
export const POLICY = `default-src 'none'; style-src ${hash(STYLE)}; script-src ${hash(CONFIRM)}; base-uri 'none'; frame-ancestors 'none'`;
export const SHORTEST_PASSWORD = 12;

/**
 * @param {{ path: string, registers: boolean, mayRegister: boolean, email?: string, name?: string, problem?: string }} form
 */
export function entrance({ path, registers, mayRegister, email = "", name = "", problem }) {
  const title = registers ? "Register" : "Sign in";
  const field = (/** @type {string} */ label, /** @type {string} */ attributes) =>
    `<label>${label}<input required ${attributes} /></label>`;
  const secret = registers
    ? `type="password" name="password" autocomplete="new-password" minlength="${SHORTEST_PASSWORD}" maxlength="128"`
    : `type="password" name="password" autocomplete="current-password" maxlength="128"`;
  const other = registers
    ? `Have an account? <a href="${path}?registers=no">Sign in</a>`
    : mayRegister
      ? `New here? <a href="${path}?registers=yes">Register</a>`
      : "";
  return page(
    title,
    `${problem ? `<p role="alert">${escaped(problem)}</p>` : ""}
    <form method="post" action="${path}?registers=${registers ? "yes" : "no"}">
      ${registers ? field("Name", `name="name" autocomplete="name" maxlength="100" value="${escaped(name)}"`) : ""}
      ${field("Email", `type="email" name="email" autocomplete="username" maxlength="254" value="${escaped(email)}"`)}
      ${field("Password", secret)}
      ${registers ? `<small>At least ${SHORTEST_PASSWORD} characters.</small>` : ""}
      <button>${title}</button>
    </form>
    <p>${other}</p>`,
  );
}

/**
 * The site asked for it already where it showed whose session it is; then nobody is asked once more.
 * @param {string} form oidc-provider's own
 * @param {boolean} isAsked
 */
export function goodbye(form, isAsked) {
  const button = `<button id="confirm" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
  return page("Sign out", `${form}${button}${isAsked ? `<script>${CONFIRM}</script>` : ""}`);
}

/** @param {string} problem */
export function failure(problem) {
  return page("That did not work", `<p role="alert">${escaped(problem)}</p>`);
}

/**
 * @param {string} title
 * @param {string} content HTML
 */
function page(title, content) {
  return `<!doctype html>
<html lang="en-CA">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · Local issuer</title>
    <style>${STYLE}</style>
  </head>
  <body><h1>${title}</h1>${content}</body>
</html>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
