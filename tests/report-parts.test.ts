/** What a report is put together from: cards, curves, words, recipes. */
import { expect, test } from 'vitest';
import { type Abilities, exactEvaluationOf, type Model } from '../src/models/index.ts';
import { bitsPerDimension } from '../src/report/bits.ts';
import { cardSection } from '../src/report/card.ts';
import { collapseText } from '../src/report/collapse.ts';
import { evaluationCard } from '../src/report/evaluation-card.ts';
import { dimensionsFigure } from '../src/report/figures.ts';
import { gradientsPage } from '../src/report/gradients-page.ts';
import { readHistory } from '../src/report/history.ts';
import { html } from '../src/report/html.ts';
import type { Measured } from '../src/report/quantities.ts';
import { quoted, trainLine } from '../src/report/recipe.ts';
import type { TrainingRecord } from '../src/training/record.ts';
import { tableOf, tile } from './support/report-page.ts';

test('templates escape everything but HTML', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  expect(html`<i title="${'"'}">${[inner, ' ', 1 < 2 && 'x', undefined]}</i>`.text).toBe(
    '<i title="&quot;"><b>&lt;&amp;&gt;&quot;&#39;</b> x</i>',
  );
});

test('gradients have columns of what they are far from only where that is known', async () => {
  const noise = { norm: 1, variance: 2, signalToNoise: 0.5 };
  const page = (more: object) => {
    const parts = { encoder: { ...noise, ...more }, decoder: { ...noise, ...more } };
    return gradientsPage([{ estimator: 'stl', samples: 1, ...parts }] as never, 'a model');
  };
  const columns = (text: string) => [text.match(/<th /g)?.length, text.match(/<td>/g)?.length];
  expect(columns(await page({}))).toEqual([6, 12]);
  expect(columns(await page({ error: 0.1, chance: 0.2 }))).toEqual([8, 16]);
});

test('bits are those of discrete data', () => {
  const nats = 8 * Math.LN2;
  const bits = (kind: string, isBinary: boolean, rest: object = { logWeights: {} }) =>
    bitsPerDimension(nats, {
      model: { features: 4, can: { describes: { kind, levels: 16 }, ...rest } as Abilities },
      isBinary,
    });
  expect(bits('categorical', false)).toEqual({ value: 2, note: '16 levels' });
  expect(bits('bernoulli', true).value).toBe(2);
  expect(bits('bernoulli', false).value).toBeUndefined();
  expect(bits('normal', false).value).toBeUndefined();
  expect(bits('bernoulli', true, {}).note).toContain('gives data no probability');
});

const vae: Measured = {
  quantities: [
    { name: 'negativeElbo', label: 'negative ELBO', unit: 'nats' },
    { name: 'kl', label: 'kl', unit: 'nats' },
  ],
  isExact: false,
};

test('a history is in order, with the last word on every step, and not too long', () => {
  const lines = [
    '{"step": 20, "loss": 2, "seconds": 1, "skipped": 3}',
    '{"step": 10, "loss": 9}',
    '{"step": 10, "loss": 3, "seconds": 2, "kl": 1}',
    'null',
    '{"step": 30, "lo',
  ];
  const { steps, curves, seconds, skipped, unreadable } = readHistory(lines.join('\n'), vae);
  expect({ steps, seconds, skipped, unreadable }).toEqual({
    steps: [10, 20],
    seconds: 3,
    skipped: 3,
    unreadable: 2,
  });
  expect(Object.fromEntries(curves.map(({ title, series }) => [title, series]))).toEqual({
    'Loss (nats)': [{ name: 'training', values: [3, 2] }],
    'KL divergence (nats)': [{ name: 'training', values: [1, undefined] }],
    'Skipped updates': [{ name: 'so far', values: [undefined, 3] }],
  });
  const long = Array.from({ length: 2500 }, (_, i) => `{"step": ${i + 1}, "loss": 1}`);
  const kept = readHistory(long.join('\n'), vae).steps;
  expect(kept.length).toBeLessThanOrEqual(1000);
  expect(kept.at(-1)).toBe(2500);
});

test('whatever is measured has a curve: by the model, and by its training', () => {
  const line = {
    ...{ step: 5, epoch: 1, steps: 5, loss: 2, kl: 3, gradientNorm: 4, best: true },
    ...{ klMultiplier: 0.5, 'odd.name': 6, nothing: null, text: '7' },
    evaluation: { negativeElbo: 8, kl: 9, activeUnits: 10, nll: { value: 11 } },
  };
  const { curves } = readHistory(JSON.stringify(line), vae);
  const told = curves.map(({ title, series }) => [
    title,
    Object.fromEntries(series.map(({ name, values }) => [name, values[0]])),
  ]);
  expect(told).toEqual([
    ['Loss (nats)', { training: 2, 'test −ELBO': 8, 'test −log p(x)': 11 }],
    ['KL divergence (nats)', { training: 3, test: 9 }],
    ['Kl multiplier', { training: 0.5 }],
    ['Odd.name', { training: 6 }],
    ['Gradient norm', { 'before clipping': 4 }],
    ['Active units', { test: 10 }],
  ]);
});

