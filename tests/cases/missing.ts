/** Missing values: bounds over what is seen, what is imputed against the Gaussian's conditional. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import { Bernoulli, Categorical, Normal, StudentT } from '../../src/distributions/index.ts';
import { variable } from '../../src/graph/variable.ts';
import { Feed } from '../../src/models/ask/feed.ts';
import { impute } from '../../src/models/ask/impute.ts';
import { meanField } from '../../src/models/ask/mean-field.ts';
import type { RowSource } from '../../src/models/ask/rows.ts';
import { scoreRows } from '../../src/models/ask/score.ts';
import { addUint, assign, gradient, step, sum } from '../../src/ops/index.ts';
import { batchesOf } from '../../src/training/batches.ts';
import { rowSourceOf } from '../../src/training/binarize.ts';
import { cases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { ExactModel } from '../support/linear-gaussian.ts';
import { outputsOf, referenceOf } from '../support/run.ts';
import { exactly, toy, toyData, toyVae, vaeOf } from '../support/toys.ts';

const D = toy.bias.length;
/** Some of the six features of three rows. */
const MASK = [
  [1, 1, 1, 0, 0, 1],
  [0, 1, 0, 1, 1, 0],
  [1, 1, 1, 1, 1, 1],
];

/** Rows with zeros where the mask says so. */
function holed(x: Float32Array, mask: readonly (readonly number[])[]): ImageDataset {
  const flat = Uint8Array.from(mask.flat());
  const data = x.slice(0, flat.length).map((value, i) => (flat[i] ? value : 0));
  return { name: 'holes', source: 'here', count: mask.length, shape: [D], data, mask: flat };
}

/** The toy of the features that are seen. */
function ofSeen(seen: readonly number[]): ExactModel {
  const at = seen.flatMap((s, d) => (s ? [d] : []));
  const { latent: M, weight, bias } = toy;
  return new ExactModel({
    ...toy,
    weight: at.flatMap((d) => Array.from({ length: M }, (_, j) => weight[d * M + j] as number)),
    bias: at.map((d) => bias[d] as number),
  });
}

