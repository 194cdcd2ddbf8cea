// The layers that assigned tensors make: transposed, stacked and scaled to this library's layout.
import { LatentGpuError } from '../errors.ts';
import { notFinite } from '../formats/finite.ts';
import { quote, shapeText } from '../formats/message.ts';
import type { Assigned, Half, Leaf, Net, Whole } from './mapping.ts';
import { joined, type Layer, layerOf, type Matrix, rowsOf, transposed } from './matrix.ts';

/** What became of a tensor, for people. */
export interface Mapped {
  /** No tensor: filled with zeros. */
  readonly from: string | undefined;
  readonly shape: readonly number[];
  readonly to: string;
  /** What was done to it. */
  readonly how: readonly string[];
}

type Parts = Partial<Record<Leaf, Assigned>>;

/** The layers of a model, and what became of every tensor. */
export interface Layers {
  readonly encoder: readonly Layer[];
  readonly decoder: readonly Layer[];
  /** Whether the encoder's last layer was taken as mean and log deviation without being told. */
  readonly isHeadAssumed: boolean;
  /** Of normalisations, by the names that they take. */
  readonly norms: ReadonlyMap<string, Float32Array>;
  /** Of tensors that are no layers. */
  readonly whole: ReadonlyMap<Whole, Float32Array>;
  readonly mapped: readonly Mapped[];
  /** What no tensor tells. */
  readonly assumed: readonly string[];
}

/**
 * @param transpose whether every weight is [in, out]
 * @param names of all tensors of the file
 */
export function makeLayers(
  assigned: readonly Assigned[],
  transpose: boolean,
  file: string,
  names: readonly string[],
): Layers {
  return new LayerMaker(transpose, file, names).make(assigned);
}

class LayerMaker {
  private readonly transpose: boolean;
  private readonly file: string;
  private readonly mapped: Mapped[] = [];
  private readonly assumed: string[] = [];
  /** Of modules that have tensors. */
  private readonly modules: ReadonlySet<string>;

  constructor(transpose: boolean, file: string, names: readonly string[]) {
    this.transpose = transpose;
    this.file = file;
    this.modules = new Set(names.flatMap((name) => /^.*\.\d+(?=\.)/.exec(name) ?? []));
  }

  private bad(why: string): LatentGpuError {
    return new LatentGpuError('bad-format', `${this.file}: ${why}`);
  }

  make(assigned: readonly Assigned[]): Layers {
    const numbered = { encoder: new Map<number, Parts>(), decoder: new Map<number, Parts>() };
    const heads = new Map<string, { halves: readonly Half[]; parts: Parts }>();
    const whole = new Map<Whole, Assigned>();
    const norms = new Map<string, Assigned>();
    for (const one of assigned) {
      const { place } = one;
      if (place.kind === 'whole') {
        this.once(whole.get(place.target), one, place.target);
        whole.set(place.target, one);
      } else if (place.kind === 'norm') {
        this.once(norms.get(place.target), one, place.target);
        norms.set(place.target, one);
      } else if (place.kind === 'layer') {
        const layers = numbered[place.net];
        const parts = layers.get(place.index) ?? {};
        this.once(parts[place.leaf], one, `${place.net}.${place.index}.${place.leaf}`);
        parts[place.leaf] = one;
        layers.set(place.index, parts);
      } else {
        const key = place.halves.join('+');
        const head = heads.get(key) ?? { halves: place.halves, parts: {} };
        this.once(head.parts[place.leaf], one, `encoder.${key}.${place.leaf}`);
        head.parts[place.leaf] = one;
        heads.set(key, head);
      }
    }
    const encoder = this.net('encoder', numbered.encoder);
    if (heads.size > 0) encoder.push(this.head([...heads.values()], `encoder.${encoder.length}`));
    const decoder = this.net('decoder', numbered.decoder);
    return {
      encoder,
      decoder,
      isHeadAssumed: heads.size === 0,
      norms: this.norms(norms),
      whole: this.wholes(whole),
      mapped: this.mapped,
      assumed: this.assumed,
    };
  }

  private once(before: Assigned | undefined, now: Assigned, place: string): void {
    if (before) throw this.bad(`${quote(before.from)} and ${quote(now.from)} both become ${place}`);
  }

