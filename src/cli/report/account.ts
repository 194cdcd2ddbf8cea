// What putting a model to work finds, whatever kind it is of.
import { type Card, type CardSubject, rowsText } from '../../report/card.ts';
import type { Subject } from '../data/subject.ts';
import type { Portrait } from './portrait.ts';

export interface Account {
  /** For programs. */
  readonly evaluation: object | undefined;
  readonly likelihood: Card | undefined;
  readonly portrait: Portrait;
}

/** How a model sees standardised data, for the card. */
export const STANDARDIZED =
  'standardised for the model (densities are those of the data as they were)';

export function cardSubjectOf(
  { dataset, summary }: Subject,
  how: string,
  seed: number,
): CardSubject {
  const part = summary.split === 'train' ? 'training split' : 'test split';
  return {
    data: `${dataset.name}, ${rowsText(dataset.count)}`,
    treatment: `${part}, ${how}`,
    seed,
  };
}
