import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import {
  buildModel,
  type DataDescription,
  type FlowConfig,
  families,
  familyNames,
  familyOf,
  layersOf,
  modelJson,
  readModelJson,
  readWeights,
  settledConfig,
  writeWeights,
} from '../src/models/index.ts';
import { editDistance, nearest } from '../src/nearest.ts';
import { allowed, flatten, type Given, nest } from '../src/schema/index.ts';
import { FREE_KEYS } from '../src/training/config.ts';
import {
  assignments,
  fileValues,
  makeOptimizer,
  runConfig,
  runKeys,
  settleRun,
  totalSteps,
} from '../src/training/index.ts';
import { edits, mutate } from './support/mutate.ts';
import { refusalOf } from './support/refusal.ts';

/** Mutated files; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const FUZZ = Number(process.env.LATENTGPU_FUZZ ?? 1);
const RUNS = 10_000 * FUZZ;
vi.setConfig({ testTimeout: 60_000 * FUZZ });

/** Every key of some run. */
const KEYS = Object.assign({}, ...familyNames().map((name) => runKeys(name)));

/** The settled values of a run with the given `--set` texts. */
const settled = (texts: string[] = [], family = 'vae') =>
  settleRun(family, [assignments(family, texts)]);

const config = (texts: string[] = [], family = 'vae', shape = [4, 3]) =>
  runConfig(family, { shape }, settled(texts, family));

function refusal(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    expect(isLatentGpuError(error), `${error}`).toBe(true);
    const { code, message } = error as { code: string; message: string };
    expect(code).toMatch(/^bad-(config|format)$/);
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('was not refused');
}

describe('nearest', () => {
  test('counts edits', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('same', 'same')).toBe(0);
  });

  test.each([
    ['lr', 'optimizer.lr'],
    ['optimiser.lr', 'optimizer.lr'],
    ['latnet', 'latent'],
    ['Batch', 'batch'],
    ['encoder.hiden', 'encoder.hidden'],
    ['beta', 'objective.beta'],
    ['weight_decay', 'optimizer.weightDecay'],
  ])('%s may mean %s', (word, meant) => {
    expect(nearest(word, Object.keys(KEYS))).toBe(meant);
  });
});

describe('the table of keys', () => {
  test('gives every key a line of help, and a default that it allows itself', () => {
    for (const family of familyNames()) {
      for (const [name, value] of settled([], family)) {
        const key = KEYS[name];
        expect(key?.help.length, name).toBeGreaterThan(3);
        expect(key?.help, name).not.toMatch(/\n|\.$/);
        expect(() =>
          settleRun(family, [new Map([[name, { value, source: 'test' }]])]),
        ).not.toThrow();
      }
    }
    for (const name of FREE_KEYS) expect(Object.keys(KEYS)).toContain(name);
  });

  test('says what is allowed in words', () => {
    const keys: Record<string, unknown> = runKeys('vae');
    const words = (name: string) => allowed(keys[name] as never);
    expect(words('latent')).toBe('a whole number from 1 to 65536');
    expect(words('optimizer.lr')).toBe('a number above 0');
    expect(words('ema')).toBe('a number between 0 and 1, or null for none');
    expect(words('optimizer.betas')).toBe('2 numbers of at least 0 and below 1, as in [0.9,0.999]');
    expect(words('encoder.hidden')).toBe(
      'a list of whole numbers from 1 to 65536, as in [300], at most 100 of them',
    );
    expect(words('likelihood.kind')).toBe('one of bernoulli, normal, student-t, categorical');
  });
});

