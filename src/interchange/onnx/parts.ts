// The graphs of a model's abilities between the values that a file declares, in data units.
import { logScales } from '../../data/standardize.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { input } from '../../graph/variable.ts';
import {
  type CodeAbility,
  type DecodeAbility,
  need,
  type PredictAbility,
  type Told,
} from '../../models/index.ts';
import type { Batch } from '../../nn/index.ts';
import { add, mul, reshape, slice } from '../../ops/index.ts';
import { BATCH, type Lowering } from './lowering.ts';
import type { OnnxPart, OnnxSource, OnnxValue } from './source.ts';

/** Names of results and of what leads to them: no other value may take one. */
const PROMISED = [
  'x',
  'z',
  'labels',
  'mean',
  'logStd',
  'reconstruction',
  'std',
  'logits',
  'probabilities',
  'logProb',
];

/** What is said of a result, and what it has to do with the unit of data. */
interface Result {
  readonly name: string;
  readonly about: string;
  readonly of: Tensor;
  /** Of a number, or a row of them, for each feature of the data. */
  readonly isOfData?: boolean;
  /** What the data's unit does to it: to a point of data, or to a width. */
  readonly unit?: 'point' | 'scale';
}

export class PartBuilder {
  private readonly source: OnnxSource;
  private readonly to: Lowering;
  private readonly rows: number;
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];

  constructor(source: OnnxSource, to: Lowering, rows: number) {
    this.source = source;
    this.to = to;
    this.rows = rows;
    to.reserve(PROMISED);
  }

  build(part: OnnxPart): { inputs: readonly OnnxValue[]; outputs: readonly OnnxValue[] } {
    const { can } = this.source.model;
    if (part === 'decoder') {
      const { size } = need(this.source.model, 'code', 'this');
      const z = input('z', [this.rows, size]);
      this.to.bind(z, this.declare('z', [BATCH, size], 'codes'));
      this.results(this.decoded(can.decode as DecodeAbility, z, 'x'));
    } else {
      const x = this.data();
      if (part === 'density') this.density(x);
      else if (part === 'predictor') this.results(this.predicted(can.predict as PredictAbility, x));
      else {
        const codes = this.codes(can.code as CodeAbility, x);
        const all =
          part === 'autoencoder'
            ? this.decoded(can.decode as DecodeAbility, codes[0]?.of as Tensor, 'reconstruction')
            : [];
        this.results([...codes, ...all]);
      }
    }
    return { inputs: this.inputs, outputs: this.outputs };
  }

  private rowsFed: Tensor | undefined;

  /** Rows as the model sees them, of data as they are fed: once for all that asks for them. */
  private data(name = 'x', about = 'data'): Tensor {
    this.rowsFed ??= this.fed(name, about);
    return this.rowsFed;
  }

  private fed(name: string, about: string): Tensor {
    const { config, model, standardization } = this.source;
    const { shape, standardized } = config.data;
    const what = standardized ? `${about}, in their own units` : about;
    const fed = this.declare(name, [BATCH, ...shape], what);
    const { to } = this;
    let own = shape.length > 1 ? to.node('Flatten', [fed], { axis: 1 }, `${name}.flat`) : fed;
    if (standardization) {
      const centred = to.node('Sub', [own, this.row('mean')], undefined, `${name}.centred`);
      own = to.node('Div', [centred, this.row('std')], undefined, `${name}.standardized`);
    }
    const x = input(name, [this.rows, model.features]);
    to.bind(x, own);
    return x;
  }

  /** The classes of rows, of a conditional model, or rows whose columns it is told. */
  private told(): Told {
    const { condition, given } = this.source.model.can;
    if (given) return { x: this.data('told', 'rows, of which the columns count that are told') };
    if (!condition) return {};
    if (!this.labels) {
      this.labels = input('labels', [this.rows], 'u32');
      const about = `classes, from 0: ${condition.classes.join(', ')}`;
      this.to.bind(this.labels, this.declare('labels', [BATCH], about, 'int64'));
    }
    return { labels: this.labels };
  }

  private labels: Tensor | undefined;

  /** Rows, and of a model that asks about rows of a class their classes. */
  private batchOf(x: Tensor): Batch {
    return { x, ...(this.source.model.can.condition?.ofCodes && this.told()) };
  }

  private codes(code: CodeAbility, x: Tensor): Result[] {
    const batch = this.batchOf(x);
    const isMean = code.values === 'means';
    const hasStd = code.logStd !== undefined;
    const mean: Result = isMean
      ? { name: 'mean', about: hasStd ? 'mean of q(z | x)' : 'codes', of: code.mean(batch) }
      : { name: 'z', about: code.noun, of: code.mean(batch) };
    if (!code.logStd) return [mean];
    const about = 'log of the standard deviation of q(z | x)';
    return [mean, { name: 'logStd', about, of: code.logStd(batch) }];
  }

  private decoded(decode: DecodeAbility, z: Tensor, name: string): Result[] {
    const told = this.told();
    const mean: Result = {
      name,
      about: 'the mean of p(x | z)',
      of: decode.mean(z, told),
      isOfData: true,
      unit: 'point',
    };
    const rest = (decode.parameters?.(z, told) ?? []).map(
      ({ name: own, about, of, isScale }): Result => ({
        name: own,
        about: `${about} of p(x | z)`,
        of,
        isOfData: true,
        ...(isScale && { unit: 'scale' }),
      }),
    );
    return [mean, ...rest];
  }

  /** Classes, or a column in its own units. */
  private predicted(predict: PredictAbility, x: Tensor): Result[] {
    const of = predict.of({ x });
    const { columns, kind, feature } = predict;
    if (kind === 'probabilities') {
      const about = `p(y | x) of classes, in this order: ${columns.join(', ')}`;
      const logits = predict.logits?.({ x });
      return [
        ...(logits ? [{ name: 'logits', about: 'whose softmax they are', of: logits }] : []),
        { name: 'probabilities', about, of },
      ];
    }
    const { standardization } = this.source;
    const [shift, scale] = (['mean', 'std'] as const).map((which) =>
      feature === undefined ? undefined : standardization?.[which][feature],
    );
    return columns.map((name, i) => {
      const own = reshape(slice(of, 1, i, i + 1), [-1]);
      const wide = scale === undefined ? own : mul(own, scale);
      const about = `${name} of the column that is predicted`;
      return { name, about, of: i > 0 || shift === undefined ? wide : add(wide, shift) };
    });
  }

  private density(x: Tensor): void {
    const { model, standardization } = this.source;
    const of = need(model, 'logWeights', 'this').of(this.batchOf(x), 1);
    const { to } = this;
    let name = to.value(of);
    if (standardization) {
      // The density of what was divided by σ: log σ less for each feature.
      const shift = logScales(standardization, { count: 1 }, model.can.densityOf) as number;
      name = to.node('Sub', [name, to.numbers([shift], [1], 'destandardize.shift')]);
    }
    const given = model.can.condition?.ofCodes ? 'x | y' : 'x';
    this.result('logProb', name, [BATCH], `log p(${given}), nats`);
  }

  /** Declares results, each [batch, ...] with the data's axes where it has a number a feature. */
  private results(results: readonly Result[]): void {
    const { to } = this;
    const { config, standardization } = this.source;
    const names = to.values(results.map(({ of }) => of));
    results.forEach(({ name, about, of, isOfData, unit }, i) => {
      let own = names[i] as string;
      if (standardization && unit) {
        own = to.node('Mul', [own, this.row('std')], undefined, `${name}.scaled`);
        if (unit === 'point')
          own = to.node('Add', [own, this.row('mean')], undefined, `${name}.moved`);
      }
      const shape = [
        ...(isOfData ? config.data.shape : of.shape.slice(1, 2)),
        ...of.shape.slice(2),
      ];
      if (isOfData && config.data.shape.length > 1) {
        const target = to.integers([0, ...shape], `${name}.shape`);
        own = to.node('Reshape', [own, target], undefined, `${name}.shaped`);
      }
      this.result(name, own, [BATCH, ...shape], about);
    });
  }

  private result(
    name: string,
    of: string,
    shape: readonly (number | string)[],
    about: string,
  ): void {
    this.to.node('Identity', [of], undefined, name);
    this.outputs.push({ name, shape });
    this.to.graph.output(name, shape, about);
  }

  private declare(
    name: string,
    shape: readonly (number | string)[],
    about: string,
    type?: 'float' | 'int64',
  ): string {
    this.inputs.push({ name, shape });
    return this.to.input(name, shape, about, type);
  }

  /** A number for each feature that standardisation takes. */
  private row(which: 'mean' | 'std'): string {
    const found = this.rowsHeld.get(which);
    if (found !== undefined) return found;
    const values = this.source.standardization?.[which] as ArrayLike<number>;
    const shape: Shape = [values.length];
    const name = this.to.numbers(Float32Array.from(values), shape, `standardize.${which}`);
    this.rowsHeld.set(which, name);
    return name;
  }

  private readonly rowsHeld = new Map<string, string>();
}
