/** Random numbers: bit for bit those of the reference, well distributed, and never twice the same. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { Runtime } from '../../src/scheduler/run/runtime.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, compare, reals, withRuntime } from '../support/engine.ts';

const shapes = [[], [1], [5], [4, 8], [3, 7], [9, 1], [1, 6], [2, 3, 5], [3, 1, 4], [2, 3, 1]];

/** Of those whose numbers are made of one word each, as uniform ones are: which word it is, is known from them. */
const few = [[5], [4, 8], [3, 7], [2, 3, 5]];

/** Φ, the standard normal distribution function (Abramowitz and Stegun 26.2.17, 7.5e-8). */
function normalCdf(x: number): number {
  const k = 1 / (1 + 0.2316419 * Math.abs(x));
  const series = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.31938153];
  const tail = series.reduce((sum, b) => (sum + b) * k, 0) * Math.exp((-x * x) / 2) * 0.3989422804;
  return x > 0 ? 1 - tail : tail;
}

/** The Kolmogorov-Smirnov distance from a distribution function, times √n: above 1.95 once in 1000. */
function distance(sample: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  const n = sorted.length;
  let worst = 0;
  sorted.forEach((x, i) => {
    const p = cdf(x);
    worst = Math.max(worst, Math.abs(p - i / n), Math.abs(p - (i + 1) / n));
  });
  return worst * Math.sqrt(n);
}

/** Runs a program's steps one by one and collects an output. */
async function collect(
  runtime: Runtime,
  outputs: Record<string, Tensor>,
  steps: number,
): Promise<number[][]> {
  const effects = [o.assign(o.step, o.addUint(o.step, 1))];
  const plan = await runtime.compile({ outputs, effects });
  const name = Object.keys(outputs)[0] as string;
  const result: number[][] = [];
  for (let step = 0; step < steps; step++) {
    await plan.run();
    result.push([...(await plan.read(name))]);
  }
  return result;
}

