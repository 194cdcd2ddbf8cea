/** The losses of short trainings, for a comparison of engines. */
import { digits } from '../../src/data/index.ts';
import { plane } from '../../src/data/plane.ts';
import { signal } from '../../src/data/signals.ts';
import { type Device, openDevice } from '../../src/device/index.ts';
import { Bernoulli } from '../../src/distributions/index.ts';
import {
  ActNorm,
  Autoregressive,
  affine,
  Chain,
  Coupling,
  Flow,
  LuLinear,
  spline,
} from '../../src/flows/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as nn from '../../src/nn/index.ts';
import { MLP, Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam, adamW, cosine } from '../../src/optim/index.ts';
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

/** Convolutions, statistics of a batch, dropout; a norm that is clipped, and rows that are streamed. */
class Convolved extends Module {
  down = new nn.Conv2d(1, 4, { stride: 2 });
  norm = new nn.BatchNorm(4);
  dropout = new nn.Dropout(0.2);
  up = new nn.ConvTranspose2d(4, 1, { stride: 2 });

  loss(x: Tensor): Tensor {
    const image = o.reshape(x, [x.shape[0] as number, 28, 28, 1]);
    const hidden = this.dropout.call(o.relu(this.norm.call(this.down.call(image))));
    const decoded = o.reshape(this.up.call(hidden), x.shape);
    return o.neg(o.mean(new Bernoulli(decoded).logProb(x)));
  }
}

function convolved(): TrainerOptions {
  const model = new Convolved();
  return {
    model,
    data: digits({ count: 60, seed: 6 }),
    batch: 10,
    loss: ({ x }) => ({ loss: model.loss(x) }),
    optimizer: adamW({ lr: cosine(1e-2, 40) }),
    clipNorm: 5,
    ema: 0.9,
    binarize: 'resampled',
    residentBytes: 10_000,
    seed: 8,
  };
}

/** The next number of a walk, by a layer whose steps are a kernel and a cell that is scanned. */
class Walker extends Module {
  gru = new nn.GRU(1, [8]);
  fresh = new nn.Linear(8, 5);
  past = new nn.Linear(5, 5);
  out = new nn.Linear(5, 1);

  loss(x: Tensor): Tensor {
    const [rows, steps] = x.shape as [number, number];
    const series = o.reshape(x, [rows, steps, 1]);
    const states = o.transpose(this.gru.call(nn.delayed(series)), [1, 0, 2]);
    const scanned = nn.scan(states, o.zeros([rows, 5]), (now, before) => {
      const state = o.tanh(o.add(this.fresh.call(now), this.past.call(before)));
      return { state, output: this.out.call(state) };
    });
    return o.mean(o.square(o.sub(o.transpose(scanned, [1, 0, 2]), series)));
  }
}

function walker(): TrainerOptions {
  const model = new Walker();
  return {
    model,
    data: signal('random-walks', { count: 40, window: 9, seed: 3 }),
    batch: 16,
    loss: ({ x }) => ({ loss: model.loss(x) }),
    optimizer: adam({ lr: 1e-2 }),
    seed: 5,
  };
}

/** Masked nets that tell the knots of splines. */
function splines(): TrainerOptions {
  const model = new Flow(
    new Autoregressive({ features: 2, hidden: [12], transformer: spline({ bins: 4 }) }),
  );
  return {
    model,
    data: plane('moons', { count: 128 }),
    batch: 32,
    loss: ({ x }) => ({ loss: o.neg(o.mean(model.logProb(x))) }),
    optimizer: adam({ lr: 1e-2 }),
    seed: 7,
  };
}

const trainings = { vae, flow, convolved, walker, splines };

/** The loss of every step of each training, by its name. */
export type Losses = Record<string, number[]>;

async function trainingLosses(device: Device): Promise<Losses> {
  const losses: Losses = {};
  for (const [name, make] of Object.entries(trainings)) {
    const trainer = await Trainer.create(make(), () => Promise.resolve(device));
    const list: number[] = [];
    for (let i = 0; i < STEPS; i++) list.push((await trainer.run(1)).metrics.loss as number);
    losses[name] = list;
    trainer.runtime.destroy();
  }
  return losses;
}

/**
 * The losses of two runs on one device, which compiles once. At a time: an engine that looks at its GPU now
 * and then is waited for once.
 */
export async function twiceTrained(): Promise<[Losses, Losses]> {
  const device = await openDevice();
  try {
    return await Promise.all([trainingLosses(device), trainingLosses(device)]);
  } finally {
    device.destroy();
  }
}
