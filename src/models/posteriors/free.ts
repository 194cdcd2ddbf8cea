// No encoder: a mean and a log deviation of their own for each training row (the lectures' non-amortised
// q_i). A step touches those of its batch alone.
import type { Schema, Value } from '../../schema/index.ts';
import { NormalPart } from './normal.ts';

export const FREE = {
  about: 'normals of their own for each training row, without an encoder',
  keys: {
    rows: {
      type: 'integer',
      min: 0,
      default: (get: (key: string) => Value | undefined) => Number(get('data.rows') ?? 0),
      help: 'rows of the training data',
    },
  } as const satisfies Schema,
};

export class FreePart extends NormalPart {
  readonly rows: number;

  constructor(latent: number, rows: number) {
    super(latent);
    this.rows = rows;
  }
}
