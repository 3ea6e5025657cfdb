/**
 * The salted password of SCRAM, made once for each password and salt: 4,096 rounds of HMAC, a seventh of what a request
 * took of the processor, for a salt that stays the same. A client may keep it (RFC 5802, 3).
 */
import crypto from "pg/lib/crypto/utils";

const KEPT = 8;
const derive = crypto.deriveKey;
const keys = new Map<string, ArrayBuffer>();

crypto.deriveKey = async (password, salt, iterations) => {
  const name = JSON.stringify([password, Array.from(salt), iterations]);
  const known = keys.get(name);
  if (known) return known;
  const key = await derive(password, salt, iterations);
  // There are two roles, by two paths; a password that was changed leaves one that is asked for no more.
  if (keys.size >= KEPT) keys.clear();
  keys.set(name, key);
  return key;
};