concurrentCases('random numbers', (c) => {
  for (const name of adapterNames) {
    const adapter = adapters[name];

    c(`are those of the reference, ${name}`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      for (const shape of shapes) {
        outputs[`uniform [${shape}]`] = o.randomUniform(shape);
        outputs[`normal [${shape}]`] = o.randomNormal(shape);
      }
      for (const shape of few) {
        outputs[`gumbel [${shape}]`] = o.randomGumbel(shape);
        outputs[`logistic [${shape}]`] = o.randomLogistic(shape);
      }
      outputs.own = o.randomNormal([6], { stream: 3 });
      outputs.many = o.randomUniform([67, 33]);
      const values = new Map<Variable, ArrayLike<number>>([
        [o.seed, [0x89abcdef, 0xfedcba98]],
        [o.step, [12345]],
      ]);
      await check(t, { outputs }, values, { adapter });
    });

    c(`are those of the reference inside other kernels, ${name}`, async (t) => {
      const [batch, width] = [6, 10];
      const mean = variable('mean', [batch, width]);
      const table = variable('table', [20, 1]);
      const wide = variable('wide', [20, width]);
      const w = variable('w', [width, 3]);
      const column = variable('column', [batch, 1]);
      const noise = o.randomNormal([batch, width]);
      const z = o.reparameterize(mean, o.mul(0.1, mean), noise);
      const index = o.modUint(o.mulUint(o.iota(batch), 7), 20);
      const outputs = {
        z,
        density: o.sum(o.normalLogProb(z, mean, o.mul(0.1, mean)), 1),
        columns: o.sum(o.mul(z, o.randomUniform([batch, width])), 0),
        total: o.logSumExp(o.randomNormal([batch, 1])),
        epilogue: o.add(o.matmul(mean, w), o.randomNormal([batch, 3])),
        thin: o.add(o.matmul(mean, o.slice(w, 1, 0, 1)), o.randomNormal([batch, 1])),
        gathered: o.less(o.randomUniform([batch, 1]), o.gather(table, index)),
        rows: o.less(o.randomUniform([batch, width]), o.gather(wide, index)),
        broadcast: o.mul(o.randomNormal([batch, 1]), o.add(mean, column)),
        winner: o.max(o.add(mean, o.randomGumbel([batch, width])), 1),
        gates: o.sigmoid(o.add(mean, o.randomLogistic([batch, width]))),
        turned: o.add(o.transpose(o.randomNormal([width, batch])), mean),
      };
      const values = new Map(
        [mean, table, wide, w, column].map((v) => [v, reals(v.name, v.size)] as const),
      );
      await check(t, { outputs }, values, { adapter });
    });
  }

  c('repeat with the seed, and differ by seed, stream and step', async (t) => {
    const shape = [1000];
    const draws = () => ({ a: o.randomUniform(shape), b: o.randomUniform(shape) });
    const read = (words: number[], at: number) =>
      withRuntime(t, async (runtime) => {
        const plan = await runtime.compile({ outputs: draws() });
        runtime.write(o.seed, words);
        runtime.write(o.step, [at]);
        await plan.run();
        return Promise.all([plan.read('a'), plan.read('b')]);
      });
    const first = await read([1, 2], 7);
    t.equal(await read([1, 2], 7), first, 'the same seed');
    const others = await Promise.all([read([2, 2], 7), read([1, 3], 7), read([1, 2], 8)]);
    const all = [...first, ...others.flat()].map((x) => new Set(x));
    all.forEach((x, i) => {
      t.ok(x.size > 990, `draw ${i} repeats itself`);
      all.slice(0, i).forEach((y, k) => {
        // 2⁻²³ · 10⁶ pairs: an accidental meeting is rare, a common stream is not.
        const common = [...x].filter((value) => y.has(value)).length;
        t.ok(common < 5, `draws ${k} and ${i} have ${common} numbers in common`);
      });
    });
  });

  c('go by the seed of their runtime until another is written', async (t) => {
    const draw = async (own: number, written?: number[]) => {
      const runtime = new Runtime(t.device, { seed: own });
      try {
        const plan = await runtime.compile({ outputs: { x: o.randomUniform([8]) } });
        if (written) runtime.write(o.seed, written);
        await plan.run();
        return [...(await plan.read('x'))];
      } finally {
        runtime.destroy();
      }
    };
    const first = await draw(2 ** 32 + 5);
    t.equal(await draw(0, [5, 1]), first, 'the words of a seed');
    t.equal(await draw(2 ** 32 + 5), first, 'the same seed');
    t.ok(
      (await draw(5)).every((x, i) => x !== first[i]),
      'another seed',
    );
  });

  c('follow their distributions', async (t) => {
    const n = 65536;
    const p = variable('p', []);
    const outputs = {
      uniform: o.randomUniform([n]),
      normal: o.randomNormal([256, n / 256]),
      gumbel: o.randomGumbel([n]),
      logistic: o.randomLogistic([n]),
      coins: o.randomBernoulli(o.expand(p, [n])),
    };
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs });
      runtime.write(o.seed, [2024, 7]);
      runtime.write(p, [0.3]);
      await plan.run();
      const [uniform, normal, coins, gumbel, logistic] = await Promise.all(
        ['uniform', 'normal', 'coins', 'gumbel', 'logistic'].map((name) => plan.read(name)),
      );
      const [u, z] = [uniform as Float32Array, normal as Float32Array];
      t.ok(Math.min(...u) > 0 && Math.max(...u) < 1, 'a uniform draw is 0 or 1');
      t.ok(distance(u, (x) => x) < 1.95, 'uniforms are not uniform');
      t.ok(distance(z, normalCdf) < 1.95, 'normals are not normal');
      const gumbelCdf = (x: number) => Math.exp(-Math.exp(-x));
      t.ok(distance(gumbel as Float32Array, gumbelCdf) < 1.95, 'Gumbel draws are not Gumbel');
      const logisticCdf = (x: number) => 1 / (1 + Math.exp(-x));
      t.ok(
        distance(logistic as Float32Array, logisticCdf) < 1.95,
        'logistic draws are not logistic',
      );
      // Standard errors of the moments of n draws, five of them.
      const moment = (k: number) => z.reduce((sum, x) => sum + x ** k, 0) / n;
      [0, 1, 0, 3].forEach((expected, k) => {
        const variance = [1, 2, 15, 96][k] as number;
        t.close(
          moment(k + 1),
          expected,
          { absolute: 5 * Math.sqrt(variance / n) },
          `moment ${k + 1}`,
        );
      });
      // Neighbours in a quad come from one pair of words each: they must not know of each other.
      for (const lag of [1, 2, 4, 256]) {
        const product = z.slice(lag).reduce((sum, x, i) => sum + x * (z[i] as number), 0) / n;
        t.close(product, 0, { absolute: 5 / Math.sqrt(n) }, `correlation at lag ${lag}`);
      }
      const heads = (coins as Float32Array).reduce((a, b) => a + b, 0) / n;
      t.close(heads, 0.3, { absolute: 5 * Math.sqrt(0.21 / n) }, 'share of ones');
    });
  });

  c('permute no fewer elements than one', async (t) => {
    const key = [o.constant(1, 'u32'), o.constant(2, 'u32')] as const;
    for (const n of [0, 2.5, 2 ** 31, Number.NaN]) {
      await t.throws('bad-input', () => o.permutation(o.iota(3), n, key), /^permutation: of /);
    }
  });

  c('put a data set in a new order every epoch', async (t) => {
    const words = [0, 1].map((i) => o.reshape(o.slice(o.seed, 0, i, i + 1), [])) as [
      Tensor,
      Tensor,
    ];
    const order = (count: number, batch: number, steps: number) =>
      withRuntime(t, async (runtime) => {
        runtime.write(o.seed, [5, 6]);
        runtime.write(o.step, [0]);
        return collect(runtime, { index: o.batchIndices(count, batch, words) }, steps);
      });
    const epochs = async (count: number, batch: number, n: number) => {
      const batches = Math.max(1, Math.floor(count / batch));
      const drawn = await order(count, batch, n * batches);
      return Array.from({ length: n }, (_, e) =>
        drawn.slice(e * batches, (e + 1) * batches).flat(),
      );
    };
    const exact = await epochs(24, 6, 5);
    for (const epoch of exact) {
      t.equal(
        epoch.slice().sort((a, b) => a - b),
        Array.from({ length: 24 }, (_, i) => i),
        'rows',
      );
    }
    t.equal(new Set(exact.map((epoch) => epoch.join())).size, 5, 'different orders');
    // What is left over after whole batches waits for the next epoch.
    for (const epoch of await epochs(23, 5, 4)) {
      t.equal(new Set(epoch).size, 20, 'different rows in an epoch');
      t.ok(Math.max(...epoch) < 23, 'a row that does not exist');
    }
    // A batch larger than the data holds everything, and some rows again.
    for (const [batch] of [await epochs(5, 12, 1), await epochs(5, 5, 1)]) {
      t.equal(new Set(batch).size, 5, 'rows in a large batch');
    }
    const large = await epochs(70_001, 35_000, 1);
    t.equal(new Set(large[0]).size, 70_000, 'rows of a large set');
    const expected = new Map<Variable, ArrayLike<number>>([
      [o.seed, [5, 0xffffffff]],
      [o.step, [1000]],
    ]);
    const outputs = { odd: o.batchIndices(1009, 67, words), all: o.batchIndices(300, 300, words) };
    await check(t, { outputs }, expected);
  });

  c('advance with the step counter inside one run', async (t) => {
    await withRuntime(t, async (runtime) => {
      const outputs = { noise: o.randomNormal([7]) };
      const effects = [o.assign(o.step, o.addUint(o.step, 1))];
      const plan = await runtime.compile({ outputs, effects });
      await plan.run(5);
      const program = { outputs };
      await compare(runtime, plan, program, new Map([[o.step, [4]]]));
      t.equal([...(await runtime.read(o.step))], [5], 'the step counter');
    });
  });
});
