// Sizes of flows inside a model of codes.
import type { Schema } from '../../schema/index.ts';

export const LATENT_FLOW_KEYS = {
  depth: { type: 'integer', min: 1, max: 1024, default: 4, help: 'its layers' },
  hidden: {
    type: 'integers',
    longest: 100,
    min: 1,
    max: 65536,
    default: [128],
    help: "widths of its nets' hidden layers",
  },
} as const satisfies Schema;

export interface LatentFlowConfig {
  readonly depth: number;
  readonly hidden: readonly number[];
}