cases('missing values', (c) => {
  c(
    'a density sums over what is seen, whatever the rest holds, and so does its gradient',
    async (t) => {
      const [rows, width] = [4, 5];
      const x = variable('x', [rows, width]);
      const mask = variable('mask', [rows, width]);
      const a = variable('a', [rows, width]);
      const b = variable('b', [rows, width]);
      const logits = variable('logits', [rows, width, 3]);
      const freedom = variable('freedom', [width]);
      const seen = Float32Array.from({ length: rows * width }, (_, i) => Number(i % 3 !== 0));
      const known = reals('x', rows * width, 0, 1);
      const values = new Map([
        [x, known],
        [mask, seen],
        [a, reals('a', rows * width)],
        [b, reals('b', rows * width, -1, 1)],
        [logits, reals('logits', logits.size)],
        [freedom, reals('freedom', width, 3, 9)],
      ]);
      const made = {
        normal: new Normal(a, b).logProb(x, mask),
        bernoulli: new Bernoulli(a).logProb(x, mask),
        categorical: new Categorical(logits).logProb(x, mask),
        student: new StudentT(a, b, freedom).logProb(x, mask),
      };
      const [slope] = gradient(sum(made.normal), [a]);
      const outputs = { ...made, slope: slope as typeof x };
      await check(t, { outputs }, values);
      const before: Record<string, Float64Array> = referenceOf(outputs, values);
      // What is missing may be anything, even what no density takes.
      const wild = known.map((value, i) => (seen[i] ? value : 1e30));
      const strange = new Map([...values, [x, wild]]);
      const after: Record<string, Float64Array> = referenceOf(outputs, strange);
      const got: Record<string, Float32Array> = await outputsOf(t, outputs, strange);
      const tame: Record<string, Float32Array> = await outputsOf(t, outputs, values);
      // Zeros of either sign are the same.
      const plain = (found: ArrayLike<number> = []) => Array.from(found, (value) => value + 0);
      for (const name of Object.keys(outputs)) {
        t.equal(plain(after[name]), plain(before[name]), name);
        t.equal(plain(got[name]), plain(tame[name]), `${name}, GPU`);
      }
      const lost = plain(before.slope).filter((_, i) => !seen[i]);
      t.equal(
        lost,
        lost.map(() => 0),
      );
    },
  );

  c('batches bring the mask of their rows, resident and streamed', async (t) => {
    const count = 11;
    // A row tells its number and its mask.
    const mask = Uint8Array.from({ length: count * 3 }, (_, i) => Number(((i * 7) % 5) % 2));
    const data = Float32Array.from({ length: count * 3 }, (_, i) => Math.floor(i / 3) / 16);
    const dataset: ImageDataset = {
      ...{ name: 'made up', source: 'here', count, shape: [3], data },
      mask,
    };
    for (const residentBytes of [2 ** 20, 64]) {
      const batches = batchesOf(dataset, {
        ...{ batch: 3, binarization: 'none', seed: 5, residentBytes },
      });
      const { x, mask: seen } = batches.batch;
      await withRuntime(t, async (runtime) => {
        const plan = await runtime.compile({
          outputs: { x, mask: seen as typeof x },
          effects: [assign(step, addUint(step, 1))],
        });
        batches.load(runtime);
        for (let at = 0; at < 4; at++) {
          batches.feed(runtime, at, 1);
          await plan.run();
          const [rows, found] = [await plan.read('x'), await plan.read('mask')];
          const expected = Array.from(rows, (value, i) => mask[16 * value * 3 + (i % 3)]);
          t.equal([...found], expected, `${residentBytes} bytes, step ${at}`);
        }
      });
    }
    const plain = batchesOf(
      { ...dataset, mask: undefined as never },
      {
        ...{ batch: 3, binarization: 'none', seed: 5 },
      },
    );
    t.equal(plain.batch.mask, undefined);
    t.equal(new Feed({ features: 3 }, 2).batch.mask, undefined);
  });

  c('a linear-Gaussian model gives the marginal and the conditional of what is seen', async (t) => {
    const { model, values } = toyVae(exactly);
    const x = toyData(MASK.length);
    const rows: RowSource = rowSourceOf(holed(x, MASK), 'none', 0);
    await withRuntime(t, async (runtime) => {
      for (const [held, numbers] of values) runtime.write(held, numbers);
      const options = { samples: 4000, seed: 3 };
      const scores = await scoreRows(runtime, model, rows, MASK.length, options);
      const found = await impute(runtime, model, rows, MASK.length, { ...options, draws: 400 });
      for (const [row, mask] of MASK.entries()) {
        const own = Array.from(x.subarray(row * D, (row + 1) * D));
        const seen = own.filter((_, d) => mask[d]);
        const exact = ofSeen(mask);
        // Five standard errors, and float32's rounding of some nats.
        const error = 5 * (scores.standardError[row] as number) + 1e-4;
        t.close(
          [scores.logProb[row] as number],
          [exact.logProb(seen)],
          { absolute: error },
          'log p',
        );
        const z = exact.posteriorMean(seen);
        const expected = Array.from(toy.bias, (bias, d) =>
          z.reduce((total, v, j) => total + v * Number(toy.weight[d * toy.latent + j]), bias),
        );
        const mean = found.mean.subarray(row * D, (row + 1) * D);
        const effective = found.effectiveSampleSize?.[row] as number;
        // E[x | z] deviates by less than 1 under the posterior.
        t.close(mean, expected, { absolute: 5 / Math.sqrt(effective) }, 'mean');
        const drawn = Array.from({ length: D }, (_, d) => {
          let total = 0;
          for (let i = 0; i < 400; i++) {
            total += found.draws[(i * MASK.length + row) * D + d] as number;
          }
          return total / 400;
        });
        // With the noise of x given z, the deviation is below 1.2; resampled codes repeat.
        const spread = 1.2 * Math.sqrt(1 / 400 + 1 / effective);
        t.close(drawn, expected, { absolute: 5 * spread }, 'draws');
      }
    });
  });

  c(
    'a mean field reaches the probabilities of a decoder that does not heed its code',
    async (t) => {
      const model = vaeOf({ shape: [D], latent: 2 });
      const bias = Float32Array.of(-2, -1, 0, 0.5, 1, 3);
      const rows = rowSourceOf(
        holed(Float32Array.of(1, 0, 1, 1, 0, 1), [[1, 0, 0, 1, 0, 0]]),
        'none',
        0,
      );
      await withRuntime(t, async (runtime) => {
        for (const [name, held] of model.namedParameters()) {
          runtime.write(held, name === 'decoder.0.bias' ? bias : new Float32Array(held.size));
        }
        const { mean, bound } = await meanField(runtime, model, rows, 1, { steps: 300 });
        const p = Array.from(bias, (l) => 1 / (1 + Math.exp(-l)));
        const expected = p.map((value, d) => (d === 0 || d === 3 ? 1 : value));
        // What a few hundred steps of Adam leave.
        t.close(mean, expected, { absolute: 0.01 }, 'φ');
        const exact = Math.log(p[0] as number) + Math.log(p[3] as number);
        t.close(bound, [exact], { absolute: 0.01 }, 'bound');
      });
    },
  );
});
