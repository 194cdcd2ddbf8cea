// How good a fit is for its size: what picks the number of components, of directions.
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { groupsOf } from './cluster.ts';
import { logDensities } from './densities.ts';
import { type Figure, inUnitsOf } from './figure.ts';
import type { RowSource, WorkOptions } from './rows.ts';

/** Of the rows at hand, in nats of the data as they were; of the criteria less is better. */
export interface Criteria {
  /** Σ log p(x). */
  readonly logLikelihood: number;
  /** Numbers that say which model it is, m. */
  readonly freedom: number;
  /** -2 log L + m log n (Schwarz 1978). */
  readonly bic: number;
  /** -2 log L + 2 m (Akaike 1974). */
  readonly aic: number;
  /** Of groups: BIC - 2 Σ log max_c p(c | x) (Biernacki, Celeux and Govaert 2000). */
  readonly icl?: number;
}

/**
 * What a model costs for its parameters: criteria by which models of one data set are compared.
 *
 * @param logScale as in an evaluation
 * @returns undefined of a model whose size or whose density is not known exactly
 * @example const criteria = await criteriaOf(runtime, model, rows, data.count);
 */
export async function criteriaOf(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { logScale = 0, ...work }: WorkOptions & { readonly logScale?: number | Float64Array } = {},
): Promise<Criteria | undefined> {
  const { freedom, logWeights, grey, assign } = model.can;
  if (freedom === undefined || !logWeights?.exact || grey) return undefined;
  const found = await logDensities(runtime, model, rows, count, work);
  const logLikelihood = inUnitsOf(found, logScale).reduce((sum, value) => sum + value, 0);
  const bic = freedom * Math.log(count) - 2 * logLikelihood;
  const known = { logLikelihood, freedom, bic, aic: 2 * freedom - 2 * logLikelihood };
  if (!assign) return known;
  const { responsibilities, labels, size } = await groupsOf(runtime, model, rows, count, work);
  let certainty = 0;
  labels.forEach((k, i) => {
    certainty += Math.log(responsibilities[i * size + k] as number);
  });
  return { ...known, icl: bic - 2 * certainty };
}

/** The same for people. */
export function criteriaFigures({ logLikelihood, freedom, bic, aic, icl }: Criteria): Figure[] {
  const figure = (name: string, label: string, value: number): Figure => ({
    ...{ name: `criteria.${name}`, label, value },
    unit: name === 'logLikelihood' ? 'nats' : '',
    digits: 3,
  });
  return [
    {
      ...figure('logLikelihood', 'log-likelihood', logLikelihood),
      note: `of all rows; ${freedom.toLocaleString('en-US')} free parameters`,
    },
    figure('bic', 'BIC', bic),
    figure('aic', 'AIC', aic),
    ...(icl === undefined ? [] : [figure('icl', 'ICL', icl)]),
  ];
}
