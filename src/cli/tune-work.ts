// What is tuned where nobody names a model: the steps, products and folds that the benchmark measures.
import { kernelNames, kernelRow } from '../bench/kernels.ts';
import { affine, Chain, Coupling, Flow, negativeLogLikelihood } from '../flows/index.ts';
import { input } from '../graph/variable.ts';
import { Vae } from '../models/index.ts';
import { MLP } from '../nn/index.ts';
import { adam, minimize } from '../optim/index.ts';
import type { Program } from '../scheduler/index.ts';
import { describeStep, learningOf } from '../training/index.ts';

export interface TuningWork {
  readonly name: string;
  readonly programs: readonly Program[];
}

/** The lectures' network, 784-300-20, on bytes. */
function vaeStep(): Program {
  const net = { hidden: [300], activation: 'relu' as const };
  const model = new Vae({
    shape: [28, 28],
    encoder: net,
    latent: 20,
    decoder: net,
    likelihood: { kind: 'bernoulli' },
    objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
    init: 'torch',
  });
  const { effects } = describeStep({
    model,
    ...learningOf(model),
    // Described, not read.
    data: { name: 'images', source: '', count: 1000, shape: [28, 28], data: new Uint8Array(0) },
    batch: 100,
    binarize: 'resampled',
    optimizer: adam({ lr: 1e-3 }),
  });
  return { effects };
}

function realNvpStep(): Program {
  const [couplings, features, hidden, batch] = [8, 64, 128, 256];
  const coupling = (_: unknown, i: number) =>
    new Coupling({
      shape: [features],
      transformer: affine(),
      net: ([from = 0], [to = 0]) => new MLP([from, hidden, hidden, to], 'relu'),
      flip: i % 2 === 1,
    });
  const flow = new Flow(new Chain(Array.from({ length: couplings }, coupling)));
  const loss = negativeLogLikelihood(flow, input('x', [batch, features]));
  const { effects } = minimize(loss, flow.parameters(), { optimizer: adam({ lr: 1e-3 }) });
  return { effects };
}

/** Rows, columns, and rows within rows. */
const FOLDS = [
  'sum of rows 4096×512',
  'sum of columns 4096×512',
  'log-sum-exp of rows 4096×512',
  'normal, log-sum-exp 4096×50×20',
];

const program = (name: string): Program => kernelRow(name).build().program;

/** In the order in which they are tuned: what people run comes first. */
export function commonWork(isSoftware: boolean): TuningWork[] {
  const products = kernelNames(isSoftware).filter((name) => name.startsWith('product'));
  return [
    { name: 'VAE step 784-300-20, batch 100', programs: [vaeStep()] },
    { name: 'RealNVP step, 8 couplings, batch 256', programs: [realNvpStep()] },
    { name: 'products', programs: products.map(program) },
    { name: 'folds', programs: FOLDS.map(program) },
  ];
}
