// Which quantities of a line of `metrics.jsonl` become curves, and which of them are drawn together.

export type Line = Readonly<Record<string, unknown>>;

/** What a line tells of a quantity. */
export type Quantity = (line: Line) => number | undefined;

/** Quantities by the title of their curve and their own name. */
export type CurveTable = Readonly<Record<string, Readonly<Record<string, Quantity>>>>;

/** The finite number at a dotted path. */
export function valueAt(path: string): Quantity {
  const names = path.split('.');
  return (line) => {
    const value = names.reduce<unknown>(
      (at, name) => (at as Line | null | undefined)?.[name],
      line,
    );
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  };
}

export const SKIPPED = 'Skipped updates';

/** What training tells of every model. */
const STEPS = {
  'Gradient norm': { 'before clipping': valueAt('gradientNorm') },
  'Learning rate': { 'learning rate': valueAt('learningRate') },
} as const;
const UPDATES = { [SKIPPED]: { 'so far': valueAt('skipped') } } as const;

export function latentCurves(isVae: boolean): CurveTable {
  const bound = isVae ? 'test −ELBO' : 'test reconstruction error';
  return {
    'Loss (nats)': {
      training: valueAt('loss'),
      [bound]: valueAt('evaluation.negativeElbo'),
      'test −log p(x)': valueAt('evaluation.nll.value'),
    },
    'KL divergence (nats)': { training: valueAt('kl'), test: valueAt('evaluation.kl') },
    ...STEPS,
    'Active units': { test: valueAt('evaluation.activeUnits') },
    ...UPDATES,
  };
}

/** @param bits of a loss in nats, where there are any; those of test data are written down */
export function flowCurves(bits: (nats: number) => number | null): CurveTable {
  const loss = valueAt('loss');
  const training: Quantity = (line) => {
    const nats = loss(line);
    return nats === undefined ? undefined : (bits(nats) ?? undefined);
  };
  return {
    'Loss, −log p(x) (nats)': {
      training: loss,
      test: valueAt('evaluation.negativeLogLikelihood'),
    },
    'Bits per dimension': { training, test: valueAt('evaluation.bitsPerDimension') },
    ...STEPS,
    ...UPDATES,
  };
}
