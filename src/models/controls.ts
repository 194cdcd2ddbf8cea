// What drawing from a model may be told.
import type { Schema } from '../schema/index.ts';

export const TEMPERATURE_KEYS = {
  temperature: {
    type: 'number',
    min: 0,
    default: 1,
    help: 'deviation of the noise; below 1, draws from denser regions',
  },
} as const satisfies Schema;