describe('--set', () => {
  test('reads every type', () => {
    const values = settled([
      'latent=7',
      'optimizer.lr=3e-4',
      'encoder.hidden=[200,100]',
      'decoder.hidden=64',
      'optimizer.betas=0.5,0.99',
      'likelihood.kind=normal',
      'likelihood.sigma=fixed',
      'likelihood.std=0.2',
      'clipNorm=5',
    ]);
    expect(nest(values)).toMatchObject({
      latent: 7,
      encoder: { hidden: [200, 100], activation: 'relu' },
      decoder: { hidden: [64] },
      optimizer: { kind: 'adam', lr: 3e-4, betas: [0.5, 0.99] },
      likelihood: { kind: 'normal', sigma: 'fixed', std: 0.2 },
      clipNorm: 5,
    });
    const none = settled(['encoder.hidden=[]', 'clipNorm=null', 'binarize=none']);
    expect(none.get('encoder.hidden')).toEqual([]);
    expect(none.get('clipNorm')).toBeNull();
    expect(none.get('binarize')).toBe('none');
  });

  test.each([
    ['lr=3', "--set: unknown key 'lr'; did you mean 'optimizer.lr'?"],
    ['latnet=3', "--set: unknown key 'latnet'; did you mean 'latent'?"],
    ['latent', "--set: 'latent' is not key=value, as in --set latent=7"],
    ['=3', "'=3' is not key=value"],
    ['latent=0', 'latent is 0; it must be a whole number from 1 to 65536'],
    ['latent=2.5', 'latent is 2.5; it must be a whole number'],
    ['latent=many', 'latent is "many"; it must be a whole number'],
    ['latent=', 'latent is ""; it must be a whole number'],
    ['latent=null', 'latent is null; it must be a whole number'],
    ['optimizer.lr=0', 'optimizer.lr is 0; it must be a number above 0'],
    ['optimizer.lr=1e999', 'optimizer.lr is "1e999"'],
    ['optimizer.betas=[0.9]', 'optimizer.betas is [0.9]; it must be 2 numbers'],
    ['optimizer.betas=[0.9,1]', 'below 1'],
    [`encoder.hidden=${new Array(101).fill(1)}`, 'as in [300], at most 100 of them'],
    ['encoder.hidden=[300,-1]', 'encoder.hidden is [300,-1]; it must be a list of whole numbers'],
    ['likelihood.kind=bernouli', "did you mean 'bernoulli'?"],
    ['encoder.activation=swish', 'encoder.activation is "swish"; it must be one of identity, relu'],
    ['ema=1', 'ema is 1; it must be a number between 0 and 1'],
    ['seed=-1', 'seed is -1; it must be a whole number of at least 0'],
    [
      'optimizer.momentum=0.9',
      'optimizer.momentum has no effect here; it goes with optimizer.kind sgd, and optimizer.kind is adam',
    ],
    ['likelihood.std=2', 'goes with likelihood.kind normal, and likelihood.kind is bernoulli'],
    ['likelihood.levels=4', 'goes with likelihood.kind categorical'],
    ['constructor=1', "unknown key 'constructor'"],
  ])('refuses %s', (text, why) => {
    expect(refusal(() => settled([text]))).toContain(why);
  });

  test('refuses an objective for a model without one', () => {
    const why = refusal(() => settled(['objective.samples=3'], 'ae'));
    expect(why).toContain('objective.samples has no effect here; it goes with family vae or iwae');
    expect(refusal(() => settled(['objective.beta=3'], 'iwae'))).toContain(
      'goes with objective.bound elbo',
    );
  });
});

describe('configuration files', () => {
  test('may nest keys or write them with dots', () => {
    const text = '{ "latent": 3, "optimizer": { "lr": 0.5 }, "schedule.kind": "cosine" }';
    const values = settleRun('vae', [fileValues('vae', text, 'f.json')]);
    expect(values.get('latent')).toBe(3);
    expect(values.get('optimizer.lr')).toBe(0.5);
    expect(values.get('schedule.kind')).toBe('cosine');
  });

  test.each([
    ['{', 'f.json: not JSON'],
    ['[]', 'f.json: the configuration must be an object'],
    ['3', 'f.json: the configuration must be an object'],
    ['{"optimizer": {"lr": 1}, "optimizer.lr": 2}', "f.json: 'optimizer.lr' is said twice; leave"],
    ['{"optimizer": 3}', "f.json: 'optimizer' must be an object of keys"],
    [
      '{"optimizer": {"rate": 3}}',
      "f.json: unknown key 'optimizer.rate'; did you mean 'optimizer.",
    ],
    ['{"__proto__": {"latent": 3}}', "unknown key '__proto__'"],
    ['{"lat\\nt": 3}', "unknown key 'lat\\nt'; did you mean 'latent'?"],
    ['{"latent": "3"}', 'f.json: latent is "3"; it must be a whole number from 1 to 65536'],
    ['{"epochs": 3, "steps": 10}', 'f.json: epochs and steps are both given'],
  ])('%s is refused', (text, why) => {
    expect(refusal(() => settleRun('vae', [fileValues('vae', text, 'f.json')]))).toContain(why);
  });

  test('give way to --set, and that to later sources', () => {
    const file = fileValues('vae', '{ "latent": 3, "batch": 10, "epochs": 7 }', 'f.json');
    const set = assignments('vae', ['latent=4', 'seed=9']);
    const flags = new Map<string, Given>([['steps', { value: 50, source: '--steps' }]]);
    const values = settleRun('vae', [file, set, flags]);
    expect(nest(values)).toMatchObject({ latent: 4, batch: 10, seed: 9, steps: 50, epochs: null });
    const other = settleRun('vae', [
      fileValues('vae', '{ "steps": 7 }', 'f.json'),
      assignments('vae', ['epochs=2']),
    ]);
    expect(nest(other)).toMatchObject({ steps: null, epochs: 2 });
  });

  test('settled values are a file that settles to the same values', () => {
    for (const family of familyNames()) {
      // Where no gradient is followed, there is no optimizer to be told of.
      const follows = familyOf(family).followsGradient === undefined;
      const rates = follows ? ['optimizer.kind=sgd', 'schedule.kind=step'] : [];
      for (const texts of [[], [...rates, 'steps=5']]) {
        const values = settled(texts, family);
        const again = settleRun(family, [flatten(KEYS, nest(values), 'f.json')]);
        expect(again).toEqual(values);
      }
    }
  });
});

