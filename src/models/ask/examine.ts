// What else is found of a model with codes: what each of their dimensions tells, where the divergence goes,
// how the bound rises with samples, and what the encoder leaves to be gained.
import { meanScale } from '../../data/standardize.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { Model } from '../model.ts';
import { criteriaFigures, criteriaOf } from './criteria.ts';
import { boundCurve, CURVE_SAMPLES } from './curve.ts';
import { codeDimensions } from './dimensions.ts';
import type { Evaluation } from './evaluation.ts';
import type { Figure } from './figure.ts';
import { hasInformation, information } from './information.ts';
import { refine } from './refine.ts';
import { replay } from './replay.ts';
import type { RowSource, WorkOptions } from './rows.ts';

/** Rows whose codes are weighed by the posteriors of all of them. */
const MET = 1000;

export interface ExamineOptions extends WorkOptions {
  readonly seed?: number;
  /** As in an evaluation. */
  readonly logScale?: number | Float64Array;
  /** Whether the bound is measured for 1 to 5,000 samples a row. */
  readonly curve?: boolean;
  /** Rows of the curve. Default: all. */
  readonly curveRows?: number;
  /** Gradient steps on each row's posterior; default: none. */
  readonly refine?: number;
}

/**
 * Everything but what the model does not tell.
 *
 * @example const { dimensions, information } = await examine(runtime, model, rows, 100, { refine: 50 });
 */
export async function examine(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { curve, curveRows = count, refine: steps, logScale = 0, ...work }: ExamineOptions = {},
): Promise<
  Pick<Evaluation, 'criteria' | 'dimensions' | 'information' | 'curve' | 'refinement' | 'figures'>
> {
  const { seed, signal, onProgress } = work;
  const plain = { ...(seed !== undefined && { seed }), ...(signal && { signal }) };
  const criteria = await criteriaOf(runtime, model, rows, count, { ...plain, logScale });
  const facts = await factsOf(runtime, model, typeof logScale === 'number' ? logScale : 0);
  const figures: Figure[] = [...(criteria ? criteriaFigures(criteria) : []), ...facts];
  const dimensions =
    model.can.code?.draw && (await codeDimensions(runtime, model, rows, count, plain));
  const told =
    hasInformation(model) && (await information(runtime, model, rows, Math.min(MET, count), plain));
  if (told) {
    const { rows: met } = told;
    figures.push(
      {
        name: 'information.mutualInformation',
        label: 'mutual information',
        value: told.mutualInformation,
        error: told.mutualInformationError,
        unit: 'nats',
        digits: 3,
        note: `of codes and ${met.toLocaleString('en-US')} rows; at most ${Math.log(met).toFixed(2)}`,
      },
      {
        name: 'information.marginalKl',
        label: 'marginal KL',
        value: told.marginalKl,
        error: told.marginalKlError,
        unit: 'nats',
        digits: 3,
        note: 'of the aggregated posterior from the prior',
      },
      ...(told.totalCorrelation === undefined
        ? []
        : [
            {
              name: 'information.totalCorrelation',
              label: 'total correlation',
              value: told.totalCorrelation,
              error: told.totalCorrelationError as number,
              unit: 'nats',
              digits: 3,
              note: 'of it what the numbers of codes tell of each other',
            },
          ]),
      {
        name: 'information.entropy',
        label: 'entropy of q',
        value: told.entropy,
        unit: 'nats',
        digits: 3,
      },
    );
  }
  const hasCurve = curve && model.can.logWeights && !model.can.logWeights.exact;
  const points = hasCurve
    ? await boundCurve(runtime, model, rows, Math.min(curveRows, count), {
        ...plain,
        ...(onProgress && { onProgress }),
        samples: CURVE_SAMPLES,
      })
    : undefined;
  const shifted = points?.map((each) => ({
    ...each,
    value: each.value + meanScale(logScale, curveRows),
  }));
  if (shifted) {
    for (const { samples, value, error } of shifted) {
      figures.push({
        name: `curve.${samples}`,
        label: `-L_${samples}`,
        value,
        error,
        unit: 'nats',
        digits: 3,
      });
    }
  }
  const refinement = steps && (await refine(runtime, model, rows, count, { ...work, steps }));
  if (refinement) {
    const { before, beforeError, after, afterError, gap, gapError } = refinement;
    const bound = (label: string, name: string, value: number, error: number): Figure => ({
      ...{ name: `refinement.${name}`, label, value: meanScale(logScale, count) - value, error },
      unit: 'nats',
      digits: 3,
    });
    figures.push(
      bound('-ELBO before refining', 'before', before, beforeError),
      {
        ...bound('-ELBO refined', 'after', after, afterError),
        note: `${steps} steps on each row's posterior`,
      },
      {
        name: 'refinement.gap',
        label: 'amortisation gap',
        value: gap,
        error: gapError,
        unit: 'nats',
        digits: 3,
        errorDigits: 3,
      },
    );
  }
  return {
    ...(criteria && { criteria }),
    ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
    ...(dimensions && { dimensions }),
    ...(told && { information: told }),
    ...(shifted && { curve: shifted }),
    ...(refinement && { refinement }),
    figures,
  };
}

/** What the model tells without data, in nats of the data that it was learned from. */
async function factsOf(runtime: Runtime, { can }: Model, logScale: number): Promise<Figure[]> {
  const { facts } = can;
  if (!facts) return [];
  const outputs = Object.fromEntries(
    facts.flatMap(({ name, of, rows }) => [
      [name, of],
      [`${name} rows`, rows],
    ]),
  );
  const plan = await runtime.compile({ outputs });
  try {
    const names = Object.keys(outputs);
    const read = await replay(plan, names);
    return facts.map(({ name, label, digits }, i) => ({
      ...{ name, label, digits, unit: 'nats' },
      value: (read[2 * i]?.[0] as number) - logScale * (read[2 * i + 1]?.[0] as number),
    }));
  } finally {
    plan.destroy();
  }
}
