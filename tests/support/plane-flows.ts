/** Flows fitted to densities of the plane, and what is asked of them. */
import { plane } from '../../src/data/plane.ts';
import { ActNorm, affine, Chain, Coupling, Flow, spline } from '../../src/flows/index.ts';
import { input } from '../../src/graph/variable.ts';
import { MLP } from '../../src/nn/index.ts';
import { mean, neg } from '../../src/ops/index.ts';
import { adam, cosine } from '../../src/optim/index.ts';
import type { Runtime } from '../../src/scheduler/run/runtime.ts';
import type { TrainerOptions } from '../../src/training/index.ts';

const forms = {
  moons: { transformer: affine(), couplings: 6 },
  'eight-gaussians': { transformer: spline({ bound: 4 }), couplings: 4 },
};

/** Couplings between ActNorms. @param steps of the whole training */
export function coupled(name: keyof typeof forms, steps: number): TrainerOptions {
  const { transformer, couplings } = forms[name];
  const parts = Array.from({ length: couplings }, (_, i) => [
    new Coupling({
      shape: [2],
      transformer,
      net: ([from = 0], [to = 0]) => new MLP([from, 32, 32, to], 'relu', { zeroOutput: true }),
      flip: i % 2 === 1,
    }),
    new ActNorm([2]),
  ]);
  const flow = new Flow(new Chain(parts.flat()));
  return {
    model: flow,
    data: plane(name, { count: 20_000 }),
    batch: 256,
    loss: ({ x }) => {
      const { logProb, effects } = flow.learn(x);
      return { loss: neg(mean(logProb)), effects };
    },
    start: ({ x }) => flow.start(x),
    optimizer: adam({ lr: cosine(5e-3, steps) }),
    seed: 1,
  };
}

/** Of a side of the square that a density is summed over; its square is how many points are weighed at once. */
const SIDE = 150;

/** log p of `SIDE`² points: one set of kernels, whichever they are. */
async function logProbOf(
  runtime: Runtime,
  flow: Flow,
  points: Float32Array,
): Promise<Float32Array> {
  const x = input('x', [SIDE * SIDE, 2]);
  runtime.write(x, points);
  const plan = await runtime.compile({ outputs: { logProb: flow.logProb(x) } });
  await plan.run();
  return (await plan.read('logProb')) as Float32Array;
}

/** Mean negative log-likelihood of points that nothing was trained on, in nats. */
export async function heldOut(runtime: Runtime, flow: Flow, name: string): Promise<number> {
  const count = SIDE * SIDE;
  const { data } = plane(name, { count, split: 'test' });
  const logProb = await logProbOf(runtime, flow, data as Float32Array);
  return -logProb.reduce((sum, y) => sum + y, 0) / count;
}

/** The integral of a density of the plane over ±6. */
export async function totalMass(runtime: Runtime, flow: Flow): Promise<number> {
  const step = 12 / SIDE;
  const at = (i: number) => -6 + (i + 0.5) * step;
  const points = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, i) =>
    at(i % 2 === 0 ? Math.floor(i / 2) % SIDE : Math.floor(i / 2 / SIDE)),
  );
  const logProb = await logProbOf(runtime, flow, points);
  return logProb.reduce((sum, y) => sum + Math.exp(y), 0) * step * step;
}
