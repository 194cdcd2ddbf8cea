// Runs of eight numbers of each line of x [LINES, N], sorted, of which the first KEEP are kept: pairs of key and
// place, [LINES, OUT]. An invocation a run: each goes where as many come before it. For machines whose barriers
// cost more than they bring. Bytes: x once, 8 a pair. 28 comparisons a run.
// @import lib/sort_pairs
const LINES: u32 = 1u;
const N: u32 = 8u;
const KEEP: u32 = 8u;
const OUT: u32 = 8u;
const WORKGROUP: u32 = 64u;
const GRID_X: u32 = 1u;

const RUN: u32 = 8u;
const RUNS: u32 = (N + RUN - 1u) / RUN;
const i: u32 = 0u;
const j: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<u32, LINES * N>;

// @hook result
// @import lib/sorted_pairs
// @end

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let run = (group.y * GRID_X + group.x) * WORKGROUP + local.x;
  if (run >= LINES * RUNS) { return; }
  let first = run % RUNS * RUN;
  let line = run / RUNS;
  // @unroll i RUN
  var pair_i = vec2u(NONE.x, first + i);
  if (first + i < N) { pair_i.x = sort_key(x[line * N + first + i]); }
  var rank_i = 0u;
  // @end
  // @unroll i RUN
  // @unroll j i
  // The earlier of equal ones stays before.
  if (pair_i.x < pair_j.x) { rank_j += 1u; } else { rank_i += 1u; }
  // @end
  // @end
  // @unroll i RUN
  if (first + i >= N) { pair_i = NONE; }
  if (rank_i < KEEP && run % RUNS * KEEP + rank_i < OUT) {
    keep(line * OUT + run % RUNS * KEEP + rank_i, pair_i);
  }
  // @end
}
