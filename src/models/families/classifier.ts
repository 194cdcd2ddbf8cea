// A classifier: p(y | x) by a net, which knows nothing of p(x) and goes beside a model that does.
import { hottest } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Batch, type LinearInit, Module } from '../../nn/index.ts';
import { logSoftmax, mean, mul, neg, oneHot, softmax, sub, sum } from '../../ops/index.ts';
import type { Schema, Value } from '../../schema/index.ts';
import type { Abilities } from '../abilities.ts';
import type { DataDescription } from '../data-description.ts';
import type { Family } from '../family.ts';
import type { GradientLearner } from '../learner.ts';
import type { Model, Portrait } from '../model.ts';
import { inwardKeys, makeEncoder, type Net, type NetConfig, netWords } from '../nets/index.ts';
import { INIT_KEYS } from './coded.ts';

interface ClassifierConfig extends NetConfig {
  readonly init: LinearInit;
}

/** p(y | x) = softmax of a net of x [B, D]. */
export class Classifier extends Module implements Model {
  readonly features: number;
  readonly classes: readonly string[];
  readonly net: Net;
  private readonly config: ClassifierConfig;

  /** @throws LatentGpuError `bad-config` for data of one class */
  constructor(config: ClassifierConfig, { shape, classNames = [] }: DataDescription) {
    super();
    if (classNames.length < 2) {
      throw new LatentGpuError(
        'bad-config',
        `a classifier tells classes apart, and the data have ${classNames.length}; name data with classes, or a table's column with --label-column`,
      );
    }
    this.config = config;
    this.features = shape.reduce((a, b) => a * b, 1);
    this.classes = classNames;
    const { init } = config;
    this.net = makeEncoder(config, { shape, code: classNames.length, init, under: '' });
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  /** log p(y | x) of the rows' own classes, [B], and whether they are the likeliest. */
  private toldBy({ x, labels }: Batch): { logProb: Tensor; isRight: Tensor } {
    if (!labels) {
      throw new LatentGpuError(
        'bad-input',
        'a classifier is measured by the classes of rows, which these rows lack; name a table with the column of classes that it was trained with, or images in a folder for each class',
      );
    }
    const logits = this.net.call(x);
    const own = oneHot(labels, this.classes.length);
    return {
      logProb: sum(mul(own, logSoftmax(logits)), -1),
      isRight: sum(mul(own, hottest(logits)), -1),
    };
  }

  get learner(): GradientLearner {
    return { loss: (batch) => ({ loss: neg(mean(this.toldBy(batch).logProb)) }) };
  }

  get can(): Abilities {
    return {
      predict: {
        columns: this.classes,
        kind: 'probabilities',
        of: ({ x }) => softmax(this.net.call(x)),
        logits: ({ x }) => this.net.call(x),
      },
      quantities: (batch) => {
        const { logProb, isRight } = this.toldBy(batch);
        return [
          {
            ...{ name: 'crossEntropy', label: 'cross-entropy', unit: 'nats', digits: 4 },
            of: neg(logProb),
          },
          { name: 'accuracy', label: 'accuracy', unit: '', digits: 4, of: isRight },
          { name: 'error', label: 'error', unit: '', digits: 4, of: sub(1, isRight) },
        ];
      },
      // What it tells of data is in no unit of theirs.
      densityOf: [],
      lacks: LACKS,
    };
  }

  get portrait(): Portrait {
    const { classes, features, config } = this;
    return {
      inside: `${classes.length} classes`,
      line: [` → ${classes.length} classes`, ''],
      facts: [
        ['net', netWords(config, features, classes.length)],
        ['classes', classes.join(', ')],
      ],
    };
  }
}

const WHAT = 'a classifier';
const LACKS = {
  code: `${WHAT}, which has no codes; \`latentgpu predict\` tells p(y | x)`,
  draw: `${WHAT}, which draws no data`,
  decode: `${WHAT}, which makes no data`,
  logWeights: `${WHAT}, which gives data no probability; train a vae to score them`,
  joint: `${WHAT}, which has no codes`,
  impute: `${WHAT}, which takes no missing values`,
  assign: `${WHAT}, which knows classes and no groups; \`latentgpu predict\` tells p(y | x)`,
  bijection: `no flow but ${WHAT}`,
  binarize: `${WHAT}, whose data are not binarised; leave out --binarize`,
} as const;

const NET = inwardKeys('');

const KEYS = {
  ...NET,
  hidden: {
    ...NET.hidden,
    default: (get: (key: string) => Value | undefined) => [get('kind') === 'recurrent' ? 64 : 100],
  },
  ...INIT_KEYS,
} satisfies Schema;

export const CLASSIFIER: Family<typeof KEYS> = {
  name: 'classifier',
  title: 'Classifier',
  about: 'classes by a net, to weigh beside p(x): p(y, x) = p(y | x) p(x)',
  keys: KEYS,
  required: ['hidden', 'activation'],
  wants: ['labels'],
  range: 'any',
  takesWords: true,
  build: (config, data) => new Classifier(config, data),
};
