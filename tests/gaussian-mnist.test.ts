/**
 * The full-covariance normal on MNIST, dequantised and logit-transformed (α = 1e-6): the number that Papamakarios,
 * Pavlakou and Murray 2017 give for it, table 2, on the test set after a fit to 50,000 images: -1366.9 nats; where there
 * is no MNIST, what bench/reference/stand_in.py has of digits. Dequantisation, logit, linear flow and bits per dimension
 * at once.
 */
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import {
  ActNorm,
  bitsPerDimension,
  Chain,
  dequantize,
  Flow,
  Logit,
  LuLinear,
  whitening,
} from '../src/flows/index.ts';
import { input, type Variable, variable } from '../src/graph/variable.ts';
import { add, assign, matmul, mean, step, sub, sum, transpose } from '../src/ops/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { device } from './support/device.ts';
import { mnist, ofMnist } from './support/mnist.ts';

const [D, ROWS, FITTED] = [784, 1000, 50_000];

/**
 * Feeds images a chunk at a time and calls `each` after it. Noise starts at step `from`: what is weighed
 * must not have the noise that was fitted.
 */
async function overImages(
  runtime: Runtime,
  x: Variable,
  images: ImageDataset,
  count: number,
  from: number,
  each: (chunk: number) => Promise<void>,
): Promise<void> {
  for (let chunk = 0; chunk < count / ROWS; chunk++) {
    const bytes = images.data.subarray(chunk * ROWS * D, (chunk + 1) * ROWS * D);
    runtime.write(
      x,
      Float32Array.from(bytes, (byte) => byte / 255),
    );
    runtime.write(step, [from + chunk]);
    await each(chunk);
  }
}

/** Mean and covariance of logits, summed around the first chunk's mean, so that float32 does. */
async function moments(runtime: Runtime, x: Variable, logits: ReturnType<Logit['inverse']>) {
  const pivot = variable('pivot', [D]);
  const [first, second] = [variable('Σ y', [D]), variable('Σ y yᵀ', [D, D])];
  const y = sub(logits.value, pivot);
  const start = await runtime.compile({ effects: [assign(pivot, mean(logits.value, [0]))] });
  const gather = await runtime.compile({
    effects: [
      assign(first, add(first, sum(y, [0]))),
      assign(second, add(second, matmul(transpose(y), y))),
    ],
  });
  await overImages(runtime, x, await mnist('train'), FITTED, 0, async (chunk) => {
    if (chunk === 0) await start.run();
    await gather.run();
  });
  const shift = Float64Array.from(await runtime.read(first), (s) => s / FITTED);
  const around = await runtime.read(pivot);
  const covariance = Float64Array.from(
    await runtime.read(second),
    (s, at) => s / FITTED - (shift[Math.floor(at / D)] as number) * (shift[at % D] as number),
  );
  return { average: shift.map((s, i) => s + (around[i] as number)), covariance };
}

test('the full-covariance normal on logits of MNIST has its published density', async () => {
  const runtime = new Runtime(device, { seed: 1 });
  const x = input('x', [ROWS, D]);
  const logits = new Logit([D]).inverse(dequantize(x));
  const { average, covariance } = await moments(runtime, x, logits);
  const centre = new ActNorm([D]);
  const flow = new Flow(new Chain([new LuLinear([D], whitening(covariance, D)), centre]));
  runtime.write(centre.shift, Float32Array.from(average));
  const logProb = flow.logProb(logits.value);
  const plan = await runtime.compile({
    outputs: { logits: mean(logProb), images: mean(add(logProb, logits.logDet)) },
  });
  let [ofLogits, ofImages] = [0, 0];
  const held = await mnist('test');
  await overImages(runtime, x, held, held.count, 1000, async () => {
    await plan.run();
    ofLogits += ((await plan.read('logits'))[0] as number) / (held.count / ROWS);
    ofImages += ((await plan.read('images'))[0] as number) / (held.count / ROWS);
  });
  const bits = bitsPerDimension(ofImages, D);
  console.log(`test: ${ofLogits.toFixed(2)} nats of logits, ${bits.toFixed(4)} bits a dimension`);
  const [nats, wanted] = ofMnist([-1366.9, 2.013], [-1392.4, 1.938]) as [number, number];
  expect(Math.abs(ofLogits - nats)).toBeLessThan(2);
  expect(Math.abs(bits - wanted)).toBeLessThan(0.005);
}, 240_000);
