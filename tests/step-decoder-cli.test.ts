/** Causal decoders of series on the command line: training and resuming, forecasts, what is refused. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CommandLine } from './support/command-line.ts';

vi.setConfig({ testTimeout: 180_000 });

let at: CommandLine;
beforeAll(async () => {
  at = await CommandLine.open('steps');
}, 180_000);
afterAll(() => at.close());

const KEYS =
  'latent=2 encoder.hidden=8 decoder.hidden=8 decoder.stepChannels=4 optimizer.lr=0.01 evaluate.every=0';
const TRAIN = `train vae --data sines --limit 200 --seed 1 --batch 20 --quiet --set ${KEYS}`;

test('a run that goes on equals one that was never stopped; draws and forecasts', async () => {
  const causal = `${TRAIN} decoder.receptive=6`;
  await Promise.all([
    at.works(`${causal} --steps 120 --out once`),
    at.works(`${causal} --steps 40 --out twice`),
  ]);
  await at.works('train vae --resume --steps 120 --out twice --quiet');
  const [once, twice] = [await at.weightsOf('once'), await at.weightsOf('twice')];
  expect([...once.keys()]).toContain('steps.net.blocks.2.gates.weight');
  expect([...twice]).toEqual([...once]);
  const sampled = await at.json('sample once --count 5 --out s.npy');
  expect(sampled).toMatchObject({ count: 5 });
  const ahead = await at.json('impute once --hide last:4 --limit 20 --samples 100 --out a.npy');
  expect(ahead).toMatchObject({ by: 'importance', samples: 100, hidden: 80 });
  // Sines go on as they do: the steps before tell more of the next four than means and the last value.
  expect(ahead.mse).toBeLessThan(0.5 * ahead.meanMse);
  expect(ahead.mse).toBeLessThan(ahead.interpolationMse);
  await at.works('impute once --hide middle:20 --limit 2 --samples 20 --draws 2 --out d.npy');
  await at.works('reconstruct once --count 4 --out r.png');
  await at.works('eval once --samples 0 --limit 20');
});

test('holes: learns from what is there, and fills in better than a straight line', async () => {
  await at.works(`${TRAIN} decoder.receptive=6 --hide random:0.2 --steps 160 --out holes`);
  const { decoder } = JSON.parse(await readFile(at.here('holes/model.json'), 'utf8'));
  expect(decoder).toMatchObject({ receptive: 6, holes: true });
  const filled = await at.json(
    'impute holes --hide random:0.2 --limit 20 --samples 50 --out h.npy',
  );
  expect(filled.mse).toBeLessThan(0.5 * filled.meanMse);
  const seen = await at.json('eval holes --hide random:0.2 --samples 0 --limit 20');
  expect(Number.isFinite(seen.negativeElbo)).toBe(true);
});

test('what does not go together is refused in a line', async () => {
  await at.works(`${TRAIN} decoder.receptive=2 --steps 2 --out model`);
  await at.refuses({
    [`${TRAIN} decoder.receptive=128 --out no`]:
      'decoder.receptive is 128, and series have 128 steps; it may be 127 at most',
    [`${TRAIN} --out no`]:
      'decoder.stepChannels has no effect here; it goes with decoder.receptive being set',
    [`${TRAIN} decoder.receptive=2 decoder.pixelLayers=3 --out no`]:
      'decoder.pixelLayers has no effect here; it goes with data.sequence false, and data.sequence is true',
    [`${TRAIN} decoder.receptive=2 decoder.holes=false --hide random:0.5 --out no`]:
      'values are missing, and decoder.holes is false',
    'decode model --data s.npy --out x.npy': 'model holds a model that draws step after step',
  });
});
