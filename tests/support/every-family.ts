/** A small model of every family, and of the varieties whose graphs differ: what exports are tried on. */
import type { Category } from '../../src/categories.ts';
import type { Variable } from '../../src/graph/variable.ts';
import type { OnnxPart, OnnxSource } from '../../src/interchange/onnx/index.ts';
import { buildModel, modelConfig } from '../../src/models/index.ts';
import { assignments, settleRun } from '../../src/training/index.ts';
import { reals } from './engine.ts';

export interface FamilyCase {
  readonly family: string;
  readonly set?: readonly string[];
  readonly shape?: readonly number[];
  readonly classNames?: readonly string[];
  /** Features that are words of a table. */
  readonly categories?: readonly Category[];
  /** Data points are series. */
  readonly isSequence?: boolean;
  /** Data are real numbers, not values in [0, 1]. Default: of all but images. */
  readonly isContinuous?: boolean;
  /** Values are so many grey levels. */
  readonly levels?: number;
  /** Parts for which ONNX has no nodes, and what is said of them. */
  readonly lacks?: Partial<Record<OnnxPart, string>>;
}

const NETS = ['encoder.hidden=9', 'decoder.hidden=9', 'latent=3'];
const SEQUENTIAL = "the op 'causalSolve'";
const DRAWN = 'noise that is drawn';

/** Nets of convolutions that go down twice, and back. */
const convolutional = (kind: string, kernel: number) => [
  'latent=3',
  ...['encoder', 'decoder'].flatMap((net) => [
    `${net}.kind=${kind}`,
    `${net}.channels=4,8`,
    `${net}.strides=2,2`,
    `${net}.kernel=${kernel}`,
    `${net}.residual=1`,
  ]),
];

/** Two layers of units. */
const recurrent = (net: string, cell: string) => [
  `${net}.kind=recurrent`,
  `${net}.hidden=4,8`,
  `${net}.cell=${cell}`,
];

