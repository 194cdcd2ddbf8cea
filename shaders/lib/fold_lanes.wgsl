// Folds of a row by LANES neighbouring invocations, by a fixed tree in workgroup memory. Every one
// of them gets the result; all invocations of the workgroup call together.
// @import lib/fold_shape
// @import lib/fold_quad
// @import lib/online_logsumexp
// @import lib/arithmetic

var<workgroup> fold_scratch: array<vec2f, WORKGROUP>;

fn fold_sum(quad: vec4f, place: u32) -> f32 {
  fold_scratch[place].x = quad_sum(quad);
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (place % LANES < step) { fold_scratch[place].x += fold_scratch[place + step].x; }
    workgroupBarrier();
  }
  let total = fold_scratch[place - place % LANES].x;
  workgroupBarrier();
  return total;
}

fn fold_max(quad: vec4f, place: u32) -> f32 {
  fold_scratch[place].x = quad_max(quad);
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (place % LANES < step) {
      fold_scratch[place].x = max(fold_scratch[place].x, fold_scratch[place + step].x);
    }
    workgroupBarrier();
  }
  let top = fold_scratch[place - place % LANES].x;
  workgroupBarrier();
  return top;
}

fn fold_logsumexp(state: vec2f, place: u32) -> f32 {
  fold_scratch[place] = state;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (place % LANES < step) {
      fold_scratch[place] = lse_merge(fold_scratch[place], fold_scratch[place + step]);
    }
    workgroupBarrier();
  }
  let total = fold_scratch[place - place % LANES];
  workgroupBarrier();
  return lse_finish(total);
}

// Between the last read of a row's inputs and the first write of a row's results.
fn fold_barrier() { storageBarrier(); workgroupBarrier(); }
