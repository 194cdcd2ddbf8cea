// Recurrent nets: sequences [T] or [T, C] to codes and back.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Cell, Linear, type LinearInit, lastOf, Module, Recurrent } from '../../nn/index.ts';
import { expand, reshape, split, tanh, transpose, unsqueeze } from '../../ops/index.ts';
import { beside } from './beside.ts';

export interface RecurrentConfig {
  /** What its keys stand under, in errors: `encoder.` */
  readonly under: string;
  /** Units of each layer. */
  readonly hidden: readonly number[];
  readonly cell: Cell;
}

/** @param under what its keys stand under, in errors: `encoder.` @throws LatentGpuError `bad-config` */
export function stepsOf(
  under: string,
  shape: readonly number[],
): { steps: number; channels: number } {
  const [steps = 1, channels = 1] = shape;
  if (shape.length < 3) return { steps, channels };
  throw new LatentGpuError(
    'bad-config',
    `${under}kind is recurrent and the data are images of ${shape.join('×')}; take ${under}kind=conv`,
  );
}

/** @throws LatentGpuError `bad-config` */
export function checkUnits(under: string, widths: readonly number[]): void {
  const wrong = widths.find((width) => width % 4 !== 0);
  if (widths.length > 0 && wrong === undefined) return;
  throw new LatentGpuError(
    'bad-config',
    `${under}hidden is [${widths.join(', ')}], and ${under}kind recurrent: units of each layer, multiples of 4, such as 64`,
  );
}

/** [..., D] to [..., outputs]: what recurrent units have made of all steps when they have seen the last. */
export class RecurrentEncoder extends Module {
  readonly units: Recurrent;
  readonly head: Linear;
  private readonly data: { readonly steps: number; readonly channels: number };

  constructor(
    { under, hidden: widths, cell }: RecurrentConfig,
    shape: readonly number[],
    outputs: number,
    init: LinearInit,
  ) {
    super();
    checkUnits(under, widths);
    this.data = stepsOf(under, shape);
    this.units = new Recurrent(cell, this.data.channels, widths);
    this.head = new Linear(this.units.size, outputs, { init });
  }

  override children(): [string, unknown][] {
    return [
      ['units', this.units],
      ['head', this.head],
    ];
  }

  /** Numbers that all gates of the first layer are told at a step. */
  get width(): number {
    return this.units.inputsWidth;
  }

  /** @param more what else they are told at every step: [..., width] */
  call(x: Tensor, more?: Tensor): Tensor {
    const { steps, channels } = this.data;
    const own = this.units.inputs(reshape(x, [-1, steps, channels]));
    const [told, lead] = beside(own, x.shape.slice(0, -1), more);
    return reshape(this.head.call(lastOf(this.units.through(told))), [...lead, -1]);
  }
}

/** [..., M] to [..., D · numbers]: recurrent units that start from the code and are told it at every step. */
export class RecurrentDecoder extends Module {
  readonly first: Linear;
  readonly units: Recurrent;
  readonly head: Linear;
  private readonly data: { readonly steps: number; readonly channels: number };
  private readonly numbers: number;
  private readonly inBlocks: boolean;

  /**
   * @param numbers that describe a feature
   * @param inBlocks whether those of all features come one after the other, as likelihoods but one have them
   */
  constructor(
    { under, hidden: widths, cell }: RecurrentConfig,
    [inputs, shape]: readonly [number, readonly number[]],
    init: LinearInit,
    { numbers, inBlocks }: { numbers: number; inBlocks: boolean },
  ) {
    super();
    checkUnits(under, widths);
    this.data = stepsOf(under, shape);
    this.numbers = numbers;
    this.inBlocks = inBlocks;
    this.units = new Recurrent(cell, inputs, widths);
    const all = this.units.layers.reduce((sum, { width }) => sum + width, 0);
    this.first = new Linear(inputs, all, { init });
    this.head = new Linear(this.units.size, this.data.channels * numbers, { init });
  }

  override children(): [string, unknown][] {
    return [
      ['first', this.first],
      ['units', this.units],
      ['head', this.head],
    ];
  }

  /** @param more what else is added to what the code says: to the states before their activation, and to every step */
  call(z: Tensor, more?: { readonly start: Tensor; readonly step: Tensor }): Tensor {
    const { steps, channels } = this.data;
    const codes = reshape(z, [-1, z.shape.at(-1) as number]);
    const front = z.shape.slice(0, -1);
    const widths = this.units.layers.map(({ width }) => width);
    const [start, lead] = beside(this.first.call(codes), front, more?.start);
    // The code says the same to every step, so that its product is made once.
    const [told] = beside(this.units.inputs(codes), front, more?.step);
    const inputs = expand(unsqueeze(told, 1), [
      told.shape[0] as number,
      steps,
      this.units.inputsWidth,
    ]);
    const made = this.head.call(this.units.through(inputs, split(tanh(start), widths)));
    const each = reshape(made, [-1, steps, this.numbers, channels]);
    const ordered =
      this.numbers === 1 ? each : transpose(each, this.inBlocks ? [0, 2, 1, 3] : [0, 1, 3, 2]);
    return reshape(ordered, [...lead, -1]);
  }
}
