// Keys of fully connected nets.
import { activations } from '../../ops/index.ts';
import type { Schema } from '../../schema/index.ts';

const NAMES = Object.keys(activations) as (keyof typeof activations)[];

/** To stand under a net's name: `encoder.hidden`. */
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

/** Hidden layers of a fully connected net. */
export interface NetConfig {
  readonly hidden: readonly number[];
  readonly activation: keyof typeof activations;
}
