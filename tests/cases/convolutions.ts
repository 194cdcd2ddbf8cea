/** Convolutions, their adjoints and the gradients of their weights, in every variant of their kernels. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, check, productAdapter, reals, tilingAdapters } from '../support/engine.ts';

type Pair = readonly [number, number];
interface Variant {
  readonly in: number;
  readonly out: number;
  readonly kernel: Pair;
  readonly image?: Pair;
  readonly options?: o.ConvolutionOptions;
}

/** Pixels in whole quads and not, more channels than before and fewer, every option and some together. */
const variants: readonly Variant[] = [
  { in: 2, out: 5, kernel: [3, 3] },
  { in: 8, out: 4, kernel: [3, 3] },
  { in: 6, out: 3, kernel: [3, 5] },
  { in: 4, out: 3, kernel: [1, 1] },
  { in: 3, out: 2, kernel: [2, 3] },
  { in: 4, out: 1, kernel: [3, 3] },
  { in: 4, out: 2, kernel: [3, 3], options: { stride: 2 } },
  { in: 4, out: 8, kernel: [4, 4], options: { stride: 2 } },
  { in: 1, out: 4, kernel: [5, 2], options: { stride: 3, padding: [2, 1] } },
  { in: 4, out: 2, kernel: [3, 3], options: { padding: 'valid' } },
  { in: 4, out: 4, kernel: [2, 3], options: { dilation: 2 } },
  { in: 4, out: 4, kernel: [3, 2], options: { dilation: 2, stride: 2, padding: 2 } },
  { in: 8, out: 12, kernel: [3, 3], options: { groups: 4 } },
  { in: 4, out: 4, kernel: [1, 3], image: [1, 16], options: { padding: [0, 1] } },
];

const nameOf = ({ in: from, out, kernel, options = {} }: Variant): string =>
  `${from} → ${out}, ${kernel.join('×')} ${JSON.stringify(options)}`;

/** A convolution by its definition. */
function convolved(
  x: Tensor,
  w: Tensor,
  y: Tensor,
  values: Values,
  variant: Variant,
): Float64Array {
  const { stride = 1, dilation = 1, groups = 1, padding = 'same' } = variant.options ?? {};
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const [out, own, rows, columns] = w.shape as [number, number, number, number];
  const [pixels, weight] = [values.get(x), values.get(w)] as [Float32Array, Float32Array];
  const [h, v] = y.shape.slice(1, 3) as [number, number];
  const before = (extent: number, k: number, places: number, axis: 0 | 1) => {
    if (padding === 'valid') return 0;
    if (padding !== 'same') return typeof padding === 'number' ? padding : padding[axis];
    return Math.floor(Math.max(0, (places - 1) * stride + (k - 1) * dilation + 1 - extent) / 2);
  };
  const [top, left] = [before(height, rows, h, 0), before(width, columns, v, 1)];
  return Float64Array.from({ length: y.size }, (_, at) => {
    const to = at % out;
    const j = Math.floor(at / out) % v;
    const i = Math.floor(at / (out * v)) % h;
    const b = Math.floor(at / (out * v * h));
    const first = Math.floor(to / (out / groups)) * own;
    let total = 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const [p, q] = [i * stride + r * dilation - top, j * stride + c * dilation - left];
        if (p < 0 || p >= height || q < 0 || q >= width) continue;
        for (let k = 0; k < own; k++) {
          const from = pixels[((b * height + p) * width + q) * channels + first + k] as number;
          total += from * (weight[((to * own + k) * rows + r) * columns + c] as number);
        }
      }
    }
    return total;
  });
}

type Values = Map<Tensor, Float32Array>;

const weighing = variable('weighing', [4096]);

/** A number whose gradient is not the same everywhere, and depends on what it is of. */
const scalarOf = (y: Tensor): Tensor =>
  o.sum(o.mul(o.reshape(o.square(y), [y.size]), o.slice(weighing, 0, 0, y.size)));

/** A variant's inputs with values, its result, and the gradients of a number made of that. */
function subject(variant: Variant, channels?: number, out?: number) {
  const { in: from, out: to, kernel, image = [5, 6], options = {} } = variant;
  const { groups = 1 } = options;
  const x = variable('x', [2, ...image, channels ?? from]);
  const w = variable('w', [out ?? to, (channels ?? from) / groups, ...kernel]);
  const values = new Map<Variable, Float32Array>([
    [x, reals('x', x.size, -1, 1)],
    [w, reals('w', w.size, -1, 1)],
    [weighing, reals('weighing', weighing.size)],
  ]);
  return { x, w, values, options };
}

