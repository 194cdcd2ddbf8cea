// Log-densities, and sums of them.
import { type Array as JaxArray, nn, numpy as np } from '@jax-js/jax';
import type { Task } from '../../engine.ts';
import { DENSITY, densityInputs, MIXTURE, mixtureInputs, mixtureOffsets } from '../../inputs.ts';
import { arrayOf, LOG_2PI, squared } from './arrays.ts';
import { replayed } from './task.ts';

export function density(): Task {
  const { batch, samples, latent } = DENSITY;
  const values = densityInputs();
  return replayed(
    'y',
    (z, mean, logStd) => {
      const s = logStd as JaxArray;
      const u = (z as JaxArray).sub(mean as JaxArray).div(np.exp(s.ref));
      const logDensity = squared(u).add(LOG_2PI).mul(-0.5).sub(s).sum(-1);
      return nn.logsumexp(logDensity, -1);
    },
    [
      arrayOf(values.z, [batch, samples, latent]),
      arrayOf(values.mean, [batch, 1, latent]),
      arrayOf(values.logStd, [batch, 1, latent]),
    ],
  );
}

export function mixture(): Task {
  const { rows, features: d, components: k } = MIXTURE;
  const { x, logWeights, mean, factor } = mixtureInputs();
  return replayed(
    'sums',
    (data, offsets, mu, p) => {
      const centred = (data as JaxArray).reshape([1, rows, d]).sub(mu as JaxArray);
      const y = np.matmul(centred, np.swapaxes(p as JaxArray, -1, -2));
      const joint = squared(y.ref)
        .sum(-1)
        .mul(-0.5)
        .add(offsets as JaxArray);
      const r = nn.softmax(joint, 0);
      const weighed = y.ref.mul(r.ref.reshape([k, rows, 1]));
      const second = np.matmul(np.swapaxes(weighed.ref, -1, -2), y);
      return np.concatenate([
        r.sum(1),
        weighed.sum(1).reshape([k * d]),
        second.reshape([k * d * d]),
      ]);
    },
    [
      arrayOf(x, [rows, d]),
      arrayOf(mixtureOffsets(logWeights, factor), [k, 1]),
      arrayOf(mean, [k, 1, d]),
      arrayOf(factor, [k, d, d]),
    ],
  );
}
