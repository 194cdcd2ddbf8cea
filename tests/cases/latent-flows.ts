/** Flows inside a variational autoencoder: what its posterior and its prior say is what they do. */
import { input, type Variable } from '../../src/graph/variable.ts';
import {
  buildModel,
  Inference,
  type LatentConfig,
  scoreRows,
  type Vae,
} from '../../src/models/index.ts';
import type { Linear } from '../../src/nn/index.ts';
import { add, logSumExp, reshape, slice } from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

const [D, M] = [5, 2];
const net = { hidden: [8], activation: 'tanh' } as const;

function build(flows: Partial<LatentConfig>): Vae {
  return buildModel<LatentConfig>({
    family: 'vae',
    data: { shape: [D] },
    encoder: { ...net, hidden: [8] },
    latent: M,
    decoder: { ...net, hidden: [8] },
    likelihood: { kind: 'bernoulli' },
    objective: { kind: 'elbo', samples: 1, kl: 'sampled', beta: 1 },
    init: 'torch',
    ...flows,
  }) as Vae;
}

const IAF = { posterior: 'iaf', posteriorFlow: { depth: 2, hidden: [6] } } as const;
const REALNVP = { prior: 'realnvp', priorFlow: { depth: 3, hidden: [6] } } as const;

/** Parameters away from their start, where a flow does nothing. */
function fill(runtime: Runtime, model: Vae): void {
  for (const [name, parameter] of model.namedParameters()) {
    runtime.write(parameter, reals(name, parameter.size, -0.5, 0.5));
  }
  const head = model.encoder.layers.at(-1) as Linear;
  // A posterior wider than the prior: else importance weights have no variance to speak of.
  const bias = reals('head', (head.bias as Variable).size, -0.2, 0.2).fill(1, M, 2 * M);
  runtime.write(head.bias as Variable, bias);
  runtime.write(head.weight, reals('rows', head.weight.size, -0.2, 0.2));
}

/** The centres of cells over ±10, where next to nothing lies outside. */
const SIDE = 200;
const STEP = 20 / SIDE;
const AREA = 2 * Math.log(STEP);
const GRID = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) => {
  const cell = i >> 1;
  return -10 + STEP * ((i % 2 === 0 ? cell % SIDE : Math.floor(cell / SIDE)) + 0.5);
});

const rows = Float32Array.from({ length: 3 * D }, (_, i) => ((i * 7) % 3 === 0 ? 1 : 0));

concurrentCases('flows in a VAE', (c) => {
  for (const [name, flows] of [
    ['plain', {}],
    ['posterior', IAF],
    ['prior', REALNVP],
    ['posterior and prior', { ...IAF, ...REALNVP }],
  ] as const) {
    c(
      `${name}: importance sampling finds log p(x) as a sum over the plane of codes does`,
      async (t) => {
        await withRuntime(t, async (runtime) => {
          const model = build(flows);
          fill(runtime, model);
          const z = input('z', [SIDE * SIDE, M]);
          runtime.write(z, GRID);
          const x = input('x', [3, 1, D]);
          runtime.write(x, rows);
          const logPrior = model.prior().logProb(z);
          const joint = add(
            reshape(logPrior, [1, SIDE * SIDE]),
            model.decode(reshape(z, [1, SIDE * SIDE, M])).logProb(x),
          );
          const plan = await runtime.compile({
            outputs: { prior: logSumExp(logPrior, -1), whole: logSumExp(joint, 1) },
          });
          await plan.run();
          const [prior] = await plan.read('prior');
          t.close([(prior as number) + AREA], [0], { absolute: 2e-3 }, 'the prior sums to 1');
          const exact = Array.from(await plan.read('whole'), (value) => value + AREA);
          const found = await scoreRows(runtime, model, (a, b) => rows.subarray(a * D, b * D), 3, {
            samples: 40_000,
          });
          exact.forEach((value, i) => {
            const [got, error] = [found.logProb[i] as number, found.standardError[i] as number];
            t.ok(
              error < 0.03 && Math.abs(got - value) < 5 * error + 2e-3,
              `log p(x) is ${got} ± ${error}, the sum ${value}`,
            );
          });
        });
      },
    );
  }

  c('draws of a posterior weigh what its inverse says', async (t) => {
    await withRuntime(t, async (runtime) => {
      const model = build(IAF);
      fill(runtime, model);
      const x = input('x', [3, D]);
      runtime.write(x, rows);
      const posterior = model.posterior({ x });
      const drawn = posterior.draw(1);
      const flow = model.posteriorFlow;
      const out = model.encoder.call(x);
      const back = flow?.inverse(drawn.value, slice(out, -1, 2 * M, 4 * M));
      if (!back) throw new Error('there is no flow');
      const base = model.encode(x);
      const plan = await runtime.compile({
        outputs: {
          logProb: drawn.logProb(),
          again: add(base.logProb(back.value), back.logDet),
          itself: posterior.logProb(drawn.value),
        },
      });
      await plan.run();
      t.close(await plan.read('logProb'), await plan.read('again'), { absolute: 1e-4 }, 'log q');
      t.close(await plan.read('itself'), await plan.read('again'), { absolute: 1e-4 }, 'of itself');
    });
  });

  c('draws come from the learned prior', async (t) => {
    await withRuntime(t, async (runtime) => {
      const model = build(REALNVP);
      fill(runtime, model);
      const inference = new Inference(runtime, model);
      const noise = reals('noise', 4 * M);
      const z = input('noise', [4, M]);
      runtime.write(z, noise);
      const plan = await runtime.compile({ outputs: { z: model.codeOfNoise(z) } });
      await plan.run();
      const codes = await plan.read('z');
      t.ok(
        codes.some((code, i) => Math.abs(code - (noise[i] as number)) > 0.1),
        'codes move',
      );
      const drawn = await inference.sample(400, 'mean', 3);
      const plain = build({});
      for (const [name, parameter] of plain.namedParameters()) {
        runtime.write(parameter, reals(name, parameter.size, -0.5, 0.5));
      }
      const other = new Inference(runtime, plain);
      const unmoved = await other.sample(400, 'mean', 3);
      t.ok(
        drawn.some((value, i) => Math.abs(value - (unmoved[i] as number)) > 0.05),
        'the prior is used',
      );
      await inference.destroy();
      await other.destroy();
    });
  });
});
