/** Word for word the keyed permutation of `shaders/lib/permute.wgsl`: integers only, equal results. */

function hash(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The element at position `index` of a permutation of 0 .. n-1 chosen by `key` (two 32-bit words),
 * for 1 <= n < 2^31.
 *
 * Generalized Feistel network with cycle walking (Black, Rogaway, "Ciphers with arbitrary finite
 * domains", CT-RSA 2002) on 2^h columns and ceil(n / 2^h) rows.
 */
export function permute(index: number, n: number, key: readonly [number, number]): number {
  const columns = 2 ** ((33 - Math.clz32(n - 1)) >>> 1);
  const rows = Math.ceil(n / columns);
  const rounds = n < 256 ? 12 : 6;
  const mixed = (key[0] + hash(key[1] ^ 0x9e3779b9)) >>> 0;
  let cell = index;
  do {
    let column = cell % columns;
    let row = Math.floor(cell / columns);
    let k0 = hash(mixed);
    let k1 = (key[1] + hash(mixed)) >>> 0;
    for (let round = 0; round < rounds; round++) {
      column = (column + hash(row + k0)) % columns;
      const step = Math.floor(((hash(column + k1) >>> 16) * rows) / 0x10000);
      row = (row + step) % rows;
      k0 = (k0 + 0x9e3779b9) >>> 0;
      k1 = (k1 + 0xbb67ae85) >>> 0;
    }
    cell = row * columns + column;
  } while (cell >= n);
  return cell;
}
