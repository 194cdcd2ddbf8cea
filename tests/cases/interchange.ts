/** A VAE trained in PyTorch computes here what it computes there (bench/reference/vae.py). */

import { klDivergence, Normal, StandardNormal } from '../../src/distributions/index.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import {
  buildModel,
  Inference,
  readModelJson,
  readWeights,
  Vae,
  writeWeights,
} from '../../src/models/index.ts';
import type { Posterior } from '../../src/objectives/index.ts';
import { bernoulliLogProb, reparameterize, sub, sum } from '../../src/ops/index.ts';
import forwardUrl from '../fixtures/torch-vae/forward.safetensors?url&inline';
import modelText from '../fixtures/torch-vae/model.json?raw';
import weightsUrl from '../fixtures/torch-vae/weights.safetensors?url&inline';
import { type CaseContext, cases } from '../rig/cases.ts';
import { check, withRuntime } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';

/** The bytes of a file that was bundled as a data URL. */
async function bytesOf(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}

async function torchVae(t: CaseContext) {
  const { config, extra } = readModelJson(modelText);
  t.equal(extra, [], 'keys of model.json');
  const model = buildModel(config) as Vae;
  t.ok(model instanceof Vae, 'a VAE');
  const bytes = await bytesOf(weightsUrl);
  const weights = readWeights(model, bytes);
  t.equal(weights.extra, [], 'tensors of weights.safetensors');
  const { tensors } = readSafetensors(await bytesOf(forwardUrl));
  const forward = (name: string) => tensors.get(name)?.data as Float32Array;
  return { model, bytes, values: weights.values, forward };
}

cases('interchange', (c) => {
  c('encodes, decodes and bounds as PyTorch does', async (t) => {
    const { model, values, forward } = await torchVae(t);
    const [B, D, M] = [4, 784, 8];
    const [x, noise] = [input('x', [B, D]), input('noise', [B, M])];
    const q = model.posterior({ x }) as Posterior & { logStd: Tensor };
    const z = reparameterize(q.mean, q.logStd, noise);
    const logits = model.decoder.call(z);
    const kl = klDivergence(new Normal(q.mean, q.logStd), new StandardNormal(q.mean.shape));
    const negativeElbo = sub(kl, sum(bernoulliLogProb(logits, x), -1));
    const outputs = { mean: q.mean, logStd: q.logStd, z, logits, kl, negativeElbo };
    const given = new Map<Variable, Float32Array>(values)
      .set(x, forward('x'))
      .set(noise, forward('noise'));
    // PyTorch's figures are of float64, stored as float32.
    const reference = referenceOf(outputs, given);
    for (const name of Object.keys(outputs) as (keyof typeof outputs)[]) {
      const tolerance = { relative: 2 ** -24, absolute: 1e-9 };
      t.close(reference[name], forward(name), tolerance, name);
    }
    await check(t, { outputs }, given);
  });

  c('answers through the runtime, and writes the same tensors', async (t) => {
    const { model, bytes, values, forward } = await torchVae(t);
    await withRuntime(t, async (runtime) => {
      for (const [parameter, numbers] of values) runtime.write(parameter, numbers);
      const inference = new Inference(runtime, model);
      // Sums of 784 and 64 terms that are mostly small.
      const tolerance = { absolute: 2e-5 };
      const { mean, logStd } = await inference.encode(forward('x'), 4);
      t.close(mean, forward('mean'), tolerance, 'mean');
      t.close(logStd as Float32Array, forward('logStd'), tolerance, 'logStd');
      const decoded = await inference.decode(forward('z'), 4);
      const odds = forward('logits').map((logit) => 1 / (1 + Math.exp(-logit)));
      t.close(decoded, odds, tolerance, 'decoded');
      const back = new Map<Variable, Float32Array>();
      for (const parameter of values.keys()) {
        back.set(parameter, (await runtime.read(parameter)) as Float32Array);
      }
      const plain = (file: Uint8Array) =>
        [...readSafetensors(file).tensors].map(([name, { shape, data }]) => ({
          name,
          shape,
          data,
        }));
      const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
      t.equal(plain(writeWeights(back)).sort(byName), plain(bytes).sort(byName));
    });
  });
});