concurrentCases('convolutions', (c) => {
  c('are what their definition says, in float64', (t) => {
    for (const variant of variants) {
      const { x, w, values, options } = subject(variant);
      const y = o.conv2d(x, w, options);
      const [direct] = o.evaluate([y], values);
      const expected = convolved(x, w, y, values, variant);
      t.close(direct?.data ?? [], expected, { absolute: 1e-12 }, nameOf(variant));
      // The adjoint: ⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩.
      const g = variable('g', y.shape);
      const given = new Map<Tensor, Float32Array>([...values, [g, reals('g', g.size)]]);
      const { stride = 1, dilation = 1, groups = 1, padding = 'same' } = options;
      const back = o.convTranspose2d(g, w, {
        ...{ stride, dilation, groups, padding },
        extents: x.shape.slice(1, 3) as [number, number],
      });
      const [forth, and] = o.evaluate([o.sum(o.mul(y, g)), o.sum(o.mul(x, back))], given);
      t.close(and?.data ?? [], forth?.data ?? [], { absolute: 1e-10 }, nameOf(variant));
    }
  });

  for (const name of adapterNames) {
    c(`and their gradients agree with float64, as on a ${name} adapter`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, Float32Array>();
      // Kernels that meet at barriers take long to compile where there is no GPU: fewer of them.
      const some = variants.filter(({ out }) => name === 'software' || out === 8 || out === 12);
      for (const [i, variant] of some.entries()) {
        const { x, w, values: own, options } = subject(variant);
        const y = o.conv2d(x, w, options);
        const [dx, dw] = o.gradient(scalarOf(y), [x, w]) as [Tensor, Tensor];
        Object.assign(outputs, { [`${i} y`]: o.relu(y), [`${i} dx`]: dx, [`${i} dw`]: dw });
        for (const [v, numbers] of own) values.set(v, numbers);
      }
      await check(t, { outputs }, values, { adapter: tilingAdapters[name] });
    });
  }

  c('go back, with gradients, to as many pixels as they are told', async (t) => {
    for (const [variant, extents] of [
      [{ in: 4, out: 3, kernel: [3, 3], options: { stride: 2 } }, undefined],
      [{ in: 8, out: 4, kernel: [4, 4], options: { stride: 2, padding: 1 } }, undefined],
      [{ in: 4, out: 2, kernel: [3, 2], options: { stride: 2, padding: 'valid' } }, [12, 12]],
      [{ in: 2, out: 5, kernel: [3, 3], options: { stride: 3 } }, [13, 16]],
    ] as const) {
      const { x, w, values, options } = subject({ ...variant, in: variant.out, out: variant.in });
      const y = variable('y', [2, 5, 6, variant.in]);
      const back = o.convTranspose2d(y, w, { ...options, ...(extents && { extents }) });
      const [dy, dw] = o.gradient(scalarOf(back), [y, w]) as [Tensor, Tensor];
      values.delete(x);
      values.set(y, reals('y', y.size, -1, 1));
      await check(t, { outputs: { back, dy, dw } }, values);
    }
  });

  c('have gradients of gradients', async (t) => {
    for (const variant of [variants[1], variants[6]] as Variant[]) {
      const { x, w, values, options } = subject(variant);
      const y = o.conv2d(x, w, options);
      const [dx, dw] = o.gradient(scalarOf(y), [x, w]) as [Tensor, Tensor];
      const both = o.add(o.sum(o.square(dx)), o.sum(o.square(dw)));
      const [x2, w2] = o.gradient(both, [x, w]) as [Tensor, Tensor];
      await check(t, { outputs: { x2, w2 } }, values);
    }
  });

  c('give the same by every kernel there is for them', async (t) => {
    const { x, w, values } = subject({ in: 8, out: 20, kernel: [3, 3], image: [5, 6] });
    const form = { stride: 2, padding: 1 } as const;
    const y = o.conv2d(x, w, form);
    const [dx, dw] = o.gradient(o.sum(o.square(y)), [x, w]) as [Tensor, Tensor];
    const outputs = { y, dx, dw };
    for (const isSoftware of [true, false]) {
      const adapter = productAdapter(t.device, isSoftware);
      const { kernels } = await check(t, { outputs }, values, { adapter });
      const keys = kernels.flatMap(({ choice }) =>
        choice?.key.startsWith('product') ? choice : [],
      );
      t.ok(keys.filter(({ key }) => /product [NT]?W/.test(key)).length >= 3, 'products of windows');
      for (const variant of isSoftware
        ? ['register-8x8', 'subgroup-8x4']
        : ['tiled-32x32', 'register-wide-4x4']) {
        const tuned = Object.fromEntries(keys.map(({ key }) => [key, variant]));
        await check(t, { outputs }, values, { adapter: { ...adapter, tuned } });
      }
    }
  });

  c('hold no windows in memory, and compute what follows in the same kernel', async (t) => {
    const x = variable('x', [4, 14, 14, 16]);
    const w = variable('w', [32, 16, 3, 3]);
    const bias = variable('bias', [32]);
    const y = o.conv2d(x, w);
    const rows = o.relu(o.add(o.reshape(y, [-1, 32]), bias));
    const values = new Map(
      [x, w, bias].map((v): [Variable, Float32Array] => [v, reals(v.name, v.size, -1, 1)]),
    );
    const { memory, kernels } = await check(t, { outputs: { rows } }, values);
    t.ok(kernels.length <= 2, `${kernels.length} kernels`);
    const bytes = 4 * (y.size + w.size);
    t.ok(memory.boundBytes <= bytes + 1024, `${memory.boundBytes} bytes`);
  });

  c('refuse what does not fit, in a line', async (t) => {
    const x = variable('x', [1, 4, 4, 6]);
    const w = (...shape: number[]) => variable('w', shape);
    await t.throws('shape-mismatch', () => o.conv2d(x, w(2, 5, 3, 3)), /not images .* weights/);
    await t.throws(
      'bad-config',
      () => o.conv2d(x, w(3, 3, 3, 3), { groups: 2 }),
      /3 channels cannot be cut into 2 groups/,
    );
    await t.throws(
      'bad-config',
      () => o.conv2d(x, w(2, 6, 5, 5), { padding: 'valid' }),
      /5×5 does not fit .* 4×4/,
    );
    await t.throws('bad-config', () => o.conv2d(x, w(2, 6, 3, 3), { padding: -1 }), /at least 0/);
    await t.throws(
      'bad-config',
      () => o.convTranspose2d(x, w(6, 2, 3, 3), { stride: 2, extents: [20, 8] }),
      /do not come from 20×8/,
    );
  });
});
