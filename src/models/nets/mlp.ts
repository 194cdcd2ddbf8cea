// Fully connected nets of encoders and decoders, which may be told a class beside their input.
import type { Tensor } from '../../graph/tensor.ts';
import { ConditionedMLP, type LinearInit, MLP } from '../../nn/index.ts';
import { activations } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';
import type { Told } from '../family.ts';

const NAMES = Object.keys(activations) as (keyof typeof activations)[];

/** Keys of a net, to stand under its name: `encoder.hidden`. */
export const MLP_KEYS = {
  hidden: {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: [300],
    help: 'widths of the hidden layers',
  },
  activation: {
    type: 'choice',
    choices: NAMES,
    default: 'relu',
    help: 'between the layers',
  },
} as const satisfies Schema;

/** Hidden layers of an encoder or decoder. */
export interface NetConfig {
  readonly hidden: readonly number[];
  readonly activation: keyof typeof activations;
}

/** @param classes that it is told, if any @returns a net from the first of the widths to the last */
export function makeNet(
  { hidden, activation }: NetConfig,
  [inputs, outputs]: readonly [inputs: number, outputs: number],
  init: LinearInit,
  classes?: number,
): MLP {
  const widths = [inputs, ...hidden, outputs];
  return classes === undefined
    ? new MLP(widths, activation, { init })
    : new ConditionedMLP(widths, activation, classes, { init });
}

/** What a net makes of rows x [B, …, D]. */
export function through(net: MLP, x: Tensor, told?: Told): Tensor {
  return net instanceof ConditionedMLP ? net.of(x, told?.labels) : net.call(x);
}
