/** One step of training a variational autoencoder on bytes that live on the GPU, in plain ops. */
import { named, type Tensor } from '../../src/graph/tensor.ts';
import {
  type Initializer,
  packParameters,
  type Variable,
  variable,
} from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Program } from '../../src/scheduler/run/schedule.ts';

export interface Sizes {
  batch: number;
  features: number;
  hidden: number;
  latent: number;
  rows: number;
}

export const smallSizes: Sizes = { batch: 16, features: 36, hidden: 24, latent: 5, rows: 64 };

/** The step, and the data it reads: stripes that lie either way. */
export function trainingStep(sizes: Sizes = smallSizes): {
  program: Program;
  feeds: Map<Variable, ArrayLike<number>>;
} {
  const { batch, features, hidden, latent, rows } = sizes;
  const uniform =
    (scale: number): Initializer =>
    (shape, random) =>
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * (2 * random() - 1));
  const layer = (name: string, into: number, out: number) => {
    const init = uniform(1 / Math.sqrt(into));
    const weight = variable(`${name}.weight`, [out, into], { role: 'parameter', init });
    const bias = variable(`${name}.bias`, [out], { role: 'parameter', init });
    const apply = (x: Tensor) => o.add(o.matmul(x, o.transpose(weight)), bias);
    return { parameters: [weight, bias], apply };
  };
  const layers = [
    layer('encoder.0', features, hidden),
    layer('encoder.1', hidden, 2 * latent),
    layer('decoder.0', latent, hidden),
    layer('decoder.1', hidden, features),
  ] as const;
  const [encode, encodeOut, decode, decodeOut] = layers;

  const data = variable('data', [rows, features], { dtype: 'u8', role: 'data' });
  const words = [0, 1].map((i) => o.reshape(o.slice(o.seed, 0, i, i + 1), [])) as [Tensor, Tensor];
  const x = named(o.randomBernoulli(o.gather(data, o.batchIndices(rows, batch, words))), 'x');
  const code = encodeOut.apply(o.relu(encode.apply(x)));
  const [mean, logStd] = o.split(code, [latent, latent]) as [Tensor, Tensor];
  const z = named(o.reparameterize(mean, logStd, o.randomNormal([batch, latent])), 'z');
  const logits = decodeOut.apply(o.relu(decode.apply(z)));
  const likelihood = o.sum(o.bernoulliLogProb(logits, x), 1);
  const divergence = o.sum(o.klStandardNormal(mean, logStd), 1);
  const loss = named(o.mean(o.sub(divergence, likelihood)), 'loss');

  const parameters = layers.flatMap((l) => l.parameters);
  const flat = packParameters(parameters);
  const gradients = o.gradient(loss, parameters);
  const parts: Tensor[] = [];
  let at = 0;
  parameters.forEach((parameter, i) => {
    const offset = parameter.parent?.offset as number;
    if (offset > at) parts.push(o.zeros([offset - at]));
    parts.push(o.reshape(gradients[i] as Tensor, [parameter.size]));
    at = offset + parameter.size;
  });
  if (at < flat.size) parts.push(o.zeros([flat.size - at]));
  const gradient = named(o.concat(parts, 0), 'gradient');

  // Adam (Kingma and Ba 2015), skipping steps whose gradient is not finite.
  const [m, v] = [variable('adam.m', [flat.size]), variable('adam.v', [flat.size])];
  const t = o.add(o.toFloat(o.step), 1);
  const healthy = o.finite(o.sum(o.square(gradient)));
  const nextM = o.add(o.mul(0.9, m), o.mul(0.1, gradient));
  const nextV = o.add(o.mul(0.999, v), o.mul(0.001, o.square(gradient)));
  const rate = o.div(0.01, o.sub(1, o.exp(o.mul(t, Math.log(0.9)))));
  const scale = o.rsqrt(o.sub(1, o.exp(o.mul(t, Math.log(0.999)))));
  const update = o.div(o.mul(rate, nextM), o.add(o.mul(o.sqrt(nextV), scale), 1e-8));
  const keep = (next: Tensor, old: Tensor) => o.where(healthy, next, old);
  const effects = [
    o.assign(flat, keep(o.sub(flat, update), flat)),
    o.assign(m, keep(nextM, m)),
    o.assign(v, keep(nextV, v)),
    o.store(variable('history', [128]), o.step, loss),
    o.assign(o.step, o.addUint(o.step, 1)),
  ];
  const stripes = Uint8Array.from({ length: rows * features }, (_, i) => {
    const [row, column] = [Math.floor(i / features), i % features];
    return (row % 2 === 0 ? column % 2 : column % 6 < 3 ? 1 : 0) * 255;
  });
  return { program: { outputs: { loss }, effects }, feeds: new Map([[data, stripes]]) };
}
