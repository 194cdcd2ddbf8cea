/**
 * SHA-256 of `bytes` (FIPS 180-4, by WebCrypto) as 64 lower-case hexadecimal digits.
 *
 * Works in Node.js and in browsers; browsers offer it in secure contexts only (HTTPS or localhost).
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  let hex = '';
  for (const byte of new Uint8Array(digest)) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
