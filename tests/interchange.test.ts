import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import {
  buildModel,
  type CodedConfig,
  evaluateModel,
  giveWeights,
  type ModelConfig,
  readModelJson,
  readWeights,
} from '../src/models/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { binarizedRows } from '../src/training/binarize.ts';
import reference from './fixtures/torch-vae/reference.json';
import { device } from './support/device.ts';
import { mnist, ofMnist } from './support/mnist.ts';

const root = resolve(fileURLToPath(import.meta.url), '../..');

/** Of the same model, of digits: bench/reference/stand_in.py. */
const OF_DIGITS = {
  negativeElbo: { value: 148.791, standardDeviationOfOnePass: 0.0767 },
  kl: { value: 13.4292, standardDeviationOfOnePass: 0.0066 },
  nll: { value: 144.049, standardDeviationOfOnePass: 0.29, samples: 100, count: 500 },
};

test('a VAE trained in PyTorch has PyTorch’s figures on the test set', async () => {
  const folder = resolve(root, 'tests/fixtures/torch-vae');
  const { config } = readModelJson(await readFile(resolve(folder, 'model.json'), 'utf8'));
  const model = buildModel(config as ModelConfig & CodedConfig);
  const { values } = readWeights(model, await readFile(resolve(folder, 'weights.safetensors')));
  const data = await mnist('test');
  const runtime = new Runtime(device);
  giveWeights(runtime, values);
  const { negativeElbo, kl, nll } = ofMnist(reference.evaluation, OF_DIGITS);
  const rows = (start: number, end: number) => binarizedRows(data, start, end, 'resampled', 1);
  const found = await evaluateModel(runtime, model, data, rows, {
    samples: nll.samples,
    likelihoodLimit: nll.count,
  });
  runtime.destroy();
  // One pass of either side draws the binarisation and the noise anew: four deviations of a pass.
  const within = (value: number | undefined, of: typeof OF_DIGITS.kl) => {
    expect(Math.abs((value as number) - of.value)).toBeLessThan(4 * of.standardDeviationOfOnePass);
  };
  expect(found.count).toBe(10_000);
  within(found.negativeElbo, negativeElbo);
  within(found.kl as number, kl);
  within(found.nll?.value, nll);
  expect(found.nll).toMatchObject({ samples: 100, count: 500 });
}, 120_000);