test('idle units are called idle, and a collapsed model collapsed', () => {
  expect(collapseText(20, 20)).toBeUndefined();
  expect(collapseText(3, 20)).toBe(
    "3 of 20 units active; the decoder ignores the code's other 17.",
  );
  expect(collapseText(0, 20)).toBe(
    'The code has collapsed, 0 of 20 units active; the decoder ignores it.',
  );
  const each = [0, 0.009, 0.011].map((variance) => ({ variance, kl: 10 * variance }));
  const { text } = dimensionsFigure({ each, isDrawn: true });
  expect(text).toContain('1 of 3 units active; ');
  const columns = tableOf(text, 'KL divergence of each latent dimension (nats)').map((row) =>
    row.map(Number),
  );
  expect(columns).toEqual([
    [1, 0.11, 0, 2, 0.011],
    [2, 0, 0.09, 1, 0.009],
    [3, 0, 0, 0, 0],
  ]);
});

test('a recipe names what differs from the defaults, quoted for a shell', () => {
  expect(quoted("it's")).toBe("'it'\\''s'");
  expect(quoted('runs/a-b_1.npy')).toBe('runs/a-b_1.npy');
  const data = { data: '/a b.npy', name: 'a b', count: 9, shape: [3], sha256: '' };
  const record = { family: 'iwae', config: {}, data } as unknown as TrainingRecord;
  // What a decoder of vectors describes depends on their values, so it is said in any case.
  expect(trainLine(record, 'out')).toBe(
    "latentgpu train iwae --data '/a b.npy' --set likelihood.kind=bernoulli --out out",
  );
  const config = {
    steps: 7,
    seed: 4,
    'likelihood.kind': 'normal',
    'likelihood.sigma': 'fixed',
    'encoder.hidden': [5, 6],
    'optimizer.kind': 'adamax',
  };
  expect(trainLine({ ...record, config, data: { ...data, limit: 8 } }, 'out')).toBe(
    "latentgpu train iwae --data '/a b.npy' --limit 8 --steps 7 --seed 4 --set encoder.hidden=5,6 " +
      'likelihood.kind=normal likelihood.sigma=fixed optimizer.kind=adamax --out out',
  );
});

test('a card says the entropy of the data where it is known, and no spread of one row', () => {
  const of = { data: 'circles, one row', treatment: 'test split', seed: 1 };
  const can = { logWeights: { exact: true }, bijection: {} };
  const cardOf = (more: object, logProb: number[], samples: number, entropy?: number) => {
    const model = { can: { ...can, ...more }, features: 2 } as unknown as Model;
    const evaluation = exactEvaluationOf(model, Float64Array.from(logProb), samples);
    return cardSection(evaluationCard({ evaluation, model, isBinary: false, entropy }, of)).text;
  };
  const text = cardOf({}, [-1.75], 0, 1.5);
  expect(tile(text, 'nll')).toBe(1.75);
  expect(tile(text, 'entropy')).toBe(1.5);
  expect(text).not.toContain('nll-error');
  expect(text).toContain('mean over one row;');
  expect(text).toContain('A flow gives log p(x) exactly');
  expect(cardOf({ bijection: undefined }, [-1.75], 0)).toContain('log p(x) is exact.');
  const numbers = (logProb: number) =>
    /<data id="nll"[^>]*>([^<]*)</.exec(cardOf({}, [logProb], 0))?.[1];
  expect([1.75, -13290.5, -1309269.07].map(numbers)).toEqual([
    '−1.7500',
    '13,290.5000',
    '1,309,269',
  ]);
  const grey = { levels: 256, how: 'dequantised uniformly', dequantization: 'uniform' };
  const other = cardOf({ grey }, [1, 2], 2);
  expect(tile(other, 'entropy')).toBeUndefined();
  // 8 bits of 256 levels, less log p in bits a dimension.
  expect(tile(other, 'bits')).toBeCloseTo(8 - 1.5 / (2 * Math.LN2), 12);
  expect(tile(other, 'bits-error')).toBeCloseTo(0.5 / (2 * Math.LN2), 12);
  expect(other).toContain(
    'u drawn uniformly (Theis, van den Oord and Bethge 2016), 2 times a row:',
  );
});

test('a recipe says what depends on the values of vectors, and of no others', () => {
  const lineOf = (data: string, shape: number[], config: object) =>
    trainLine(
      {
        family: 'maf',
        config,
        data: { data, name: data, count: 9, shape, sha256: '' },
      } as unknown as TrainingRecord,
      'out',
    );
  const asIs = { dequantize: 'none', logit: null };
  const grey = { dequantize: 'uniform', logit: 1e-6 };
  expect(lineOf('moons', [2], asIs)).toBe('latentgpu train maf --data moons --out out');
  expect(lineOf('v.npy', [5], asIs)).toBe(
    'latentgpu train maf --data v.npy --set dequantize=none logit=null --out out',
  );
  expect(lineOf('i.npy', [4, 4], grey)).toBe('latentgpu train maf --data i.npy --out out');
  expect(lineOf('i.npy', [4, 4], { ...grey, standardize: true })).toContain(
    '--set dequantize=uniform logit=0.000001',
  );
});