export const CASES: readonly FamilyCase[] = [
  { family: 'vae', set: NETS, isContinuous: false },
  {
    family: 'vae',
    set: [...convolutional('conv', 3), 'likelihood.kind=normal', 'likelihood.sigma=pixel'],
    shape: [9, 6, 3],
  },
  {
    family: 'vae',
    set: [...NETS, 'likelihood.kind=normal'],
    shape: [8],
    categories: [
      { column: 'a', at: 1, levels: ['x', 'y', 'z'] },
      { column: 'b', at: 4, levels: ['u', 'v'] },
      { column: 'c', at: 6, levels: ['u', 'v'] },
    ],
  },
  { family: 'ae', set: convolutional('conv1d', 4), shape: [11, 2] },
  ...['full', 'iaf'].map((kind) => ({ family: 'vae', set: [...NETS, `posterior.kind=${kind}`] })),
  { family: 'vae', set: [...NETS, 'prior.kind=realnvp'] },
  { family: 'cvae', set: NETS, classNames: ['a', 'b', 'c'] },
  { family: 'cvae', set: [...NETS, 'condition=2,0'], shape: [4] },
  {
    family: 'vae',
    set: [...NETS, 'code.kind=categorical', 'code.groups=2', 'code.classes=3'].filter(
      (text) => !text.startsWith('latent'),
    ),
  },
  { family: 'realnvp', set: ['net.hidden=8', 'depth=3'] },
  { family: 'realnvp', set: ['net.hidden=8', 'depth=2', 'transform.kind=affine'], shape: [5] },
  { family: 'maf', set: ['net.hidden=8', 'depth=2'] },
  { family: 'iaf', set: ['net.hidden=8', 'depth=1'] },
  { family: 'linear-lu', shape: [4] },
  { family: 'linear-qr', shape: [4] },
  {
    family: 'emerging',
    set: ['depth=1', 'dequantize=none'],
    shape: [4, 4],
    lacks: { decoder: SEQUENTIAL },
  },
  {
    family: 'glow',
    set: ['net.hidden=6', 'depth=1', 'levels=2', 'dequantize=none'],
    shape: [8, 8],
    isContinuous: false,
  },
  {
    family: 'glow',
    set: ['net.hidden=6', 'depth=1', 'levels=2', 'dequantize=uniform'],
    shape: [8, 8],
    isContinuous: false,
    lacks: { density: DRAWN, encoder: DRAWN },
  },
  { family: 'iwae', set: NETS },
  { family: 'vae', set: [...NETS, 'encoder.norm=batch', 'decoder.norm=layer'] },
  { family: 'cvae', set: [...NETS, 'decoder.norm=batch'], classNames: ['a', 'b', 'c'] },
  {
    family: 'ae',
    set: [...convolutional('conv', 3), 'encoder.norm=group', 'decoder.norm=batch'],
    shape: [6, 5],
  },
  { family: 'vae', set: [...NETS, 'prior.kind=vamp', 'prior.components=4'] },
  { family: 'vae', set: [...NETS, 'prior.kind=mixture', 'prior.components=4'] },
  { family: 'vae', set: [...NETS, 'objective.constraint=kl'] },
  { family: 'vae', set: [...NETS, 'objective.anneal=cyclical'] },
  { family: 'vae', set: [...NETS, 'likelihood=student-t', 'posterior=student-t'] },
  { family: 'iwae', set: [...NETS, 'objective.estimator=dreg'] },
  {
    family: 'vae',
    set: [
      ...NETS,
      'objective.estimator=score',
      'objective.samples=3',
      'objective.baseline=network',
    ],
  },
  { family: 'vae', set: [...NETS, 'objective.estimator=score', 'objective.baseline=mean'] },
  { family: 'vae', set: [...NETS, 'objective.estimator=stl'] },
  { family: 'vae', set: [...NETS, 'decoder.receptive=2'], shape: [4, 4, 3], isContinuous: false },
  { family: 'vae', set: [...NETS, 'decoder.receptive=4'], shape: [6, 2], isSequence: true },
  {
    family: 'vae',
    set: ['latent=3', ...recurrent('encoder', 'gru'), ...recurrent('decoder', 'lstm')],
    shape: [6, 2],
    isSequence: true,
  },
  {
    family: 'iwae',
    set: ['latent=3', ...recurrent('encoder', 'lstm'), ...recurrent('decoder', 'gru')],
    shape: [5],
    isSequence: true,
  },
  {
    family: 'cvae',
    set: [...NETS, 'decoder.receptive=3', 'decoder.holes=true'],
    shape: [6, 2],
    isSequence: true,
    classNames: ['a', 'b', 'c'],
  },
  {
    family: 'cvae',
    set: [...convolutional('conv', 3), 'encoder.norm=group'],
    shape: [6, 5],
    classNames: ['a', 'b', 'c'],
  },
  {
    family: 'cvae',
    set: ['latent=3', ...recurrent('encoder', 'gru'), ...recurrent('decoder', 'lstm')],
    shape: [6, 2],
    isSequence: true,
    classNames: ['a', 'b', 'c'],
  },
  {
    family: 'm2',
    set: [
      'latent=3',
      'classifier.hidden=7',
      ...recurrent('encoder', 'lstm'),
      ...recurrent('decoder', 'gru'),
    ],
    shape: [5],
    isSequence: true,
    classNames: ['a', 'b', 'c'],
  },
  {
    family: 'hvae',
    set: ['latents=3,2', ...recurrent('encoder', 'gru'), ...recurrent('decoder', 'gru')],
    shape: [6, 2],
    isSequence: true,
  },
  {
    family: 'm2',
    set: [...convolutional('conv1d', 3), ...recurrent('classifier', 'gru')],
    shape: [7, 2],
    isSequence: true,
    classNames: ['a', 'b', 'c'],
  },
  {
    family: 'm2',
    set: ['encoder.hidden=9', 'decoder.hidden=9', 'classifier.hidden=7', 'latent=3'],
    classNames: ['a', 'b', 'c'],
  },
  { family: 'hvae', set: ['latents=4,3', 'inference=residual'], isContinuous: false },
  {
    family: 'hvae',
    set: [
      'latents=3,2',
      ...convolutional('conv', 3).slice(1),
      'between.hidden=6',
      'encoder.norm=group',
    ],
    shape: [6, 5],
  },
  {
    family: 'hvae',
    set: ['latents=4,3', 'inference=top-down', 'encoder.norm=batch', 'decoder.norm=batch'],
    isContinuous: false,
  },
  // Of a run on so many rows.
  { family: 'vade', set: [...NETS, 'components=3', 'start.rows=40'] },
  { family: 'gmm', set: ['components=3'] },
  { family: 'gmm', set: ['components=3', 'fit=gradient', 'covariance=tied'] },
  { family: 'gmm', set: ['components=2', 'covariance=diagonal'], shape: [4] },
  { family: 'ppca', set: ['latent=1'], shape: [4] },
  { family: 'ppca', set: ['latent=2', 'fit=gradient'], shape: [4] },
  { family: 'ar', set: ['net.kind=mlp', 'net.hidden=8'], shape: [4] },
  { family: 'ar', set: ['order=2'], shape: [4] },
  { family: 'ar', set: recurrent('net', 'lstm'), shape: [6] },
  { family: 'made', set: ['net.hidden=8', 'masks=2'], shape: [5], isContinuous: false },
  {
    family: 'made',
    set: ['net.hidden=8', 'likelihood.kind=categorical', 'likelihood.levels=3'],
    shape: [5],
    isContinuous: false,
    levels: 3,
  },
  {
    family: 'pixelcnn',
    set: ['net.channels=4', 'net.layers=2'],
    shape: [5, 4],
    isContinuous: false,
  },
  {
    family: 'pixelcnn',
    set: [
      'net.channels=4',
      'net.layers=2',
      'likelihood.kind=logistic-mixture',
      'likelihood.levels=4',
    ],
    shape: [5, 4, 3],
    isContinuous: false,
    levels: 4,
  },
  {
    family: 'glow',
    set: ['net.hidden=6', 'depth=1', 'levels=2', 'dequantize=variational'],
    shape: [8, 8],
    isContinuous: false,
    lacks: { density: DRAWN, encoder: DRAWN },
  },
  { family: 'bayes-linear', shape: [3] },
  { family: 'classifier', classNames: ['a', 'b', 'c'] },
  {
    family: 'classifier',
    set: ['kind=conv', 'channels=4,8', 'strides=2,1', 'kernel=3', 'residual=1', 'norm=batch'],
    shape: [6, 5, 2],
    classNames: ['a', 'b'],
  },
];

/** The model of a case with numbers away from their initial ones. */
export function sourceOf(one: FamilyCase): OnnxSource {
  const { family, set = [], shape = [2], classNames, categories } = one;
  const { isSequence, isContinuous = true } = one;
  const sequence = isSequence && {};
  const traits = { shape, isContinuous, ...(sequence && { sequence }) };
  const values = settleRun(family, [assignments(family, [...set])], traits as never);
  const data = {
    shape: [...shape],
    ...(classNames && { classNames }),
    ...(categories && { categories }),
    ...(sequence && { sequence }),
  };
  const config = modelConfig(family, data, values);
  const model = buildModel(config, 7);
  let state = 1;
  const random = () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
  const made = (list: [string, Variable][], noise: number) =>
    new Map(
      list.map(([name, variable]) => {
        const start = variable.init?.(variable.shape, random);
        const own = /running_(mean|var)$/.test(name) ? 0.5 : noise;
        const moved = reals(name, variable.size, -own, own);
        return [variable, moved.map((x, i) => x + (start?.[i] ?? 0))];
      }),
    );
  return {
    config,
    model,
    weights: made(model.namedParameters(), 0.3),
    buffers: made(model.namedBuffers(), 0),
    standardization: undefined,
  };
}
