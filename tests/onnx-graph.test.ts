// Graphs of one's own as ONNX files, run by ONNX Runtime for any number of rows, against float64.
import * as ort from 'onnxruntime-web';
import { expect, test } from 'vitest';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable } from '../src/graph/variable.ts';
import { onnxGraph } from '../src/interchange/onnx/index.ts';
import * as nn from '../src/nn/index.ts';
import * as ops from '../src/ops/index.ts';
import { reals } from './support/engine.ts';

// Threads of its own would outlive the tests.
ort.env.wasm.numThreads = 1;

const [STEPS, WIDTH, WORDS] = [4, 6, 5];

/** A sequence and words, seen by a block of a transformer. */
class Net extends nn.Module {
  words = new nn.Embedding(WORDS, WIDTH);
  norm = new nn.LayerNorm(WIDTH);
  attention = new nn.MultiHeadAttention(WIDTH, 2);
  after = new nn.Sequential([new nn.Linear(WIDTH, 8), ops.gelu, new nn.Linear(8, 3)]);

  call(words: Tensor, beside: Tensor): Tensor {
    const h = ops.add(this.words.call(words), ops.unsqueeze(beside, 1));
    const seen = ops.add(h, this.attention.call(this.norm.call(h), { isCausal: true }));
    return this.after.call(seen);
  }
}

const outputsOf =
  (net: Net) =>
  ({ words, beside }: Readonly<Record<'words' | 'beside', Tensor>>) => {
    const logits = net.call(words, beside);
    return { logits, probabilities: ops.softmax(ops.mean(logits, 1)) };
  };

test('a net with attention, told whole numbers and rows', async () => {
  const net = new Net();
  const weights = new Map(net.parameters().map((p) => [p, reals(p.name, p.size, -1, 1)]));
  const inputs = { words: { shape: [STEPS], dtype: 'u32' }, beside: [WIDTH] } as const;
  const file = onnxGraph({ model: net, weights, inputs, outputs: outputsOf(net) });
  expect(file.inputs).toEqual([
    { name: 'words', shape: ['batch', STEPS] },
    { name: 'beside', shape: ['batch', WIDTH] },
  ]);
  expect(file.outputs.map(({ shape }) => shape)).toEqual([
    ['batch', STEPS, 3],
    ['batch', 3],
  ]);
  const session = await ort.InferenceSession.create(file.bytes, { executionProviders: ['wasm'] });
  for (const rows of [1, 3]) {
    const words = Array.from({ length: rows * STEPS }, (_, i) => (i * i) % WORDS);
    const beside = reals(`beside ${rows}`, rows * WIDTH);
    const fetched = await session.run({
      words: new ort.Tensor('int64', BigInt64Array.from(words, BigInt), [rows, STEPS]),
      beside: new ort.Tensor('float32', beside, [rows, WIDTH]),
    });
    const fed = { words: input('words', [rows, STEPS], 'u32'), beside: input('b', [rows, WIDTH]) };
    const made = outputsOf(net)(fed);
    const values = new Map<Variable, ArrayLike<number>>([
      ...weights,
      [fed.words, words],
      [fed.beside, beside],
    ]);
    const wanted = ops.evaluate(Object.values(made), values);
    Object.keys(made).forEach((name, i) => {
      const { data } = fetched[name] as ort.Tensor;
      (data as Float32Array).forEach((x, at) => {
        expect(x, `${name}, ${rows} rows`).toBeCloseTo(wanted[i]?.data[at] as number, 5);
      });
    });
  }
});

test('sums so far, and lines in order', async () => {
  const module = new nn.Linear(6, 6);
  const weights = new Map(module.parameters().map((p) => [p, reals(p.name, p.size)]));
  const of = ({ x }: Readonly<Record<'x', Tensor>>) => {
    const { values, indices } = ops.topK(x, 2);
    return {
      ...{ y: module.call(x), up: ops.cumSum(x), logs: ops.logCumSumExp(x, -1, { reverse: true }) },
      after: ops.cumSum(x, -1, { reverse: true, exclusive: true }),
      ...{
        products: ops.cumProd(x),
        beyond: ops.cumProd(x, -1, { reverse: true, exclusive: true }),
      },
      ...{ sorted: ops.sort(x), values, places: ops.toFloat(indices) },
    };
  };
  const file = onnxGraph({ model: module, weights, inputs: { x: [6] }, outputs: of });
  const session = await ort.InferenceSession.create(file.bytes, { executionProviders: ['wasm'] });
  for (const rows of [1, 4]) {
    // Of 24 numbers some are equal.
    const x = reals('x', rows * 6).map((v) => Math.round(3 * v) / 3);
    const fetched = await session.run({ x: new ort.Tensor('float32', x, [rows, 6]) });
    const fed = input('x', [rows, 6]);
    const made = of({ x: fed });
    const wanted = ops.evaluate(Object.values(made), new Map([...weights, [fed, x]]));
    for (const [i, name] of Object.keys(made).entries()) {
      const { data } = fetched[name] as ort.Tensor;
      expect(data.length, name).toBe(wanted[i]?.data.length);
      (data as Float32Array).forEach((got, at) => {
        expect(got, `${name}, ${rows} rows`).toBeCloseTo(wanted[i]?.data[at] as number, 5);
      });
    }
  }
});

test('what lacks values, and what ONNX has no node for, is refused', () => {
  const net = new nn.Linear(3, 2);
  const weights = new Map(net.parameters().map((p) => [p, reals(p.name, p.size)]));
  const [inputs, outputs] = [{ x: [3] }, ({ x }: Record<'x', Tensor>) => ({ y: net.call(x) })];
  const some = new Map([...weights].slice(1));
  const write = (options: Partial<Parameters<typeof onnxGraph>[0]>) =>
    onnxGraph({ model: net, weights, inputs, outputs, ...options } as Parameters<
      typeof onnxGraph
    >[0]);
  expect(() => write({ weights: some })).toThrow(/weights lack weight f32\[2, 3\]/);
  const noisy = ({ x }: Readonly<Record<string, Tensor>>) => ({
    y: ops.add(net.call(x as Tensor), ops.randomNormal([1, 2])),
  });
  expect(() => write({ outputs: noisy })).toThrow(/noise that is drawn/);
});
