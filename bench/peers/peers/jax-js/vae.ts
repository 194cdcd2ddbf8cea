// Bounds of a VAE.
import { type Array as JaxArray, jit, nn, numpy as np, random, valueAndGrad } from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import { VAE, vaeBatch, vaeLayers, vaeNoise } from '../../inputs.ts';
import {
  arrayOf,
  dispose,
  half,
  mlp,
  type Parameters,
  parametersOf,
  squared,
  standardNormal,
} from './arrays.ts';
import { adam, disposeState, joined, type State, startOf, steps } from './learning.ts';

function vaeLoss(parameters: Parameters, x: JaxArray, noise: JaxArray, samples: number): JaxArray {
  const { latent } = VAE;
  const batch = x.shape[0] as number;
  const out = mlp(x.ref, parameters.slice(0, 4));
  const mean = half(out.ref, 0, latent);
  const logStd = half(out, 1, latent);
  if (samples === 1) {
    const z = mean.ref.add(np.exp(logStd.ref).mul(noise));
    const logits = mlp(z, parameters.slice(4));
    const logLikelihood = x.mul(logits.ref).sub(nn.softplus(logits)).sum(-1);
    const kl = squared(mean)
      .add(np.exp(logStd.ref.mul(2)))
      .sub(1)
      .mul(0.5)
      .sub(logStd)
      .sum(-1);
    dispose(parameters);
    return kl.sub(logLikelihood).mean();
  }
  const eps = noise.reshape([batch, samples, latent]);
  const wide = (y: JaxArray) => y.reshape([batch, 1, latent]);
  const z = wide(mean).add(np.exp(wide(logStd.ref)).mul(eps.ref));
  const logits = mlp(z.ref.reshape([batch * samples, latent]), parameters.slice(4)).reshape([
    batch,
    samples,
    VAE.features,
  ]);
  const logLikelihood = x
    .reshape([batch, 1, VAE.features])
    .mul(logits.ref)
    .sub(nn.softplus(logits))
    .sum(-1);
  const logPosterior = standardNormal(eps).sub(logStd.sum(-1).reshape([batch, 1]));
  const logWeights = logLikelihood.add(standardNormal(z)).sub(logPosterior);
  dispose(parameters);
  return nn.logsumexp(logWeights, -1).sub(Math.log(samples)).mean().mul(-1);
}

export function training(batch: number, samples: number): Task {
  const { encoder, decoder } = vaeLayers();
  const layers = [...encoder, ...decoder];
  const x = arrayOf(vaeBatch(batch), [batch, VAE.features]);
  const shape = [batch * samples, VAE.latent];
  const gradients = valueAndGrad((p: Parameters, data: JaxArray, noise: JaxArray) =>
    vaeLoss(p, data, noise, samples),
  );
  const update = (state: State, data: JaxArray, noise: JaxArray): [JaxArray, State] => {
    const [loss, g] = gradients(
      state.parameters.map((p) => p.ref),
      data,
      noise,
    );
    return [loss, adam(state, g as Parameters)];
  };
  const step = jit((state: State, data: JaxArray, key: JaxArray): [JaxArray, State, JaxArray] => {
    const keys = random.split(key);
    const [own, next] = [keys.ref.slice(0), keys.slice(1)];
    const [loss, after] = update(state, data, random.normal(own, shape));
    return [loss, after, next];
  });
  let state = startOf(parametersOf(layers));
  let key = random.key(1);
  return {
    run: (times) =>
      steps(times, () => {
        const [loss, after, next] = step(state, x.ref, key);
        state = after;
        key = next;
        return loss;
      }),
    async check() {
      const given = jit(update);
      let checked = startOf(parametersOf(layers));
      const losses: number[] = [];
      for (const noise of vaeNoise(batch, samples)) {
        const [loss, after] = given(checked, x.ref, arrayOf(noise, shape));
        checked = after;
        losses.push((await loss.data())[0] as number);
      }
      const parameters = await joined(checked.parameters);
      disposeState(checked);
      given.dispose();
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => {
      disposeState(state);
      dispose([x, key]);
      step.dispose();
    },
  };
}
