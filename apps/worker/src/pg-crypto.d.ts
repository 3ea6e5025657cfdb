/** Of pg's own module what `scram.ts` replaces: its types do not have it. */
declare module "pg/lib/crypto/utils" {
  const utils: {
    deriveKey(password: string, salt: Uint8Array, iterations: number): Promise<ArrayBuffer>;
  };
  export default utils;
}
