// Recurrent nets: sequences [T] or [T, C] to codes and back.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { GRU, Linear, type LinearInit, lastOf, Module } from '../../nn/index.ts';
import { expand, reshape, split, tanh, transpose, unsqueeze } from '../../ops/index.ts';

/** @param net what to call it in errors: `encoder` @throws LatentGpuError `bad-config` */
export function stepsOf(
  net: string,
  shape: readonly number[],
): { steps: number; channels: number } {
  const [steps = 1, channels = 1] = shape;
  if (shape.length < 3) return { steps, channels };
  throw new LatentGpuError(
    'bad-config',
    `${net}.kind is recurrent and the data are images of ${shape.join('×')}; take ${net}.kind=conv`,
  );
}

/** @throws LatentGpuError `bad-config` */
export function checkUnits(net: string, widths: readonly number[]): void {
  const wrong = widths.find((width) => width % 4 !== 0);
  if (widths.length > 0 && wrong === undefined) return;
  throw new LatentGpuError(
    'bad-config',
    `${net}.hidden is [${widths.join(', ')}], and ${net}.kind recurrent: units of each layer, multiples of 4, such as 64`,
  );
}

/** [..., D] to [..., outputs]: what a GRU has made of all steps when it has seen the last. */
export class RecurrentEncoder extends Module {
  readonly gru: GRU;
  readonly head: Linear;
  private readonly data: { readonly steps: number; readonly channels: number };

  constructor(
    widths: readonly number[],
    shape: readonly number[],
    outputs: number,
    init: LinearInit,
  ) {
    super();
    checkUnits('encoder', widths);
    this.data = stepsOf('encoder', shape);
    this.gru = new GRU(this.data.channels, widths);
    this.head = new Linear(this.gru.size, outputs, { init });
  }

  override children(): [string, unknown][] {
    return [
      ['gru', this.gru],
      ['head', this.head],
    ];
  }

  call(x: Tensor): Tensor {
    const { steps, channels } = this.data;
    const states = this.gru.call(reshape(x, [-1, steps, channels]));
    return reshape(this.head.call(lastOf(states)), [...x.shape.slice(0, -1), -1]);
  }
}

/** [..., M] to [..., D · numbers]: a GRU that starts from the code and is told it at every step. */
export class RecurrentDecoder extends Module {
  readonly first: Linear;
  readonly gru: GRU;
  readonly head: Linear;
  private readonly data: { readonly steps: number; readonly channels: number };
  private readonly numbers: number;
  private readonly inBlocks: boolean;

  /**
   * @param numbers that describe a feature
   * @param inBlocks whether those of all features come one after the other, as likelihoods but one have them
   */
  constructor(
    widths: readonly number[],
    [inputs, shape]: readonly [number, readonly number[]],
    init: LinearInit,
    { numbers, inBlocks }: { numbers: number; inBlocks: boolean },
  ) {
    super();
    checkUnits('decoder', widths);
    this.data = stepsOf('decoder', shape);
    this.numbers = numbers;
    this.inBlocks = inBlocks;
    const units = widths.reduce((a, b) => a + b, 0);
    this.first = new Linear(inputs, units, { init });
    this.gru = new GRU(inputs, widths);
    this.head = new Linear(this.gru.size, this.data.channels * numbers, { init });
  }

  override children(): [string, unknown][] {
    return [
      ['first', this.first],
      ['gru', this.gru],
      ['head', this.head],
    ];
  }

  call(z: Tensor): Tensor {
    const { steps, channels } = this.data;
    const codes = reshape(z, [-1, z.shape.at(-1) as number]);
    const rows = codes.shape[0] as number;
    const [layer] = this.gru.layers;
    const widths = this.gru.layers.map(({ hidden }) => hidden);
    const starts = split(tanh(this.first.call(codes)), widths);
    // The code says the same to every step, so that its product is made once.
    const told = unsqueeze((layer as (typeof this.gru.layers)[0]).inputs(codes), 1);
    const inputs = expand(told, [rows, steps, told.shape[2] as number]);
    const made = this.head.call(this.gru.through(inputs, starts));
    const each = reshape(made, [rows, steps, this.numbers, channels]);
    const ordered =
      this.numbers === 1 ? each : transpose(each, this.inBlocks ? [0, 2, 1, 3] : [0, 1, 3, 2]);
    return reshape(ordered, [...z.shape.slice(0, -1), -1]);
  }
}
