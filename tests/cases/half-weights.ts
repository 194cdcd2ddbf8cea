/** Weights kept as float16: packed on the host, read as float32 by every kind of kernel. */
import { floatToHalf, HALF_MAX, halfToFloat } from '../../src/formats/half.ts';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { keepAsHalf, packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import { chooseMatmul, matmulCandidates, matmulVariants } from '../../src/kernels/matmul.ts';
import type { MatmulProblem } from '../../src/kernels/matmul-problem.ts';
import { specialize } from '../../src/kernels/specialize.ts';
import { giveWeights, Inference, type NetConfig } from '../../src/models/index.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import {
  adapterNames,
  check,
  integers,
  productAdapter,
  reals,
  tilingAdapters,
  withRuntime,
} from '../support/engine.ts';
import { vaeOf } from '../support/toys.ts';

const toHalf = (x: number) => halfToFloat(Uint16Array.of(floatToHalf(x)))[0] as number;

/** Numbers that float16 holds, none of them denormal. */
const halves = (name: string, size: number) =>
  reals(name, size).map((x) => toHalf(Math.abs(x) < 2 ** -12 ? 0.5 : x));

/** Variables kept as float16 among others, each with values of its own. */
class Values {
  readonly map = new Map<Variable, ArrayLike<number>>();

  half(name: string, shape: Shape): Variable {
    const x = variable(name, shape);
    keepAsHalf(x);
    this.map.set(x, halves(name, x.size));
    return x;
  }

  float(name: string, shape: Shape): Variable {
    const x = variable(name, shape);
    this.map.set(x, reals(name, x.size));
    return x;
  }
}

