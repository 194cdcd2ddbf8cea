// A keyed permutation of 0 .. n-1 computed one element at a time: position -> element, for
// 1 <= n < 2^31. It shuffles a data set every epoch without storing an order.
//
// Generalized Feistel network (Black, Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002)
// on a rectangle of 2^h columns and rows = ceil(n / 2^h) <= 2^h: each round adds a keyed hash of the
// row to the column, then one of the column to the row. At most 2^h - 1 cells are superfluous; a walk
// that lands on one goes on until it is below n, which it must be after `surplus` more steps and
// nearly always is at once. A position of n or more still ends, somewhere. Integers only: the same
// on every adapter. Small n need more rounds to reach all n! orders evenly (measured by chi-square).

// A 32-bit integer hash: xorshift-multiply with the constants of C. Wellons' "lowbias32" (2018).
fn permute_hash(word: u32) -> u32 {
  var x = (word ^ (word >> 16u)) * 0x7feb352du;
  x = (x ^ (x >> 15u)) * 0x846ca68bu;
  return x ^ (x >> 16u);
}

fn permute(index: u32, n: u32, key: vec2u) -> u32 {
  let column_bits = (33u - countLeadingZeros(n - 1u)) / 2u;
  let mask = (1u << column_bits) - 1u;
  let rows = (n + mask) >> column_bits;
  let surplus = (rows << column_bits) - n;
  let rounds = select(6u, 12u, n < 256u);
  // Neighbouring keys must not give neighbouring orders.
  let mixed = key.x + permute_hash(key.y ^ 0x9E3779B9u);
  let keys = vec2u(permute_hash(mixed), key.y + permute_hash(mixed));
  var cell = index;
  for (var walk = 0u; walk <= surplus; walk++) {
    var column = cell & mask;
    var row = cell >> column_bits;
    var round_keys = keys;
    for (var round = 0u; round < rounds; round++) {
      column = (column + permute_hash(row + round_keys.x)) & mask;
      // Sixteen bits times the rows, over 2^16: a step below `rows` without a division.
      row += ((permute_hash(column + round_keys.y) >> 16u) * rows) >> 16u;
      row -= select(0u, rows, row >= rows);
      round_keys += vec2u(0x9E3779B9u, 0xBB67AE85u);
    }
    cell = (row << column_bits) | column;
    if (cell < n) { break; }
  }
  return cell;
}

// Four positions at once, each with its own n and key.
fn permute4(index: vec4u, n: vec4u, key_low: vec4u, key_high: vec4u) -> vec4u {
  return vec4u(
    permute(index.x, n.x, vec2u(key_low.x, key_high.x)),
    permute(index.y, n.y, vec2u(key_low.y, key_high.y)),
    permute(index.z, n.z, vec2u(key_low.z, key_high.z)),
    permute(index.w, n.w, vec2u(key_low.w, key_high.w)),
  );
}
