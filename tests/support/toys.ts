/** Small models with known answers. */
import type { Variable } from '../../src/graph/variable.ts';
import { Vae, type VaeConfig } from '../../src/models/index.ts';
import { Random } from '../../src/random.ts';
import { ExactModel, type LinearGaussian } from './linear-gaussian.ts';

/** A VAE whose parts are given where they matter. */
export function vaeOf(config: Partial<VaeConfig> & { shape: number[] }): Vae {
  return new Vae({
    encoder: { hidden: [], activation: 'relu' },
    decoder: { hidden: [], activation: 'relu' },
    latent: 2,
    likelihood: { kind: 'bernoulli' },
    objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
    init: 'torch',
    ...config,
  });
}

/**
 * A linear-Gaussian model with orthogonal columns, whose posterior is therefore a diagonal normal:
 * one that an encoder can give exactly.
 */
export const toy: LinearGaussian = {
  weight: [0.9, 0.5, 0.9, -0.5, 0.9, 0.5, 0.9, -0.5, 0.9, 0.5, 0.9, -0.5],
  bias: [0.2, -0.4, 0, 1, 0.3, -0.1],
  latent: 2,
  std: 0.5,
};

/** Draws of the toy: [count, 6]. */
export function toyData(count: number, of: LinearGaussian = toy): Float32Array {
  const D = of.bias.length;
  const x = new Float32Array(count * D);
  for (let i = 0; i < count; i++) {
    const random = new Random(11, 0, i);
    const z = Array.from({ length: of.latent }, () => random.normal());
    for (let d = 0; d < D; d++) {
      const mean = z.reduce((sum, v, j) => sum + v * Number(of.weight[d * of.latent + j]), 0);
      x[i * D + d] = mean + Number(of.bias[d]) + of.std * random.normal();
    }
  }
  return x;
}

/** How far the encoder is from the posterior: its means and deviations are off by this much. */
export interface Off {
  readonly shift: number;
  readonly stretch: number;
}

export const exactly: Off = { shift: 0, stretch: 1 };

/** The toy as a linear VAE, with the parameters that make it so. */
export function toyVae(off: Off, of: LinearGaussian = toy) {
  const { latent: M, bias, std, weight } = of;
  const D = bias.length;
  const exact = new ExactModel(of);
  const model = vaeOf({
    shape: [D],
    latent: M,
    likelihood: { kind: 'normal', sigma: 'fixed', std },
  });
  const deviation = exact.posteriorStd().map((s) => s * off.stretch);
  // The posterior mean is affine: its value at the origin, and what each unit vector adds.
  const origin = exact.posteriorMean(new Float64Array(D));
  const encoderWeight = new Float32Array(2 * M * D);
  for (let d = 0; d < D; d++) {
    const unit = new Float64Array(D);
    unit[d] = 1;
    const mean = exact.posteriorMean(unit);
    for (let j = 0; j < M; j++) {
      encoderWeight[j * D + d] = (mean[j] as number) - (origin[j] as number);
    }
  }
  const given: Record<string, ArrayLike<number>> = {
    'encoder.0.weight': encoderWeight,
    'encoder.0.bias': [...origin.map((m) => m + off.shift), ...deviation.map(Math.log)],
    'decoder.0.weight': weight,
    'decoder.0.bias': bias,
  };
  const values = new Map<Variable, Float32Array>(
    model.namedParameters().map(([name, p]) => [p, Float32Array.from(given[name] ?? [])]),
  );
  const posteriorOf = (x: ArrayLike<number>) => ({
    mean: exact.posteriorMean(x).map((m) => m + off.shift),
    std: deviation,
  });
  return { model, values, exact, posteriorOf };
}
