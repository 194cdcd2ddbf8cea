/** Every part of every family as ONNX, run by ONNX Runtime, against float64 references of its graphs. */
import * as ort from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../src/graph/tensor.ts';
import { topological } from '../src/graph/traverse.ts';
import { input, isVariable } from '../src/graph/variable.ts';
import {
  type OnnxPart,
  type OnnxSource,
  onnxFile,
  onnxParts,
} from '../src/interchange/onnx/index.ts';
import type { Model } from '../src/models/index.ts';
import { evaluate, reshape, slice } from '../src/ops/index.ts';
import { reals } from './support/engine.ts';
import { CASES, sourceOf } from './support/every-family.ts';

// Threads of its own would outlive the tests.
ort.env.wasm.numThreads = 1;

function graphs(
  model: Model,
  part: OnnxPart,
  fed: Tensor,
  told: { labels?: Tensor; x?: Tensor },
): Record<string, Tensor> {
  const { code, decode, logWeights, condition, predict } = model.can;
  const toldCode = condition?.ofCodes ? told : {};
  if (part === 'density') return { logProb: logWeights?.of({ x: fed }, 1) as Tensor };
  if (part === 'predictor' && predict) {
    const of = predict.of({ x: fed });
    if (predict.kind === 'probabilities') {
      const logits = predict.logits?.({ x: fed });
      return { ...(logits && { logits }), probabilities: of };
    }
    return Object.fromEntries(
      predict.columns.map((name, i) => [name, reshape(slice(of, 1, i, i + 1), [-1])]),
    );
  }
  const result: Record<string, Tensor> = {};
  if (part !== 'decoder' && code) {
    result[code.values === 'means' ? 'mean' : 'z'] = code.mean({ x: fed, ...toldCode });
    if (code.logStd) result.logStd = code.logStd({ x: fed, ...toldCode });
  }
  if (part !== 'encoder' && decode) {
    const z = part === 'decoder' ? fed : ((result.mean ?? result.z) as Tensor);
    result[part === 'decoder' ? 'x' : 'reconstruction'] = decode.mean(z, told);
    for (const { name, of } of decode.parameters?.(z, told) ?? []) result[name] = of;
  }
  return result;
}

async function agrees(from: OnnxSource, part: OnnxPart): Promise<void> {
  const { model, weights, buffers } = from;
  const rows = 7;
  const width = part === 'decoder' ? (model.can.code?.size as number) : model.features;
  const data = reals(`fed ${part}`, rows * width, 0.05, 0.95);
  const fed = input('fed', [rows, width]);
  const labels = input('labels', [rows], 'u32');
  const classes = model.can.condition?.classes.length ?? 0;
  const rowsTold = part === 'decoder' ? input('told', [rows, model.features]) : fed;
  const dataTold = reals('told', rows * model.features, 0.05, 0.95);
  const told = classes > 0 ? { labels } : model.can.given ? { x: rowsTold } : {};
  const chosen = Array.from({ length: rows }, (_, i) => (i * 5) % classes);
  const wanted = graphs(model, part, fed, told);
  const values = new Map<Tensor, ArrayLike<number>>([
    ...weights,
    ...(buffers ?? []),
    [fed, data],
    ...(rowsTold === fed ? [] : [[rowsTold, dataTold] as [Tensor, Float32Array]]),
    [labels, chosen],
  ]);
  for (const node of topological(Object.values(wanted))) {
    // Masks and orders are what they were made as.
    if (!isVariable(node) || values.has(node) || !node.init) continue;
    values.set(node, node.init(node.shape, Math.random));
  }
  const references = evaluate(Object.values(wanted), values);
  const { bytes, outputs } = onnxFile(from, part, '0.0.0');
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const [name] = session.inputNames as [string];
  const meta = session.inputMetadata[0];
  const dims = meta?.isTensor ? meta.shape.map((n) => (n === 'batch' ? rows : Number(n))) : [];
  const got = await session.run({
    [name]: new ort.Tensor('float32', data, dims),
    ...(session.inputNames.includes('told') && {
      told: new ort.Tensor('float32', dataTold, [rows, model.features]),
    }),
    ...(session.inputNames.includes('labels') && {
      labels: new ort.Tensor('int64', BigInt64Array.from(chosen, BigInt), [rows]),
    }),
  });
  expect(outputs.map((output) => output.name)).toEqual(Object.keys(wanted));
  Object.keys(wanted).forEach((output, i) => {
    const found = got[output]?.data as Float32Array;
    const exact = references[i]?.data as Float64Array;
    expect(found.length, output).toBe(exact.length);
    const scale = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const off = exact.reduce(
      (most, value, j) => Math.max(most, Math.abs((found[j] as number) - value)),
      0,
    );
    // Several hundred roundings of float32, of which the largest numbers tell.
    expect(off / scale, output).toBeLessThan(2e-5);
  });
  await session.release();
}

const EXPORTED = CASES.filter((one) => onnxParts(sourceOf(one).model).length > 0);

describe.each(EXPORTED)('$family $set', (one) => {
  const from = sourceOf(one);
  test.each(onnxParts(from.model))('%s', async (part) => {
    const why = one.lacks?.[part];
    if (why === undefined) return await agrees(from, part);
    expect(() => onnxFile(from, part, '0.0.0')).toThrow(
      expect.objectContaining({ code: 'bad-input', message: expect.stringContaining(why) }),
    );
  });
});