describe('defaults', () => {
  test('of a program describe standardised data by normals', () => {
    const of = (data: DataDescription) => settledConfig({ family: 'vae', data }).likelihood;
    expect(of({ shape: [4] })).toEqual({ kind: 'bernoulli' });
    expect(of({ shape: [4], standardized: true })).toMatchObject({ kind: 'normal' });
  });

  test('follow the optimizer and the family', () => {
    expect(config().training).toMatchObject({
      batch: 100,
      epochs: 5,
      steps: null,
      optimizer: { kind: 'adam', lr: 1e-3, weightDecay: 0 },
    });
    expect(config(['optimizer.kind=sgd']).training.optimizer).toEqual({
      kind: 'sgd',
      lr: 1e-2,
      momentum: 0,
      weightDecay: 0,
      scheme: 'joint',
    });
    expect(config(['optimizer.kind=adamW']).training.optimizer.weightDecay).toBe(1e-2);
    expect(config(['optimizer.kind=adamax']).training.optimizer.lr).toBe(2e-3);
    expect(config(['steps=3']).training).toMatchObject({ steps: 3, epochs: null });
    expect(config().model.objective).toEqual({
      bound: 'elbo',
      estimator: 'reparameterized',
      samples: 1,
      kl: 'analytic',
      constraint: 'none',
      beta: 1,
      anneal: 'none',
      freeBits: 0,
      freeBitsBy: 'dimension',
      totalCorrelation: 0,
      discrepancy: 0,
    });
    expect(config([], 'iwae').model.objective).toEqual({
      bound: 'iwae',
      estimator: 'reparameterized',
      samples: 5,
    });
    expect(config([], 'ae').model.objective).toBeUndefined();
  });

  test('make the network of the lectures', () => {
    const { model } = config([], 'vae', [28, 28]);
    const names = buildModel(model)
      .namedParameters()
      .map(([name, { shape }]) => `${name} ${shape.join('×')}`);
    expect(names).toEqual([
      'encoder.0.weight 300×784',
      'encoder.0.bias 300',
      'encoder.1.weight 40×300',
      'encoder.1.bias 40',
      'decoder.0.weight 300×20',
      'decoder.0.bias 300',
      'decoder.1.weight 784×300',
      'decoder.1.bias 784',
    ]);
  });

  test.each([
    ['a linear model', ['encoder.hidden=', 'decoder.hidden='], 'vae', 8 * 12 + 8 + 12 * 4 + 12],
    ['two layers', ['encoder.hidden=5,6', 'decoder.hidden=6'], 'ae', 65 + 36 + 28 + 30 + 84],
    [
      'a deviation a pixel',
      ['likelihood.kind=normal', 'likelihood.sigma=pixel', 'encoder.hidden=2', 'decoder.hidden=2'],
      'vae',
      26 + 24 + 10 + 72,
    ],
    [
      'a shared deviation',
      ['likelihood.kind=normal', 'encoder.hidden=2', 'decoder.hidden=2'],
      'iwae',
      26 + 24 + 10 + 36 + 1,
    ],
    [
      'three levels',
      [
        'likelihood.kind=categorical',
        'likelihood.levels=3',
        'encoder.hidden=2',
        'decoder.hidden=2',
      ],
      'vae',
      26 + 24 + 10 + 108,
    ],
  ] as const)('build %s', (_, texts, family, count) => {
    const { model } = config([...texts, 'latent=4'], family);
    expect(buildModel(model).parameterCount()).toBe(count);
  });
});

