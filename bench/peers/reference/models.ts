// The work of every row in float64, written out from its formulas.
import {
  ADAM,
  CHAIN,
  CHECKED_STEPS,
  CONVOLUTION,
  chainInput,
  codes,
  convolutionInputs,
  DENSITY,
  densityInputs,
  FLOW,
  factors,
  flowLayers,
  flowRows,
  IMAGE_NET,
  imageBatch,
  imageLayers,
  type Layer,
  MIXTURE,
  mixtureInputs,
  RECURRENT,
  recurrentBatch,
  recurrentLayers,
  VAE,
  vaeBatch,
  vaeLayers,
  vaeNoise,
} from '../inputs.ts';
import {
  add,
  beside,
  columns,
  exp,
  logSumExp,
  Matrix,
  map,
  matmul,
  matrix,
  mean,
  mul,
  relu,
  repeatRows,
  scale,
  sub,
  sumRows,
  windows,
  zip,
} from './tape.ts';

export type ReferenceResults = Readonly<Record<string, Float64Array>>;

/** A layer's weight and bias. */
type Pair = readonly [Matrix, Matrix];
const LOG_2PI = Math.log(2 * Math.PI);

const pairsOf = (layers: readonly Layer[]): Pair[] =>
  layers.map(({ from, to, weight, bias }) => [matrix(from, to, weight), matrix(1, to, bias)]);

function mlp(x: Matrix, pairs: readonly Pair[]): Matrix {
  return pairs.reduce((h, [w, b], i) => {
    const y = add(matmul(h, w), b);
    return i === pairs.length - 1 ? y : relu(y);
  }, x);
}

/** log N(x; 0, 1), summed over each row. */
const standardNormal = (x: Matrix) =>
  sumRows(
    map(
      x,
      (v) => -0.5 * (v * v + LOG_2PI),
      (v) => -v,
    ),
  );

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Of Bernoulli variables, each by itself. */
const logLikelihoods = (logits: Matrix, x: Matrix) =>
  zip(
    logits,
    x,
    (l, v) => v * l - softplus(l),
    (l, v) => [v - sigmoid(l), l],
  );

/** Minus the bound, averaged over the batch: Kingma and Welling 2014; Burda et al. 2016. */
export function vaeLoss(
  x: Matrix,
  noise: Matrix,
  samples: number,
  encoder: readonly Pair[],
  decoder: readonly Pair[],
): Matrix {
  const { latent } = VAE;
  const out = mlp(x, encoder);
  const mu = columns(out, 0, latent);
  const logStd = columns(out, latent, 2 * latent);
  const [m, s] = [repeatRows(mu, samples), repeatRows(logStd, samples)];
  const z = add(m, mul(exp(s), noise));
  const logits = mlp(z, decoder);
  const logLikelihood = sumRows(logLikelihoods(logits, repeatRows(x, samples)));
  if (samples === 1) {
    const kl = sumRows(
      zip(
        mu,
        logStd,
        (a, l) => 0.5 * (a * a + Math.exp(2 * l) - 1) - l,
        (a, l) => [a, Math.exp(2 * l) - 1],
      ),
    );
    return mean(sub(kl, logLikelihood));
  }
  const logPosterior = sub(standardNormal(noise), sumRows(s));
  const logWeights = add(logLikelihood, sub(standardNormal(z), logPosterior));
  const bound = map(
    logSumExp(logWeights, samples),
    (v) => v - Math.log(samples),
    () => 1,
  );
  return scale(mean(bound), -1);
}

/**
 * Adam (Kingma and Ba 2015) on a loss that is described anew for every step: the losses, and the
 * parameters at the `start` and in the end.
 */
export function train(
  parameters: readonly Matrix[],
  steps: number,
  loss: (step: number) => Matrix,
): ReferenceResults {
  const { rate, beta1, beta2, epsilon } = ADAM;
  const moments = parameters.map(({ data }) => [
    new Float64Array(data.length),
    new Float64Array(data.length),
  ]) as [Float64Array, Float64Array][];
  const losses = new Float64Array(steps);
  const start = joined(parameters.map(({ data }) => data));
  for (let step = 0; step < steps; step++) {
    for (const { grad } of parameters) grad.fill(0);
    const value = loss(step);
    value.backward();
    losses[step] = value.data[0]!;
    const [c1, c2] = [1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1)];
    parameters.forEach(({ data, grad }, p) => {
      const [m, v] = moments[p]!;
      for (let i = 0; i < data.length; i++) {
        const g = grad[i]!;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        data[i]! -= (rate * m[i]!) / c1 / (Math.sqrt(v[i]! / c2) + epsilon);
      }
    });
  }
  return { losses, start, parameters: joined(parameters.map(({ data }) => data)) };
}

