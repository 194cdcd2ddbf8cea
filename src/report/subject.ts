// The data that a report is of, and how a model sees them.
import { PLANE_ENTROPY } from '../data/plane.ts';
import type { Standardization } from '../data/standardize.ts';
import type { Model, RowSource } from '../models/index.ts';
import { rowsText } from '../text.ts';
import type { Binarization } from '../training/index.ts';
import type { CardSubject } from './card.ts';
import type { Sitters } from './views/scene.ts';

export interface Subject extends Sitters {
  readonly binarization: Binarization;
  /** Whether every value that the model sees is 0 or 1. */
  readonly isBinary: boolean;
  readonly split: string;
  /** Rows as an evaluation sees them. */
  readonly evaluated: RowSource;
}

/** How a model sees standardised data. */
const STANDARDIZED = 'standardised for the model (densities are those of the data as they were)';

const BINARIZED = {
  resampled: 'resampled: drawn anew in training, drawn once here',
  once: 'once: drawn once, the same in training',
  static: 'static: 1 from one half up',
} as const;

/** How data are made what a model sees. */
function treatmentText(
  { can: { describes, grey, treatment = [] } }: Model,
  standardization: Standardization | undefined,
  binarization: Binarization,
): string {
  const values = standardization
    ? STANDARDIZED
    : describes
      ? binarization === 'none'
        ? 'values as they are, not binarised'
        : `binarised (${BINARIZED[binarization]})`
      : grey
        ? `${grey.levels} grey levels, ${grey.how}`
        : 'values as they are';
  return [values, ...treatment, ...(describes ? [`${describes.kind} likelihood`] : [])].join(', ');
}

export function cardSubjectOf(
  { dataset, split, binarization }: Subject,
  model: Model,
  standardization: Standardization | undefined,
  seed: number,
): CardSubject {
  const part = split === 'train' ? 'training split' : 'test split';
  return {
    data: `${dataset.name}, ${rowsText(dataset.count)}`,
    treatment: `${part}, ${treatmentText(model, standardization, binarization)}`,
    seed,
  };
}

/** Of built-in data, where it is known. */
export function entropyOf({ dataset: { name, shape } }: Subject): number | undefined {
  return shape.length === 1 && Object.hasOwn(PLANE_ENTROPY, name) ? PLANE_ENTROPY[name] : undefined;
}
