// Runs of RUN numbers of each line of x [LINES, N], sorted, of which the first KEEP are kept: pairs of key and
// place, [LINES, OUT]. A bitonic network in workgroup memory (Batcher 1968), in which each invocation has two
// pairs a step; GROUP runs share a workgroup. x is read as its bits, which no arithmetic touches.
// Bytes: x once, 8 a pair. N / 4 log2(RUN) (log2(RUN) + 1) comparisons.
// @import lib/sort_pairs
const LINES: u32 = 1u;
const N: u32 = 8u;
// A power of two, and 2 WORKGROUP / GROUP.
const RUN: u32 = 8u;
const KEEP: u32 = 8u;
const OUT: u32 = 8u;
const WORKGROUP: u32 = 4u;
const GRID_X: u32 = 1u;

const RUNS: u32 = (N + RUN - 1u) / RUN;
const CELLS: u32 = 2u * WORKGROUP;

@group(0) @binding(0) var<storage, read> x: array<u32, LINES * N>;

// @hook result
// @import lib/sorted_pairs
// @end

var<workgroup> pairs: array<vec2u, CELLS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = (group.y * GRID_X + group.x) * CELLS;
  for (var cell = local; cell < CELLS; cell += WORKGROUP) {
    let run = (first + cell) / RUN;
    let i = run % RUNS * RUN + cell % RUN;
    pairs[cell] = NONE;
    if (run < LINES * RUNS && i < N) { pairs[cell] = vec2u(sort_key(x[run / RUNS * N + i]), i); }
  }
  for (var size = 2u; size <= RUN; size *= 2u) {
    for (var gap = size / 2u; gap > 0u; gap /= 2u) {
      workgroupBarrier();
      let low = local / gap * 2u * gap + local % gap;
      let high = low + gap;
      let isUp = (low & size) == 0u || size == RUN;
      if (sorts_before(pairs[high], pairs[low]) == isUp) {
        let other = pairs[low];
        pairs[low] = pairs[high];
        pairs[high] = other;
      }
    }
  }
  workgroupBarrier();
  for (var cell = local; cell < CELLS; cell += WORKGROUP) {
    let run = (first + cell) / RUN;
    let at = run % RUNS * KEEP + cell % RUN;
    if (run < LINES * RUNS && cell % RUN < KEEP && at < OUT) {
      keep(run / RUNS * OUT + at, pairs[cell]);
    }
  }
}