function joined(parts: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => Array.from(part)));
}

/** Scale and shift that a coupling's net gives for the part that stays. */
function affine(kept: Matrix, net: readonly Pair[]): { s: Matrix; shift: Matrix } {
  const { bound } = FLOW;
  const half = FLOW.features / 2;
  const out = mlp(kept, net);
  const s = map(
    columns(out, half, 2 * half),
    (h) => bound * Math.tanh(h / bound),
    (h) => 1 - Math.tanh(h / bound) ** 2,
  );
  return { s, shift: columns(out, 0, half) };
}

/** The two halves of a row: what stays, what moves. Every other coupling swaps them. */
function halves(x: Matrix, flip: boolean): readonly [Matrix, Matrix] {
  const half = FLOW.features / 2;
  const parts = [columns(x, 0, half), columns(x, half, 2 * half)] as const;
  return flip ? [parts[1], parts[0]] : parts;
}

const rejoined = (kept: Matrix, moved: Matrix, flip: boolean) =>
  flip ? beside(moved, kept) : beside(kept, moved);

/** log p(x) [rows, 1] of couplings from base to data (Dinh, Sohl-Dickstein and Bengio 2017). */
export function flowDensity(rows: Matrix, nets: readonly (readonly Pair[])[]): Matrix {
  let x = rows;
  let logDet = matrix(rows.rows, 1, new Float64Array(rows.rows));
  for (let i = nets.length - 1; i >= 0; i--) {
    const flip = i % 2 === 1;
    const [kept, moves] = halves(x, flip);
    const { s, shift } = affine(kept, nets[i]!);
    x = rejoined(kept, mul(sub(moves, shift), exp(scale(s, -1))), flip);
    logDet = sub(logDet, sumRows(s));
  }
  return add(standardNormal(x), logDet);
}

function flowSampling(rows: Matrix, nets: readonly (readonly Pair[])[]): Matrix {
  return nets.reduce((z, net, i) => {
    const flip = i % 2 === 1;
    const [kept, moves] = halves(z, flip);
    const { s, shift } = affine(kept, net);
    return rejoined(kept, add(mul(moves, exp(s)), shift), flip);
  }, rows);
}

const logistic = (x: Matrix) =>
  map(x, sigmoid, (v) => {
    const s = sigmoid(v);
    return s * (1 - s);
  });
const tanh = (x: Matrix) => map(x, Math.tanh, (v) => 1 - Math.tanh(v) ** 2);

/** The mean square of series [batch, 1] less what units say before they see it: Cho et al. 2014. */
export function recurrentLoss(
  series: readonly Matrix[],
  [[w, b], [u, c], [v, d]]: readonly [Pair, Pair, Pair],
): Matrix {
  const [batch, hidden] = [(series[0] as Matrix).rows, u.rows];
  const zeros = (width: number) => matrix(batch, width, new Float64Array(batch * width));
  let h = zeros(hidden);
  let total = zeros(1);
  series.forEach((x, t) => {
    const given = add(matmul(series[t - 1] ?? zeros(1), w), b);
    const told = add(matmul(h, u), c);
    const gate = (of: Matrix, i: number) => columns(of, i * hidden, (i + 1) * hidden);
    const r = logistic(add(gate(given, 0), gate(told, 0)));
    const z = logistic(add(gate(given, 1), gate(told, 1)));
    const n = tanh(add(gate(given, 2), mul(r, gate(told, 2))));
    h = add(n, mul(z, sub(h, n)));
    const rest = sub(add(matmul(h, v), d), x);
    total = add(total, mul(rest, rest));
  });
  return scale(mean(total), 1 / series.length);
}