/** Families whose models are bijections. */
const FLOWS = families()
  .filter(({ takesAnyRange }) => takesAnyRange)
  .map(({ name }) => name);

/** A flow's configuration, for images of grey levels unless told. */
function flow(family: string, texts: string[] = [], shape = [8, 8]): FlowConfig {
  const traits = { shape, isGrey: shape.length > 1 };
  return runConfig(family, { shape }, settleRun(family, [assignments(family, texts)], traits))
    .model as FlowConfig;
}

const LIST = 'layers=[{"type":"lu"},{"type":"split"},{"type":"actnorm"},{"type":"squeeze"}]';

describe('flows', () => {
  test('have defaults that follow the family and the data', () => {
    expect(flow('realnvp', [], [2])).toMatchObject({
      depth: 6,
      transform: { kind: 'spline', bins: 8 },
      mixing: 'none',
      dequantize: 'none',
      logit: null,
    });
    expect(flow('realnvp', [], [30])).toMatchObject({
      depth: 8,
      net: { hidden: [128, 128] },
      transform: { kind: 'affine', scale: 'soft' },
      mixing: 'random',
    });
    expect(flow('glow')).toMatchObject({
      levels: 2,
      transform: { scale: 'sigmoid' },
      mixing: 'lu',
      dequantize: 'uniform',
      logit: 1e-6,
    });
    expect(flow('maf', [], [5])).toMatchObject({ depth: 5, mixing: 'reverse', norm: 'actnorm' });
    expect(Object.keys(flow('linear-lu', [], [5]))).toEqual([
      'family',
      'data',
      'base',
      'dequantize',
      'logit',
    ]);
  });

  test('may be part of a VAE', () => {
    const { model } = config(['posterior=iaf', 'prior=realnvp', 'prior.depth=2']);
    expect(model).toMatchObject({
      posterior: { kind: 'iaf', depth: 4, hidden: [128] },
      prior: { kind: 'realnvp', depth: 2, hidden: [128] },
      objective: { kl: 'sampled' },
    });
    expect(readModelJson(modelJson(model))).toEqual({ config: model, extra: [] });
    expect(refusal(() => settled(['prior.depth=2']))).toContain('goes with prior.kind realnvp');
    expect(refusal(() => settled(['prior=realnvp'], 'ae'))).toContain(
      'goes with family vae or iwae',
    );
    const analytic = config(['prior=realnvp', 'objective.kl=analytic']).model;
    expect(refusal(() => buildModel(analytic))).toContain('has no closed form; leave it out');
    const one = config(['prior=realnvp', 'latent=1']).model;
    expect(refusal(() => buildModel(one))).toContain('codes of 2 numbers or more');
  });

  test('are lists of layers, from noise to data', () => {
    const types = (config: FlowConfig) => layersOf(config).map(({ type }) => type);
    expect(types(flow('glow', ['depth=1']))).toEqual([
      ...['coupling', 'lu', 'actnorm', 'squeeze', 'split'],
      ...['coupling', 'lu', 'actnorm', 'squeeze'],
    ]);
    expect(types(flow('maf', ['depth=2'], [5]))).toEqual([
      ...['autoregressive', 'actnorm', 'reverse', 'autoregressive', 'actnorm'],
    ]);
    const flips = (...texts: string[]) =>
      layersOf(flow('realnvp', ['depth=3', 'norm=none', ...texts], [4]))
        .filter(({ type }) => type === 'coupling')
        .map(({ flip }) => flip);
    expect(flips('mixing=none')).toEqual([false, true, false]);
    // A reversal already lets the other half move.
    expect(flips('mixing=reverse')).toEqual([false, false, false]);
  });

  test('come back from model.json and the weights as they were, buffers and all', () => {
    for (const family of FLOWS) {
      if (family === 'iaf') continue;
      const config = flow(family, family === 'flow' ? [LIST] : []);
      const { config: read, extra } = readModelJson(modelJson(config, '1.2.3'));
      expect(read, family).toEqual(config);
      expect(extra).toEqual([]);
      const [model, again] = [buildModel(config, 3), buildModel(read as FlowConfig, 4)];
      const initial = ([, held]: ReturnType<typeof model.namedBuffers>[number]) =>
        [held, held.init?.(held.shape, () => 0.25)] as const;
      const valuesOf = (pairs: ReturnType<typeof model.namedBuffers>) =>
        new Map(
          pairs.map((pair) => {
            const [held, values = []] = initial(pair);
            const data = held.dtype === 'u32' ? Uint32Array : Float32Array;
            return [held, data.from(values)] as const;
          }),
        );
      const bytes = writeWeights(
        valuesOf(model.namedParameters()) as Map<never, Float32Array>,
        undefined,
        valuesOf(model.namedBuffers()),
      );
      const found = readWeights(again, bytes);
      expect(found.extra, family).toEqual([]);
      expect([...found.buffers.values()]).toEqual([...valuesOf(model.namedBuffers()).values()]);
    }
  });

  test.each([
    ['layers=3', 'layers is 3; it must be a list of layers'],
    ['layers=[{"kind":"lu"}]', 'it must be a list of layers'],
    ['base.components=3', 'goes with base.kind mixture, and base.kind is normal'],
    ['logit=0.5', 'logit is 0.5; it must be a number between 0 and 0.5, or null for none'],
    ['depth=2', 'depth has no effect here'],
  ])('refuse %s', (text, why) => {
    expect(refusal(() => flow('flow', [text]))).toContain(why);
  });

  test.each([
    ['realnvp', ['mask=checkerboard'], [4], "a mask 'checkerboard' takes images [height, width]"],
    ['glow', [], [4], 'glow takes images [height, width]'],
    ['glow', [], [7, 8], 'images [7, 8, 1] cannot be squeezed'],
    ['realnvp', [], [1], 'of an event [1]; it takes 2 channels or more; a number alone takes'],
    ['iaf', [], [8, 9], '72 features are too many (at most 64)'],
    ['flow', ['layers=[{"type":"split"}]'], [4], 'layers[0] (split): there is no layer between'],
    [
      'flow',
      ['layers=[{"type":"split"},{"type":"actnorm"}]'],
      [5],
      'layers[0] (split): 5 channels cannot be halved',
    ],
  ] as const)('%s %j cannot be built for %j', (family, texts, shape, why) => {
    expect(refusal(() => buildModel(flow(family, [...texts], [...shape])))).toContain(why);
  });
});

