/**
 * Every bijection from one table: its inverse undoes it, its log-determinants are those of its
 * Jacobian, its gradients are those of float64, with parameters far from their start.
 */

import {
  ActNorm,
  Autoregressive,
  additive,
  affine,
  BatchNorm,
  type Bijection,
  CausalConvolution,
  Chain,
  type ConditionerFactory,
  Coupling,
  certify,
  DiagonalBase,
  emergingConvolution,
  eventSize,
  Flow,
  Inverted,
  Logit,
  LuLinear,
  MixtureBase,
  MultiScale,
  negativeLogLikelihood,
  Permutation,
  QrLinear,
  Squeeze,
  spline,
} from '../../src/flows/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { topological } from '../../src/graph/traverse.ts';
import { isVariable, type Variable, variable } from '../../src/graph/variable.ts';
import { ConvNet, MLP } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { evaluate } from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/runtime.ts';
import { cases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

const mlp: ConditionerFactory = (from, to) => {
  const [inputs, outputs] = [eventSize(from), eventSize(to)];
  const net = new MLP([inputs, 16, outputs], 'tanh');
  const call = net.call.bind(net);
  // Images are flattened for the net.
  net.call = (x) => {
    const batch = x.shape[0] as number;
    return o.reshape(call(o.reshape(x, [batch, inputs])), [batch, ...to]);
  };
  return net;
};

interface Entry {
  readonly make: () => Bijection;
  readonly context?: number;
}

const coupling = (
  shape: number[],
  options: Partial<ConstructorParameters<typeof Coupling>[0]> = {},
): Bijection => new Coupling({ shape, transformer: affine(), net: mlp, ...options });

const convNet: ConditionerFactory = (from, to) =>
  new ConvNet(from.at(-1) as number, to.at(-1) as number, { hidden: [6], activation: 'tanh' });

/** Steps of Glow on images, as far as its parts are concerned. */
const glowStep = (shape: number[], seed: number): Bijection =>
  new Chain([
    coupling(shape, { net: convNet, transformer: affine('sigmoid') }),
    new LuLinear(shape, seed),
    new ActNorm(shape),
  ]);

const maf = (
  features: number,
  options: Partial<ConstructorParameters<typeof Autoregressive>[0]> = {},
) =>
  new Autoregressive({
    features,
    hidden: [24],
    transformer: affine(),
    activation: 'tanh',
    ...options,
  });

const table: Record<string, Entry> = {
  'actnorm on vectors': { make: () => new ActNorm([5]) },
  'batchnorm on vectors': { make: () => new BatchNorm([4]) },
  'batchnorm on images': { make: () => new BatchNorm([3, 2, 3]) },
  'actnorm on images': { make: () => new ActNorm([2, 3, 4]) },
  reversal: { make: () => Permutation.reversal([7]) },
  'random permutation of channels': { make: () => Permutation.random([2, 2, 5], 3) },
  'LU, one feature': { make: () => new LuLinear([1], 1) },
  'LU, odd': { make: () => new LuLinear([7], 2) },
  'LU as 1×1 convolution': { make: () => new LuLinear([3, 2, 4], 3) },
  'QR, all reflections': { make: () => new QrLinear([6], { seed: 4 }) },
  'QR, two reflections': { make: () => new QrLinear([5], { reflections: 2, seed: 5 }) },
  'QR as 1×1 convolution': { make: () => new QrLinear([2, 2, 3], { seed: 6 }) },
  'half coupling': { make: () => coupling([6]) },
  'half coupling, odd, flipped': { make: () => coupling([7], { flip: true }) },
  'half coupling, sigmoid scale': { make: () => coupling([5], { transformer: affine('sigmoid') }) },
  'additive coupling': { make: () => coupling([4], { transformer: additive }) },
  'alternating coupling': { make: () => coupling([7], { mask: 'alternating' }) },
  'alternating coupling, flipped': {
    make: () => coupling([6], { mask: 'alternating', flip: true }),
  },
  'channel coupling': { make: () => coupling([2, 3, 4]) },
  'channel coupling, odd': { make: () => coupling([2, 2, 3], { flip: true }) },
  'checkerboard coupling': { make: () => coupling([3, 4, 1], { mask: 'checkerboard' }) },
  'checkerboard coupling, flipped': {
    make: () => coupling([3, 3, 2], { mask: 'checkerboard', flip: true }),
  },
  'additive checkerboard coupling': {
    make: () => coupling([2, 3, 2], { mask: 'checkerboard', transformer: additive }),
  },
  'conditional coupling': { make: () => coupling([5], { context: 3 }), context: 3 },
  'conditional channel coupling': { make: () => coupling([2, 2, 2], { context: 2 }), context: 2 },
  MAF: { make: () => maf(6) },
  'MAF, one feature': { make: () => maf(1) },
  'MAF, reversed order': { make: () => maf(5, { order: [4, 3, 2, 1, 0] }) },
  'MAF, two hidden layers, additive': {
    make: () => maf(4, { hidden: [9, 11], transformer: additive }),
  },
  'conditional MAF': { make: () => maf(4, { context: 2 }), context: 2 },
  IAF: { make: () => new Inverted(maf(5)) },
  'inverted coupling': { make: () => new Inverted(coupling([5])) },
  'couplings with permutations': {
    make: () =>
      new Chain([
        coupling([6]),
        Permutation.random([6], 1),
        coupling([6], { flip: true }),
        new ActNorm([6]),
      ]),
  },
  'LU between couplings': {
    make: () => new Chain([new LuLinear([5], 8), coupling([5]), new LuLinear([5], 9)]),
  },
  'a step of Glow, channels mixed': {
    make: () =>
      new Chain([coupling([2, 2, 4]), new LuLinear([2, 2, 4], 7), new ActNorm([2, 2, 4])]),
  },
  'MAF, reversal, MAF': {
    make: () => new Chain([maf(4), Permutation.reversal([4]), maf(4)]),
  },
  'IAF after MAF': { make: () => new Chain([maf(3), new Inverted(maf(3))]) },
  'causal convolution': { make: () => new CausalConvolution([4, 3, 2]) },
  'causal convolution, reversed': {
    make: () => new CausalConvolution([3, 4, 2], { reversed: true }),
  },
  'causal convolution, 5×5, one channel': {
    make: () => new CausalConvolution([5, 4, 1], { kernel: 5 }),
  },
  'emerging convolution': { make: () => emergingConvolution([3, 3, 3]) },
  squeeze: { make: () => new Squeeze([4, 2, 3]) },
  logit: { make: () => new Logit([5], 0.05) },
  'spline coupling': { make: () => coupling([5], { transformer: spline({ bins: 4 }) }) },
  'spline coupling, alternating': {
    make: () => coupling([4], { transformer: spline({ bins: 3, bound: 1 }), mask: 'alternating' }),
  },
  'MAF of splines': { make: () => maf(3, { transformer: spline({ bins: 3 }) }) },
  'convolutional coupling': { make: () => coupling([4, 3, 2], { net: convNet }) },
  'convolutional checkerboard coupling': {
    make: () => coupling([3, 4, 1], { net: convNet, mask: 'checkerboard' }),
  },
  'one level': {
    make: () => new Chain([glowStep([2, 2, 4], 1), new Squeeze([4, 4, 1])]),
  },
  'two levels': {
    make: () =>
      new MultiScale([
        {
          steps: new Chain([glowStep([2, 2, 4], 1), new Squeeze([4, 4, 1])]),
          prior: coupling([2, 2, 4], { net: convNet }),
        },
        { steps: new Chain([glowStep([1, 1, 8], 2), new Squeeze([2, 2, 2])]) },
      ]),
  },
  'inverted chain': { make: () => new Inverted(new Chain([coupling([4]), new QrLinear([4])])) },
};

/** Moves every parameter away from its start. */
function disturbed(bijection: Bijection): Map<Variable, Float32Array> {
  return new Map(
    bijection.parameters().map((p) => {
      const start = p.init?.(p.shape, () => 0.5) ?? [];
      const by = reals(`${p.name}${p.shape}`, p.size, -0.3, 0.3);
      return [p, by.map((x, i) => x + Number(start[i] ?? 0))];
    }),
  );
}

function disturb(runtime: Runtime, bijection: Bijection): void {
  for (const [parameter, values] of disturbed(bijection)) runtime.write(parameter, values);
}

cases('flows', (c) => {
  for (const [name, { make, context = 0 }] of Object.entries(table)) {
    c(`${name}: inverse and log-determinants`, async (t) => {
      await withRuntime(t, async (runtime) => {
        const bijection = make();
        disturb(runtime, bijection);
        const points = 3;
        const z = reals(`z ${name}`, points * eventSize(bijection.shape));
        const given = context > 0 ? reals(`context ${name}`, points * context) : undefined;
        const found = await certify(runtime, bijection, z, given);
        const isStack = bijection instanceof Chain || bijection instanceof Inverted;
        const allowed = isStack ? 1e-3 : 1e-4;
        for (const [what, error] of Object.entries(found)) {
          if (what === 'points') continue;
          t.ok(error <= allowed, `${what} is ${error}, more than ${allowed}`);
        }
      });
    });
  }

  c('have the gradients of float64', async (t) => {
    for (const name of [
      'LU, odd',
      'QR, two reflections',
      'half coupling',
      'MAF',
      'actnorm on images',
      'causal convolution',
    ]) {
      const bijection = (table[name] as Entry).make();
      const flow = new Flow(bijection);
      const x = variable('x', [4, ...bijection.dataShape]);
      const loss = negativeLogLikelihood(flow, x);
      const parameters = bijection.parameters();
      const gradients = o.gradient(loss, [...parameters, x]);
      const values = new Map<Tensor, ArrayLike<number>>([
        [x, reals('data', x.size)],
        ...disturbed(bijection),
      ]);
      for (const node of topological([loss, ...gradients])) {
        if (!isVariable(node) || !node.init || values.has(node)) continue;
        values.set(
          node,
          node.init(node.shape, () => 0.5),
        );
      }
      const expected = evaluate([loss, ...gradients], values);
      await withRuntime(t, async (runtime) => {
        const outputs = Object.fromEntries([loss, ...gradients].map((g, i) => [`g${i}`, g]));
        const plan = await runtime.compile({ outputs });
        for (const [v, data] of values) runtime.write(v as Variable, data as Float32Array);
        await plan.run();
        for (let i = 0; i < expected.length; i++) {
          const got = await plan.read(`g${i}`);
          const want = expected[i]?.data as Float64Array;
          const scale = want.reduce((most, y) => Math.max(most, Math.abs(y)), 1);
          t.close(got, want, { absolute: 2e-5 * scale }, `${name}, gradient ${i}`);
        }
      });
    }
  });

  c('in the plane have a density that sums to one, whatever their base', async (t) => {
    const bases = {
      standard: undefined,
      diagonal: new DiagonalBase(2),
      mixture: new MixtureBase(2, 3),
    };
    // A grid over ±8, far beyond where these densities have any mass.
    const side = 320;
    const step = 16 / side;
    const at = (i: number) => -8 + (i + 0.5) * step;
    const points = Float32Array.from({ length: 2 * side * side }, (_, i) =>
      at(i % 2 === 0 ? Math.floor(i / 2) % side : Math.floor(i / 2 / side)),
    );
    const x = variable('x', [side * side, 2]);
    await withRuntime(t, async (runtime) => {
      for (const [name, base] of Object.entries(bases)) {
        const net: ConditionerFactory = (from, to) => new MLP([...from, 8, ...to], 'tanh');
        const halves = [false, true].map((flip) => coupling([2], { flip, net }));
        const flow = new Flow(new Chain([...halves, new LuLinear([2], 3)]), base);
        const plan = await runtime.compile({ outputs: { logProb: flow.logProb(x) } });
        runtime.write(x, points);
        await plan.run();
        const logProb = (await plan.read('logProb')) as Float32Array;
        const total = logProb.reduce((sum, y) => sum + Math.exp(y), 0) * step * step;
        t.close(total, 1, { absolute: 1e-3 }, name);
        plan.destroy();
      }
    });
  });

  c('give draws the density they say', async (t) => {
    const flow = new Flow(new Chain([coupling([3]), new LuLinear([3], 2)]), new MixtureBase(3, 2));
    const { value, logProb } = flow.rsampleWithLogProb(50);
    await withRuntime(t, async (runtime) => {
      disturb(runtime, flow.bijection);
      const plan = await runtime.compile({
        outputs: { logProb, again: flow.logProb(o.stopGradient(value)) },
      });
      await plan.run();
      t.close(await plan.read('logProb'), await plan.read('again'), { absolute: 1e-4 });
    });
  });

  c(
    'start from data once: every channel of every ActNorm has mean 0 and deviation 1',
    async (t) => {
      const norms = [new ActNorm([4]), new ActNorm([4])];
      const [first, second] = norms as [ActNorm, ActNorm];
      const flow = new Flow(new Chain([first, new LuLinear([4], 5), coupling([4]), second]));
      const x = variable('x', [64, 4]);
      const values = reals('start', x.size, -1, 5);
      await withRuntime(t, async (runtime) => {
        runtime.write(x, values);
        const start = await runtime.compile({ effects: flow.start(x) });
        await start.run();
        const after = second.inverse(x).value;
        const plan = await runtime.compile({
          outputs: {
            second: o.mean(after, [0]),
            spread: o.variance(after, [0]),
            first: o.mean(flow.bijection.inverse(x).value, [0]),
          },
        });
        await plan.run();
        t.close(await plan.read('second'), [0, 0, 0, 0], { absolute: 1e-5 });
        t.close(await plan.read('spread'), [1, 1, 1, 1], { absolute: 1e-4 });
        t.close(await plan.read('first'), [0, 0, 0, 0], { absolute: 1e-4 });
        const before = await runtime.read(second.shift);
        // Other data: what has been started is left alone.
        runtime.write(
          x,
          values.map((y) => 2 * y - 1),
        );
        await start.run();
        t.equal(await runtime.read(second.shift), before);
      });
    },
  );

  c(
    'keep the statistics of batches: in training those of the batch, else their average',
    async (t) => {
      const norm = new BatchNorm([2], 0.5);
      const x = variable('x', [8, 2]);
      const values = reals('batch', 16, -3, 1);
      await withRuntime(t, async (runtime) => {
        runtime.write(x, values);
        const { value, effects } = norm.learn(x);
        const plan = await runtime.compile({ outputs: { mean: o.mean(value, [0]) }, effects });
        await plan.run();
        t.close(await plan.read('mean'), [0, 0], { absolute: 1e-5 });
        const mean = [0, 1].map(
          (c) => values.reduce((sum, y, i) => sum + (i % 2 === c ? y : 0), 0) / 8,
        );
        t.close(
          await runtime.read(norm.mean),
          mean.map((m) => m / 2),
          { absolute: 1e-6 },
        );
      });
    },
  );

  c('name what cannot be', async (t) => {
    const net: ConditionerFactory = (from, to) => new MLP([...from, 4, ...to]);
    const transformer = affine();
    const make = (shape: number[], mask?: 'checkerboard') => () =>
      new Coupling({ shape, transformer, net, ...(mask && { mask }) });
    await t.throws('bad-config', make([1]), /transforms nothing of an event \[1\]/);
    await t.throws('bad-config', make([4], 'checkerboard'), /takes images/);
    await t.throws('bad-config', make([1, 1, 3], 'checkerboard'), /transforms nothing/);
    const chain = () => new Chain([new ActNorm([3]), new ActNorm([4])]);
    await t.throws('bad-config', chain, /part 0 gives \[3\] and part 1 takes \[4\]/);
    const singular = () => new LuLinear([2], Float64Array.of(1, 2, 2, 4));
    await t.throws('bad-config', singular, /singular \(pivot 1 is 0\)/);
    await t.throws('bad-config', () => new QrLinear([3], { reflections: 4 }), /1 to 3/);
    await t.throws('bad-config', () => new Squeeze([3, 4, 1]), /must be even/);
    await t.throws('bad-config', () => new Logit([3], 0.5), /alpha is 0.5/);
    await t.throws('bad-config', () => spline({ bins: 1 }), /2 to 64 bins/);
    await t.throws('bad-config', () => new Permutation([3], [0, 0, 1]), /once/);
    await t.throws(
      'shape-mismatch',
      () => new ActNorm([3]).inverse(variable('x', [5, 4])),
      /\[3\]/,
    );
    const conditional = new Coupling({ shape: [4], transformer, net, context: 2 });
    await t.throws(
      'shape-mismatch',
      () => conditional.inverse(variable('x', [5, 4])),
      /context \[5, 2\]/,
    );
  });
});
