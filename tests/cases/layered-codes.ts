/** Codes in layers: on the linear-Gaussian model, whose log p(x) is known, both inferences bound it. */
import { input, type Variable } from '../../src/graph/variable.ts';
import type { HierarchicalVae } from '../../src/models/families/hvae/model.ts';
import { buildModel } from '../../src/models/index.ts';
import { settledConfig } from '../../src/models/model-json.ts';
import { elbo, importanceBound } from '../../src/objectives/index.ts';
import { mean } from '../../src/ops/index.ts';
import { cases } from '../rig/cases.ts';
import { check, reals } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';

cases('codes in layers', (c) => {
  for (const inference of ['residual', 'top-down', 'bottom-up']) {
    c(`${inference}: ELBO < IWAE < log p(x), as the reference has them`, async (t) => {
      const rows = 64;
      const config = settledConfig({
        family: 'hvae',
        data: { shape: [1] },
        latents: [1, 1],
        inference,
        encoder: { hidden: [3], activation: 'identity' },
        decoder: { hidden: [], activation: 'identity' },
        between: { hidden: [2] },
        likelihood: { kind: 'normal', sigma: 'fixed', std: 0.5 },
      } as never);
      const model = buildModel(config) as HierarchicalVae;
      const x = input('x', [rows, 1]);
      const values = new Map<Variable, ArrayLike<number>>(
        model.namedParameters().map(([name, p]) => [p, reals(name, p.size, -0.5, 0.5)]),
      );
      // z₁ = a z₂ + e, x = b z₁ + 0.5 e: the nets between them are linear.
      const set = (name: string, numbers: number[]) => {
        const found = model.namedParameters().find(([own]) => own === name) as [string, Variable];
        values.set(found[1], Float32Array.from(numbers));
      };
      const [a, b, s] = [0.8, 1.2, 0.7];
      set('priors.0.0.weight', [1, 0]);
      set('priors.0.0.bias', [0, 0]);
      set('priors.0.1.weight', [a, 0, 0, 0]);
      set('priors.0.1.bias', [0, Math.log(s)]);
      set('decoder.0.weight', [b]);
      set('decoder.0.bias', [0]);
      const data = reals('data', rows, -2, 2);
      values.set(x, data);
      const variance = b * b * (a * a + s * s) + 0.25;
      const logP = data.map((v) => -0.5 * ((v * v) / variance + Math.log(2 * Math.PI * variance)));
      const outputs = {
        elbo: elbo(model, { x }, { samples: 20 }).bound,
        iwae: importanceBound(model, { x }, 20).bound,
        mean: model.posterior({ x }).mean,
      };
      await check(t, { outputs: { mean: outputs.mean, elbo: mean(outputs.elbo) } }, values);
      const found = referenceOf(outputs, values);
      const of = (all: ArrayLike<number>) => Array.from(all).reduce((p, q) => p + q, 0) / rows;
      t.ok(of(found.elbo) < of(found.iwae), `${of(found.elbo)} < ${of(found.iwae)}`);
      t.ok(of(found.iwae) < of(logP) + 0.05, `${of(found.iwae)} < ${of(logP)}`);
    });
  }
});
