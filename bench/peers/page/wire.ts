// Arrays on their way from a page to Node.js, which asks it for JSON.

/** More numbers than this travel as an evenly spaced selection. */
const MOST = 65_536;

/** Every n-th of many numbers, the same ones wherever it is asked; n has no factor but itself. */
export function selection<A extends Float32Array | Float64Array>(values: A): A {
  const strides = [1, 3, 7, 13, 29, 53, 101, 211];
  const stride = strides.find((n) => values.length / n <= MOST) ?? 211;
  return values.filter((_, i) => i % stride === 0) as A;
}

export function toText(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}

export function fromText(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
