// Sorted runs of RUN pairs, two by two as one, of which the first KEEP are kept: of each line of IN pairs OUT
// ones. An invocation makes CHUNK of them: where its part begins in either run, a binary search along the
// diagonal tells (merge path: Odeh, Green, Mwassi, Shmueli, Birk 2012). No barriers; ties were settled by place.
// Bytes: each pair once and written once. log2(RUN) + CHUNK comparisons for CHUNK pairs.
// @import lib/sort_pairs
const LINES: u32 = 1u;
const IN: u32 = 16u;
const RUN: u32 = 8u;
const KEEP: u32 = 16u;
const OUT: u32 = 16u;
const CHUNK: u32 = 8u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

// Of a merged run, and of merged runs of a line.
const CHUNKS: u32 = (KEEP + CHUNK - 1u) / CHUNK;
const RUNS: u32 = (IN + 2u * RUN - 1u) / (2u * RUN);

@group(0) @binding(0) var<storage, read> pairs: array<vec2u, LINES * IN>;

// @hook result
// @import lib/sorted_pairs
// @end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let unit = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (unit >= LINES * RUNS * CHUNKS) { return; }
  let first = unit % CHUNKS * CHUNK;
  let run = unit / CHUNKS % RUNS;
  let line = unit / CHUNKS / RUNS;
  // Two runs that follow each other, of which the second may be short or none.
  let start = run * 2u * RUN;
  let a_size = min(RUN, IN - start);
  let total = min(2u * RUN, IN - start);
  let a = line * IN + start;
  let b = a + a_size;
  let diagonal = min(first, total);
  var low = diagonal - min(diagonal, total - a_size);
  var high = min(diagonal, a_size);
  while (low < high) {
    let middle = (low + high) / 2u;
    if (sorts_before(pairs[a + middle], pairs[b + diagonal - 1u - middle])) {
      low = middle + 1u;
    } else {
      high = middle;
    }
  }
  var i = a + low;
  var j = b + diagonal - low;
  let end_j = a + total;
  var left = NONE;
  var right = NONE;
  if (i < b) { left = pairs[i]; }
  if (j < end_j) { right = pairs[j]; }
  let stop = min(min(first + CHUNK, KEEP), OUT - min(OUT, run * KEEP));
  for (var at = first; at < stop; at++) {
    let isLeft = j >= end_j || (i < b && sorts_before(left, right));
    let place = line * OUT + run * KEEP + at;
    if (isLeft) {
      keep(place, left);
      i += 1u;
      left = NONE;
      if (i < b) { left = pairs[i]; }
    } else {
      keep(place, right);
      j += 1u;
      right = NONE;
      if (j < end_j) { right = pairs[j]; }
    }
  }
}