  /** Layers in the order of their numbers, which may have gaps: activations count in a Sequential. */
  private net(net: Net, numbered: ReadonlyMap<number, Parts>): Layer[] {
    let before = '';
    return [...numbered]
      .sort(([a], [b]) => a - b)
      .map(([index, parts], i) => {
        const weight = this.weight(parts, `${net}.${index}`);
        const bias = this.bias(parts, weight);
        this.tell(weight, `${net}.${i}.weight`);
        this.tellSilent(before, weight.from);
        before = weight.from;
        if (bias) this.tell(bias, `${net}.${i}.bias`);
        else this.tellZeros(weight.rows, `${net}.${i}.bias`);
        return layerOf(weight, bias);
      });
  }

  /** Two modules of a Sequential without tensors between layers: one activates, and the other leaves no trace. */
  private tellSilent(before: string, now: string): void {
    const [, parent, from] = /^(.*\.)(\d+)\.[^.]*$/.exec(before) ?? [];
    const [, own, to] = /^(.*\.)(\d+)\.[^.]*$/.exec(now) ?? [];
    if (parent === undefined || parent !== own) return;
    let silent = 0;
    for (let at = Number(from) + 1; at < Number(to); at++)
      if (!this.modules.has(`${parent}${at}`)) silent += 1;
    if (silent < 2) return;
    this.assumed.push(
      `of ${silent} modules without tensors between ${parent}${from} and ${parent}${to} one activates and others do nothing, as Dropout (a LayerNorm or InstanceNorm without weights would be lost)`,
    );
  }

  /** The encoder's last layer: rows of the mean, then rows of the log deviation. */
  private head(heads: readonly { halves: readonly Half[]; parts: Parts }[], name: string): Layer {
    const found = new Map<Half, { weight: Matrix; bias: Matrix | undefined }>();
    for (const { halves, parts } of heads) {
      const key = halves.join('+');
      const weight = this.weight(parts, `encoder.${key}`);
      const bias = this.bias(parts, weight);
      if (weight.rows % halves.length !== 0) {
        throw this.bad(
          `${quote(weight.from)} has ${weight.rows} rows; ${key} needs an even number`,
        );
      }
      halves.forEach((half, i) => {
        if (found.has(half)) throw this.bad(`two tensors become encoder.${half}`);
        const take = (matrix: Matrix) => rowsOf(matrix, i, halves.length);
        found.set(half, { weight: take(weight), bias: bias && take(bias) });
      });
    }
    const spread = (['logStd', 'logVar'] as const).filter((half) => found.has(half));
    const mean = found.get('mean');
    if (!mean || spread.length !== 1) {
      throw this.bad('encoder.mean and one of encoder.logStd and encoder.logVar go together');
    }
    const log = found.get(spread[0] as Half) as typeof mean;
    if (log.weight.rows !== mean.weight.rows || log.weight.columns !== mean.weight.columns) {
      const [a, b] = [mean.weight, log.weight].map((m) => `${quote(m.from)} ${shapeText(m.shape)}`);
      throw this.bad(`${a} and ${b} must have the same shape: mean and deviation of one code`);
    }
    const isVariance = spread[0] === 'logVar';
    const scale = isVariance ? 0.5 : 1;
    const note = isVariance ? 'log std, of a log-variance halved' : 'log std';
    for (const leaf of ['weight', 'bias'] as const) {
      for (const [half, text] of [
        [mean, 'mean'],
        [log, note],
      ] as const) {
        const matrix = half[leaf];
        const [from, to] =
          half === mean ? [0, half.weight.rows] : [half.weight.rows, 2 * half.weight.rows];
        const rows = `rows ${from} to ${to - 1}: ${text}`;
        if (matrix) this.tell({ ...matrix, how: [rows, ...matrix.how] }, `${name}.${leaf}`);
        else this.tellZeros(half.weight.rows, `${name}.${leaf}`);
      }
    }
    const a = layerOf(mean.weight, mean.bias);
    const b = layerOf(log.weight, log.bias);
    const scaled = (data: Float32Array) => data.map((value) => value * scale);
    return {
      from: a.from,
      in: a.in,
      out: a.out + b.out,
      weight: joined(a.weight, scaled(b.weight)),
      bias: joined(a.bias, scaled(b.bias)),
    };
  }

  private norms(assigned: ReadonlyMap<string, Assigned>): Map<string, Float32Array> {
    const found = new Map<string, Float32Array>();
    for (const [to, one] of assigned) {
      const { data, how } = this.numbers(one);
      found.set(to, data);
      this.mapped.push({ from: one.from, shape: one.tensor.shape, to, how });
    }
    return found;
  }

