/** Kernels and functions of shaders/ by themselves, without the scheduler: run by the kernel test kit. */
import { chooseMatmul, matmulVariants } from '../../src/kernels/matmul.ts';
import type { MatmulOperand } from '../../src/kernels/matmul-problem.ts';
import {
  benchRandom,
  libFoldLanes,
  libFoldSerial,
  libNumerics,
  libPhilox,
  map as mapShader,
  rows as rowsShader,
} from '../../src/kernels/shaders.gen.ts';
import { importLine, type Shader, specialize } from '../../src/kernels/specialize.ts';
import { bounds } from '../../src/ops/reference/bounds.ts';
import { normalFromBits, philox, uniformFromBits } from '../../src/ops/reference/philox.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { integers, productAdapter, reals } from '../support/engine.ts';
import { numericsTrials } from '../support/numerics.ts';

const WORKGROUP = 64;

/** A function of shaders/lib, applied to quads of `x`. */
async function applied(t: CaseContext, library: Shader, call: string, x: Float32Array) {
  const quads = x.length / 4;
  const code = specialize(mapShader, {
    constants: { QUADS: quads, WORKGROUP },
    imports: [library],
    hooks: {
      bindings: `${importLine(library)}
@group(0) @binding(0) var<storage, read> x: array<vec4f, ${quads}>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f, ${quads}>;`,
      element: `fn element(index: u32) { y[index] = ${call}(x[index]); }`,
    },
  });
  const label = `${call} of ${library.name}`;
  const dispatch = Math.ceil(quads / WORKGROUP);
  return (await t.kernel({ label, code, bindings: { x, y: { length: quads } }, dispatch })).y;
}

concurrentCases('kernels by themselves', (c) => {
  for (const [name, reference, x] of numericsTrials) {
    c(`${name} is as accurate as it says`, async (t) => {
      const y = await applied(t, libNumerics, name, x);
      t.close(y, Float64Array.from(x, reference), bounds[name], name);
    });
  }

  c('Philox gives the published words, shifting or converting', async (t) => {
    // Random123's known-answer vectors of philox4x32-10: counter, key, result.
    const known = [
      [
        [0, 0, 0, 0],
        [0, 0],
        [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
      ],
      [
        [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
        [0xffffffff, 0xffffffff],
        [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
      ],
      [
        [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
        [0xa4093822, 0x299f31d0],
        [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
      ],
    ] as const;
    for (const PHILOX_CONVERTS of [0, 1]) {
      const code = specialize(mapShader, {
        constants: { QUADS: known.length, WORKGROUP, PHILOX_CONVERTS },
        imports: [libPhilox],
        hooks: {
          bindings: `${importLine(libPhilox)}
struct Block { counter: vec4u, key: vec2u }
@group(0) @binding(0) var<storage, read> blocks: array<Block>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4u>;`,
          element: 'fn element(i: u32) { words[i] = philox(blocks[i].counter, blocks[i].key); }',
        },
      });
      const blocks = known.map(([counter, key]) => ({ counter, key }));
      const bindings = { blocks, words: new Uint32Array(4 * known.length) };
      const { words } = await t.kernel({ label: 'philox', code, bindings, dispatch: 1 });
      t.equal(
        [...words],
        known.flatMap(([, , result]) => [...result]),
      );
    }
  });

  c('variates follow from their words', async (t) => {
    const iterations = 3;
    for (const [NORMAL, draw] of [
      [0, (w: number[]) => w.map(uniformFromBits)],
      [1, (w: number[]) => normalFromBits(...(w as [number, number, number, number]))],
    ] as const) {
      const code = specialize(benchRandom, { constants: { NORMAL, ITERATIONS: iterations } });
      const key = [5, 7, 11, 13];
      const { result } = await t.kernel({
        label: 'bench_random',
        code,
        bindings: { key, result: { length: WORKGROUP } },
        dispatch: 1,
      });
      const expected = Array.from({ length: WORKGROUP }, (_, i) => {
        const draws = Array.from({ length: iterations }, (_, n) =>
          draw([...philox([i * iterations + n, 13, 11, 0], [5, 7])]),
        );
        return [0, 1, 2, 3].map((j) => draws.reduce((sum, four) => sum + (four[j] as number), 0));
      }).flat();
      // Each draw's own bound, and the rounding of a sum below 2^5.
      const absolute = iterations * (bounds.normal4.absolute + 2 ** -20);
      t.close(result, expected, { absolute }, NORMAL ? 'normals' : 'uniforms');
    }
  });

  c('rows sum up, by one invocation or by several', async (t) => {
    const [rows, quads] = [37, 5];
    const source = reals('source', 4 * rows * quads);
    const sums = Array.from({ length: rows }, (_, r) =>
      source.slice(4 * r * quads, 4 * (r + 1) * quads).reduce((sum, x) => sum + x, 0),
    );
    for (const [LANES, folds] of [
      [1, libFoldSerial],
      [4, libFoldLanes],
      [64, libFoldLanes],
    ] as const) {
      const code = specialize(rowsShader, {
        constants: { ROWS: rows, QUADS: quads, LANES },
        hooks: { folds },
      });
      const bindings = { source, result: new Float32Array(rows) };
      const dispatch = Math.ceil((rows * LANES) / WORKGROUP);
      const { result } = await t.kernel({ label: 'rows', code, bindings, dispatch });
      // n - 1 roundings of partial sums of n numbers below 2.
      t.close(result, sums, { absolute: 4 * quads * 2 ** -24 * 8 * quads }, `${LANES} lanes`);
    }
  });

  c('every product variant is exact on whole numbers', async (t) => {
    const [m, n, k] = [33, 35, 20];
    const [a, b] = [integers('a', m * k), integers('b', k * 36)];
    const stored = (ld: number, size: number): MatmulOperand => {
      return { transposed: false, ld, offset: 0, batchStride: 0, size };
    };
    const problem = {
      batch: 1,
      m,
      n,
      k,
      a: stored(k, a.length),
      b: stored(36, b.length),
      sumA: false,
    };
    const product = Array.from({ length: m }, (_, i) =>
      Array.from({ length: n }, (_, j) => {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += (a[i * k + l] as number) * (b[l * 36 + j] as number);
        return sum;
      }),
    ).flat();
    const adapter = productAdapter(t.device, true);
    await Promise.all(
      matmulVariants(problem, adapter).map(async (variant) => {
        const { shader, constants, hooks, imports, dispatch } = chooseMatmul(
          problem,
          adapter,
          variant,
        );
        const code = specialize(shader, { constants, hooks, imports });
        const bindings = { a, b, output: new Float32Array(m * 36) };
        const { output } = await t.kernel({ label: variant, code, bindings, dispatch });
        // Rows of the output are padded to whole quads.
        const got = Array.from(output).filter((_, i) => i % 36 < n);
        t.equal(got, product, variant);
      }),
    );
  });
});
