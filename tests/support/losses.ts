/** The losses of two short trainings, for a comparison of engines. */
import { digits } from '../../src/data/index.ts';
import { plane } from '../../src/data/plane.ts';
import { openDevice } from '../../src/device/index.ts';
import { Bernoulli } from '../../src/distributions/index.ts';
import { ActNorm, affine, Chain, Coupling, Flow, LuLinear } from '../../src/flows/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { MLP, Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { Trainer, type TrainerOptions } from '../../src/training/index.ts';

const STEPS = 20;

class SmallVae extends Module {
  encoder = new MLP([784, 32, 8], 'relu');
  decoder = new MLP([4, 32, 784], 'relu');

  loss(x: Tensor): Tensor {
    const [mean, logStd] = o.split(this.encoder.call(x), [4, 4]) as [Tensor, Tensor];
    const z = o.reparameterize(mean, logStd, o.randomNormal(mean.shape));
    const likelihood = new Bernoulli(this.decoder.call(z)).logProb(x);
    return o.mean(o.sub(o.sum(o.klStandardNormal(mean, logStd), 1), likelihood));
  }
}

function vae(): TrainerOptions {
  const model = new SmallVae();
  const data = digits({ count: 200, seed: 5 });
  return {
    model,
    data,
    batch: 20,
    loss: ({ x }) => ({ loss: model.loss(x) }),
    optimizer: adam({ lr: 1e-3 }),
    binarize: 'resampled',
    seed: 4,
  };
}

function flow(): TrainerOptions {
  const coupling = (flip: boolean) =>
    new Coupling({
      shape: [2],
      transformer: affine(),
      net: ([from = 0], [to = 0]) => new MLP([from, 16, to], 'tanh'),
      flip,
    });
  const model = new Flow(
    new Chain([coupling(false), new LuLinear([2], 1), coupling(true), new ActNorm([2])]),
  );
  return {
    model,
    data: plane('moons', { count: 256 }),
    batch: 64,
    loss: ({ x }) => {
      const { logProb, effects } = model.learn(x);
      return { loss: o.neg(o.mean(logProb)), effects };
    },
    start: ({ x }) => model.start(x),
    optimizer: adam({ lr: 1e-2 }),
    seed: 2,
  };
}

/** The loss of every step, of a VAE on digits and of a flow on the plane. */
export async function trainingLosses(): Promise<Record<string, number[]>> {
  const device = await openDevice();
  try {
    const losses: Record<string, number[]> = {};
    for (const [name, options] of Object.entries({ vae: vae(), flow: flow() })) {
      const trainer = await Trainer.create(options, () => Promise.resolve(device));
      const list: number[] = [];
      for (let i = 0; i < STEPS; i++) list.push((await trainer.run(1)).metrics.loss as number);
      losses[name] = list;
      trainer.runtime.destroy();
    }
    return losses;
  } finally {
    device.destroy();
  }
}