  private wholes(whole: ReadonlyMap<Whole, Assigned>): Map<Whole, Float32Array> {
    const values = new Map<Whole, Float32Array>();
    for (const [target, one] of whole) {
      const { data, how } = this.numbers(one);
      const isVariance = target === 'likelihood.logVar';
      const to = isVariance ? 'likelihood.logStd' : target;
      if (values.has(to)) throw this.bad(`two tensors become ${to}`);
      values.set(to, isVariance ? data.map((value) => value / 2) : data);
      const notes = isVariance ? ['log-variance halved', ...how] : how;
      this.mapped.push({ from: one.from, shape: one.tensor.shape, to, how: notes });
    }
    return values;
  }

  private weight({ weight, bias }: Parts, place: string): Matrix {
    if (!weight) throw this.bad(`${place} has a bias (${quote(String(bias?.from))}) and no weight`);
    const { from, tensor } = weight;
    const [rows, columns, ...rest] = tensor.shape;
    if (rows === undefined || columns === undefined || rest.length > 0) {
      const hint =
        columns === undefined
          ? '; a normalisation (LayerNorm, BatchNorm) has the place of its layer, encoder.norms.0'
          : '; nets of convolutions are not imported';
      throw this.bad(
        `${quote(from)} ${shapeText(tensor.shape)} is not the weight of a fully connected layer, [out, in]${hint}`,
      );
    }
    // A layer of many rows and no columns would claim memory that no file has paid for.
    if (rows * columns === 0) throw this.bad(`${quote(from)} ${shapeText(tensor.shape)} is empty`);
    const { data, how } = this.numbers(weight);
    const shape = tensor.shape;
    const isTurned = this.transpose || weight.transpose;
    if (isTurned === this.isSharedTransposed(weight, bias, isTurned))
      return { from, rows, columns, data, shape, how };
    return {
      from,
      rows: columns,
      columns: rows,
      data: transposed(data, rows, columns),
      shape,
      how: ['transposed', ...how],
    };
  }

  /** Of a tensor that two layers share, whether this one has it transposed: its bias tells. */
  private isSharedTransposed(
    { from, tensor, transpose }: Assigned,
    bias: Assigned | undefined,
    isTurned: boolean,
  ): boolean {
    const [rows = 0, columns = 0] = tensor.shape;
    if (!tensor.isTied || transpose) return false;
    const outputs = bias?.tensor.shape[0];
    if (rows !== columns && outputs !== undefined) return outputs === (isTurned ? rows : columns);
    this.assumed.push(`${from} is the tensor that it is tied to, not its transpose`);
    return false;
  }

  private bias({ bias }: Parts, weight: Matrix): Matrix | undefined {
    if (!bias) return undefined;
    const { from, tensor } = bias;
    // Some keep it as one row, [1, out].
    const extents = tensor.shape.filter((n) => n !== 1);
    const isVector = tensor.shape.length > 0 && extents.length < 2;
    if (!isVector || (extents[0] ?? 1) !== weight.rows) {
      const [shape, of] = [shapeText(tensor.shape), shapeText(weight.shape)];
      throw this.bad(
        `${quote(from)} ${shape} is not the bias of ${quote(weight.from)} ${of}, which has ${weight.rows} outputs; are weights [out, in], or [in, out] (--transpose)?`,
      );
    }
    return { from, rows: weight.rows, columns: 1, shape: tensor.shape, ...this.numbers(bias) };
  }

  /** A tensor's numbers as float32, all finite. */
  private numbers({ from, tensor }: Assigned): { data: Float32Array; how: string[] } {
    const { data, dtype } = tensor;
    if (!(data instanceof Float32Array)) {
      throw this.bad(
        `${quote(from)} is of type ${dtype}, and weights are of a float type; save what was quantised as it was before, or tensor.float() of whole numbers`,
      );
    }
    const wrong = notFinite(tensor);
    if (wrong) {
      throw new LatentGpuError('bad-data', `${this.file}: tensor ${quote(from)} ${wrong}`);
    }
    return { data, how: [...tensor.how, ...(dtype === 'F32' ? [] : [`${dtype} to F32`])] };
  }

  private tell({ from, shape, how }: Matrix, to: string): void {
    this.mapped.push({ from, shape, to, how });
  }

  private tellZeros(count: number, to: string): void {
    this.mapped.push({
      from: undefined,
      shape: [count],
      to,
      how: ['zeros: the layer has no bias'],
    });
  }
}