describe('the length of a run and its learning rate', () => {
  test('epochs or steps', () => {
    expect(totalSteps({ steps: null, epochs: 3 }, 40)).toBe(120);
    expect(totalSteps({ steps: 7, epochs: null }, 40)).toBe(7);
  });

  test('every optimizer and schedule can be made', () => {
    for (const kind of ['adam', 'adamW', 'adamax', 'sgd']) {
      for (const course of ['constant', 'step', 'cosine', 'iwae']) {
        const { training } = config([`optimizer.kind=${kind}`, `schedule.kind=${course}`]);
        const optimizer = makeOptimizer(training, 10, 100);
        expect(optimizer.name).toBe(kind);
        expect(typeof optimizer.learningRate).toBe(course === 'constant' ? 'number' : 'function');
      }
    }
    const { training } = config(['schedule.warmup=10']);
    expect(typeof makeOptimizer(training, 10, 100).learningRate).toBe('function');
  });
});

describe(`${RUNS} mutated texts`, () => {
  /** What is read of a text with random damage. */
  const damaged = (text: string, read: (text: string) => unknown) => {
    const original = new TextEncoder().encode(text);
    const check = (list: Parameters<typeof mutate>[1]) => {
      refusalOf(() => read(new TextDecoder().decode(mutate(original, list))));
    };
    fc.assert(fc.property(edits, check), { numRuns: RUNS });
  };

  test('of model.json describe a model or give one clear line', () => {
    const { model } = config(['likelihood.kind=normal'], 'vae', [4, 3]);
    damaged(modelJson(model, '1.2.3'), (text) => {
      const { config: read } = readModelJson(text, 'model.json');
      expect(familyNames()).toContain(read.family);
      expect(read.data.shape.every((n) => Number.isSafeInteger(n) && n > 0)).toBe(true);
    });
  });

  test('of the model.json of a flow describe a model or give one clear line', () => {
    damaged(modelJson(flow('flow', [LIST]), '1.2.3'), (text) => {
      const { config: read } = readModelJson(text, 'model.json');
      // Whatever can be read can be built, or says why not.
      if (read.data.shape.reduce((a, b) => a * b) <= 256) buildModel(read);
    });
  });

  test('of a configuration settle or give one clear line', () => {
    const text = '{"latent": 3, "optimizer": {"lr": 0.5}, "schedule.kind": "cosine", "epochs": 2}';
    damaged(text, (changed) => settleRun('vae', [fileValues('vae', changed, 'f.json')]));
  });
});
