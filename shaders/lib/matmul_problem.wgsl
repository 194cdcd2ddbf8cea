// A matrix product C[b,m,n] = Σ_k A[b,m,k] B[b,k,n] in numbers; sizes and strides count floats.
// Element (b, r, c) of an operand as it is stored lies at OFFSET + b·BATCH_STRIDE + r·LD + c, and
// the binding holds SIZE floats.
const BATCH: u32 = 1u;
const M: u32 = 4u;
const N: u32 = 4u;
const K: u32 = 4u;
// Not 0: the batch index counts chunks of K out of a longer sum, whose last chunk may be shorter.
const K_TOTAL: u32 = 0u;
const A_LD: u32 = 4u;
const A_OFFSET: u32 = 0u;
const A_BATCH_STRIDE: u32 = 0u;
const A_SIZE: u32 = 16u;
const B_LD: u32 = 4u;
const B_OFFSET: u32 = 0u;
const B_BATCH_STRIDE: u32 = 0u;
const B_SIZE: u32 = 16u;
// Workgroups in a row of the dispatch; the grid is folded, because a row holds at most 65535.
const GRID_X: u32 = 1u;
// Whether sum_epilogue is wanted.
const SUM_A: bool = false;

// Terms of the sum for one batch index.
fn k_length(batch: u32) -> u32 {
  if (K_TOTAL == 0u) { return K; }
  return min(K, K_TOTAL - batch * K);
}

// Terms of the sum that one step of a kernel's loop takes; steps may overrun the end of the sum.
const K_STEP: u32 = 4u;
const K_OVERRUNS: bool = K % K_STEP != 0u || K_TOTAL % K_STEP != 0u;

// `quad` holds the terms k … k+3; those past the end of the sum become zero.
fn within_k(quad: vec4f, k: u32, length: u32) -> vec4f {
  if (!K_OVERRUNS) { return quad; }
  return select(vec4f(0.0), quad, vec4u(k) + vec4u(0u, 1u, 2u, 3u) < vec4u(length));
}

// `quad` belongs to the term k; past the end of the sum it becomes zero.
fn within_k1(quad: vec4f, k: u32, length: u32) -> vec4f {
  if (!K_OVERRUNS) { return quad; }
  return select(vec4f(0.0), quad, k < length);
}