export const references = {
  product(m: number, k: number, n: number): ReferenceResults {
    const { a, b } = factors(m, k, n);
    return { product: matmul(matrix(m, k, a), matrix(k, n, b)).data };
  },

  training(batch: number, samples: number): ReferenceResults {
    const { encoder, decoder } = vaeLayers();
    const [e, d] = [pairsOf(encoder), pairsOf(decoder)];
    const x = matrix(batch, VAE.features, vaeBatch(batch));
    const noise = vaeNoise(batch, samples);
    return train([...e, ...d].flat(), CHECKED_STEPS, (step) => {
      const eps = matrix(batch * samples, VAE.latent, noise[step]!);
      return vaeLoss(x, eps, samples, e, d);
    });
  },

  sampling(count: number): ReferenceResults {
    const z = matrix(count, VAE.latent, codes(count));
    const logits = mlp(z, pairsOf(vaeLayers().decoder));
    return { images: logits.data.map(sigmoid) };
  },

  flow(part: 'density' | 'sampling' | 'training'): ReferenceResults {
    const nets = flowLayers().map(pairsOf);
    const rows = matrix(FLOW.batch, FLOW.features, flowRows());
    if (part === 'density') return { logProb: flowDensity(rows, nets).data };
    if (part === 'sampling') return { x: flowSampling(rows, nets).data };
    return train(nets.flat(2), CHECKED_STEPS, () => scale(mean(flowDensity(rows, nets)), -1));
  },

  density(): ReferenceResults {
    const { batch, samples, latent } = DENSITY;
    const { z, mean: mu, logStd } = densityInputs();
    const sums = new Float64Array(batch * samples);
    for (let i = 0; i < z.length; i++) {
      const row = Math.floor(i / latent);
      const p = Math.floor(row / samples) * latent + (i % latent);
      const u = (z[i]! - mu[p]!) / Math.exp(logStd[p]!);
      sums[row]! -= 0.5 * (u * u + LOG_2PI) + logStd[p]!;
    }
    return { y: logSumExp(new Matrix(batch, samples, sums), samples).data };
  },

  mixture(): ReferenceResults {
    const { rows, features: d, components } = MIXTURE;
    const { x, logWeights, mean: mu, factor } = mixtureInputs();
    const sums = new Float64Array(components * (1 + d + d * d));
    const white = new Float64Array(components * d);
    const joint = new Float64Array(components);
    const [first, second] = [components, components * (1 + d)];
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < components; k++) {
        let value = logWeights[k]!;
        for (let i = 0; i < d; i++) {
          const at = (k * d + i) * d;
          let y = 0;
          for (let j = 0; j <= i; j++) y += factor[at + j]! * (x[row * d + j]! - mu[k * d + j]!);
          white[k * d + i] = y;
          value += Math.log(factor[at + i]!) - 0.5 * (y * y + LOG_2PI);
        }
        joint[k] = value;
      }
      const most = Math.max(...joint);
      const total = joint.reduce((sum, v) => sum + Math.exp(v - most), 0);
      for (let k = 0; k < components; k++) {
        const r = Math.exp(joint[k]! - most) / total;
        sums[k]! += r;
        for (let i = 0; i < d; i++) {
          const weighed = r * white[k * d + i]!;
          const at = second + (k * d + i) * d;
          sums[first + k * d + i]! += weighed;
          for (let j = 0; j < d; j++) sums[at + j]! += weighed * white[k * d + j]!;
        }
      }
    }
    return { sums };
  },

  convolution(): ReferenceResults {
    const { batch, extent, from, to } = CONVOLUTION;
    const { x, layer } = convolutionInputs();
    const pixels = extent ** 2;
    const [weight, bias] = pairsOf([layer])[0]!;
    const images = matrix(batch * pixels, from, x);
    const y = relu(add(matmul(windows(images, extent), weight), bias)).data;
    const sums = new Float64Array(to);
    for (let i = 0; i < y.length; i++) sums[i % to]! += y[i]!;
    return { sums, y: y.slice(0, pixels * to) };
  },

  images(): ReferenceResults {
    const { batch, extent } = IMAGE_NET;
    const pairs = pairsOf(imageLayers());
    const x = matrix(batch * extent ** 2, 1, imageBatch());
    return train(pairs.flat(), CHECKED_STEPS, () => {
      const logits = pairs.reduce((h, [weight, bias], i) => {
        const y = add(matmul(windows(h, extent), weight), bias);
        return i === pairs.length - 1 ? y : relu(y);
      }, x);
      return scale(mean(logLikelihoods(logits, x)), -(extent ** 2));
    });
  },

  recurrent(): ReferenceResults {
    const { batch, steps } = RECURRENT;
    const pairs = pairsOf(recurrentLayers()) as [Pair, Pair, Pair];
    const x = recurrentBatch();
    const series = Array.from({ length: steps }, (_, t) =>
      matrix(batch, 1, x.subarray(t * batch, (t + 1) * batch)),
    );
    return train(pairs.flat(), CHECKED_STEPS, () => recurrentLoss(series, pairs));
  },

  chain(): ReferenceResults {
    const x = Float64Array.from(chainInput());
    let y = x;
    for (let i = 0; i < CHAIN.length / 2; i++) y = y.map((v, j) => 0.5 * v + x[j]!);
    return { y };
  },
};