concurrentCases('half weights', (c) => {
  c('numbers are rounded to the nearest, of two to the even one', (t) => {
    const words = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
    const floats = halfToFloat(words);
    const finite = [...words].filter((word) => (word & 0x7c00) !== 0x7c00);
    t.equal(
      finite.map((word) => floatToHalf(floats[word] as number)),
      finite,
      'each half is its own nearest',
    );
    for (const word of finite) {
      const [low, high] = [floats[word] as number, floats[word + 1] as number];
      if (!Number.isFinite(high) || Math.abs(high) < Math.abs(low)) continue;
      const middle = (low + high) / 2;
      const bit = 2 ** -23 * Math.abs(middle);
      const away = Math.sign(high) * bit;
      const nearest = [middle - away, middle, middle + away].map(floatToHalf);
      t.equal(nearest, [word, word + (word & 1), word + 1], `around ${middle}`);
    }
    t.equal([65519, 65520, -65520, 1e9].map(toHalf), [HALF_MAX, Infinity, -Infinity, Infinity]);
    t.equal([2 ** -25, 2 ** -25 * 1.001, -0, Number.NaN].map(toHalf), [0, 2 ** -24, -0, NaN]);
  });

  for (const name of adapterNames) {
    const adapter = tilingAdapters[name];

    c(`products in either layout, odd widths, batches and slices, ${name}`, async (t) => {
      const values = new Values();
      const outputs: Record<string, Tensor> = {};
      for (const [m, k, n] of [
        [5, 7, 9],
        [33, 20, 67],
        [16, 8, 12],
        [3, 1, 1],
        [1, 300, 21],
        [3, 2050, 6],
      ] as const) {
        const x = values.float(`x ${m} ${k} ${n}`, [m, k]);
        const plain = values.half(`plain ${m} ${k} ${n}`, [k, n]);
        const turned = values.half(`turned ${m} ${k} ${n}`, [n, k]);
        const bias = values.half(`bias ${m} ${k} ${n}`, [n]);
        outputs[`nn ${m} ${k} ${n}`] = o.add(o.matmul(x, plain), bias);
        outputs[`nt ${m} ${k} ${n}`] = o.relu(o.add(o.matmul(x, o.transpose(turned)), bias));
      }
      const x = values.float('x', [4, 10]);
      const w = values.half('w', [13, 17]);
      const stack = values.half('stack', [3, 10, 8]);
      const flat = values.half('flat', [140]);
      outputs.rows = o.matmul(x, o.slice(w, 0, 2, 12));
      outputs.columns = o.matmul(x, o.transpose(o.slice(w, 1, 3, 13)));
      outputs.quads = o.matmul(x, o.transpose(o.slice(w, 1, 4, 14)));
      outputs.batched = o.matmul(x, stack);
      outputs.shaped = o.matmul(x, o.reshape(flat, [10, 14]));
      outputs.left = o.matmul(o.slice(w, 1, 0, 10), o.transpose(x));
      const { kernels } = await check(t, { outputs }, values.map, { adapter });
      const alone = kernels.flatMap((kernel) =>
        kernel.parts.length > 0 ? kernel.parts : [kernel],
      );
      const direct = alone.filter(({ code, shader }) => {
        return shader.startsWith('matmul') && code.includes('halves4');
      });
      // Rows that do not start at multiples of four, the left operand: copied first.
      t.ok(direct.length >= 13, `${direct.length} products read halves`);
    });

    c(`elementwise, folds, rows picked and kernels of their own, ${name}`, async (t) => {
      const values = new Values();
      const x = values.float('x', [5, 7]);
      const w = values.half('w', [5, 7]);
      const wide = values.half('wide', [5, 8]);
      const cube = values.half('cube', [3, 5, 7]);
      const vector = values.half('vector', [7]);
      const column = values.half('column', [5, 1]);
      const number = values.half('number', []);
      const rows = variable('rows', [3], { dtype: 'u32' });
      values.map.set(rows, Uint32Array.of(4, 0, 2));
      const outputs = {
        same: o.add(x, w),
        turned: o.mul(o.transpose(x), o.transpose(w)),
        vector: o.add(x, vector),
        column: o.mul(x, column),
        number: o.mul(x, number),
        part: o.add(o.slice(x, 1, 0, 3), o.slice(wide, 1, 3, 6)),
        quads: o.add(o.slice(x, 1, 0, 4), o.slice(wide, 1, 4, 8)),
        cube: o.add(cube, x),
        flat: o.neg(o.reshape(cube, [105])),
        merged: o.neg(o.reshape(cube, [3, 35])),
        sum: o.sum(w, 1),
        columnMax: o.max(wide, 0),
        lse: o.logSumExp(o.add(x, w), 1),
        mean: o.mean(cube, [0, 2]),
        shifted: o.sub(w, o.mean(w, 1, { keepDims: true })),
        scaledRow: o.mul(o.sum(x, 1, { keepDims: true }), column),
        read: w,
        joined: o.concat([w, x], 0),
        picked: o.gather(w, rows),
        inverse: o.triangularInverse(o.slice(w, 1, 0, 5)),
      };
      await check(t, { outputs }, values.map, { adapter });
    });
  }

  c('every product variant reads them exactly', async (t) => {
    const [m, n, k] = [33, 35, 18];
    const a = integers('a', m * 20);
    for (const transposed of [false, true]) {
      const [rows, columns] = transposed ? [n, k] : [k, n];
      const ld = Math.ceil(columns / 4) * 4;
      const numbers = integers('b', rows * ld);
      const packed = Uint16Array.from(numbers, floatToHalf);
      const problem: MatmulProblem = {
        batch: 1,
        m,
        n,
        k,
        a: { transposed: false, ld: 20, offset: 0, batchStride: 0, size: a.length },
        b: { transposed, ld, offset: 0, batchStride: 0, size: packed.length, isHalf: true },
        sumA: false,
      };
      const at = (l: number, j: number) => numbers[transposed ? j * ld + l : l * ld + j] as number;
      const product = Array.from({ length: m * n }, (_, i) => {
        const [row, col] = [Math.floor(i / n), i % n];
        let sum = 0;
        for (let l = 0; l < k; l++) sum += (a[row * 20 + l] as number) * at(l, col);
        return sum;
      });
      const adapter = productAdapter(t.device, true);
      const ownKernels = matmulCandidates(problem, adapter);
      // A GPU's kernels compile slowly on a software adapter: there those of small workgroups are tried, each
      // in one layout.
      const { isSoftware } = t.device.adapter;
      const small = { ...adapter, maxInvocations: 64 };
      const others = matmulVariants(problem, isSoftware ? small : adapter).filter(
        (name) => !ownKernels.includes(name),
      );
      const tried = others.filter((_, i) => !isSoftware || (i % 2 === 0) === transposed);
      const b = new Uint32Array(packed.buffer);
      await Promise.all(
        [...ownKernels, ...tried].map(async (variant) => {
          const { shader, constants, hooks, imports, dispatch } = chooseMatmul(
            problem,
            adapter,
            variant,
          );
          const code = specialize(shader, { constants, hooks, imports });
          const bindings = { a, b, output: new Float32Array(m * 36) };
          const { output } = await t.kernel({ label: variant, code, bindings, dispatch });
          t.equal(
            Array.from(output).filter((_, i) => i % 36 < n),
            product,
            `${variant}, ${transposed ? 'n × k' : 'k × n'}`,
          );
        }),
      );
    }
  });

  c('a model gives what its rounded weights give, in half the memory', async (t) => {
    const net: NetConfig = { hidden: [37], activation: 'tanh' };
    const codes = reals('z', 66 * 3);
    const results: Float32Array[] = [];
    const bytes: number[] = [];
    for (const precision of ['f32', 'f16'] as const) {
      const model = vaeOf({ shape: [7, 5], latent: 3, encoder: net, decoder: net });
      const weights = new Map(
        model.namedParameters().map(([name, p]) => {
          const values = reals(name, p.size, -1, 1);
          return [p, precision === 'f32' ? values.map(toHalf) : values];
        }),
      );
      await withRuntime(t, async (runtime) => {
        giveWeights(runtime, weights, precision);
        bytes.push(model.parameters().reduce((sum, p) => sum + runtime.storageOf(p).bytes, 0));
        const [first] = weights.keys();
        const held = await runtime.read(first as Variable);
        t.equal([...held], [...(weights.get(first as Variable) as Float32Array)].map(toHalf));
        const inference = new Inference(runtime, model);
        results.push(await inference.decode(codes, 66));
        await inference.destroy();
      });
    }
    const [float, half] = results as [Float32Array, Float32Array];
    // Both compute in float32, from the same numbers.
    t.close(half, float, { absolute: 2 ** -20 });
    const [full, halved] = bytes as [number, number];
    // Rows of 37 are padded to 40 numbers.
    t.ok(halved < 0.56 * full, `${halved} of ${full} bytes`);
  });

  c('what float16 cannot hold, and what cannot be float16, is refused', async (t) => {
    await withRuntime(t, async (runtime) => {
      for (const wrong of [70000, -65520, Number.NaN, Number.POSITIVE_INFINITY]) {
        const w = variable('decoder.0.weight', [2, 3], { role: 'parameter' });
        const weights = new Map([[w, Float32Array.of(1, 2, 3, 4, wrong, 6)]]);
        const message = new RegExp(`decoder.0.weight .* holds ${wrong} at element 4.*65504`);
        await t.throws('bad-data', () => giveWeights(runtime, weights, 'f16'), message);
      }
      const used = variable('used', [3], { role: 'parameter' });
      runtime.write(used, [1, 2, 3]);
      const again = new Map([[used, Float32Array.of(1, 2, 3)]]);
      await t.throws('bad-config', () => giveWeights(runtime, again, 'f16'), /float32 already/);
    });
    const half = variable('half', [4], { role: 'parameter' });
    keepAsHalf(half);
    await t.throws('bad-config', () => packParameters([half]), /'half' is kept as float16/);
    await t.throws(
      'shape-mismatch',
      () => o.assign(half, o.neg(half)),
      /neither bytes nor float16/,
    );
    const trained = variable('trained', [4], { role: 'parameter' });
    packParameters([trained]);
    await t.throws('bad-config', () => keepAsHalf(trained), /an optimizer trains it/);
    const counts = variable('counts', [4], { dtype: 'u32' });
    await t.throws('bad-config', () => keepAsHalf(counts), /not float32/);
  });
});
