/** Access tokens as the local issuer signs them, for other subjects: node tokens.mjs KEYS TOKEN SUBJECT… */
import { readFileSync } from "node:fs";
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from "jose";

const [keys, token, ...subjects] = process.argv.slice(2);
const header = decodeProtectedHeader(token);
const key = await importJWK(
  JSON.parse(readFileSync(keys, "utf8")).find(({ kid }) => kid === header.kid),
  header.alg,
);
for (const subject of subjects) {
  const claims = { ...decodeJwt(token), sub: subject };
  console.log(await new SignJWT(claims).setProtectedHeader(header).setExpirationTime("1h").sign(key));
}
