// Figures of a report. Every chart is drawn from a table that stands below it, so that its numbers can
// be read where charts cannot be seen.
import { ACTIVE_VARIANCE } from '../constants.ts';
import type { BoundOfSamples, CodeDimension } from '../models/index.ts';
import { collapseText, isActive } from './collapse.ts';
import type { LatentDimensions, ReportPicture } from './content.ts';
import type { Curve } from './history.ts';
import { type Html, html } from './html.ts';

/** Bars of one chart, and rows of its table. */
const DIMENSIONS = 200;

const short = (value: number | undefined) =>
  value === undefined ? '' : String(Number(value.toPrecision(6)));

interface Chart {
  readonly title: string;
  /** `errors`: lines over a logarithmic axis; the column after those that are drawn has their errors. */
  readonly kind: 'lines' | 'bars' | 'errors';
  readonly caption?: string | undefined;
  readonly columns: readonly string[];
  /** How many of the columns, from the first, are drawn. */
  readonly drawn: number;
  readonly rows: readonly (readonly (number | undefined)[])[];
}

function chart({ title, kind, caption, columns, drawn, rows }: Chart): Html {
  return html`<figure class="chart" data-kind="${kind}" data-drawn="${drawn}">
<figcaption><h3>${title}</h3>${caption && html`<p>${caption}</p>`}</figcaption>
<div class="plot" role="img" aria-label="Chart: ${title}; its numbers are in the table that follows"></div>
<details><summary>Numbers</summary><div class="scroll"><table>
<thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((value) => html`<td>${short(value)}</td>`)}</tr>\n`)}</tbody>
</table></div></details>
</figure>
`;
}

export function curveFigure({ title, series }: Curve, steps: readonly number[]): Html {
  return chart({
    title,
    kind: 'lines',
    columns: ['step', ...series.map(({ name }) => name)],
    drawn: series.length + 1,
    rows: steps.map((step, i) => [step, ...series.map(({ values }) => values[i])]),
  });
}

/** A bound that tightens with the draws of a row that it averages over, and its standard errors. */
export function boundFigure(curve: readonly BoundOfSamples[]): Html {
  return chart({
    title: 'Bound of −log p(x) by samples a row (nats)',
    kind: 'errors',
    caption:
      'Means over rows, ± their standard errors. It falls towards −log p(x) as K grows (Burda, Grosse and Salakhutdinov 2016).',
    columns: ['K', 'bound', 'standard error'],
    drawn: 2,
    rows: curve.map(({ samples, value, error }) => [samples, value, error]),
  });
}

/** The dimensions that are largest in some respect, from the largest on, and how many are left out. */
function largest(
  dimensions: readonly CodeDimension[],
  height: (dimension: CodeDimension) => number,
): { order: number[]; shown: string } {
  const order = [...dimensions.keys()]
    .sort((a, b) => height(dimensions[b] as CodeDimension) - height(dimensions[a] as CodeDimension))
    .slice(0, DIMENSIONS);
  const shown =
    order.length < dimensions.length
      ? `The ${order.length} largest of ${dimensions.length} are shown.`
      : '';
  return { order, shown };
}

/** What every dimension of a code tells: its KL divergence, or where it has none of its own how it varies. */
export function dimensionsFigure(dimensions: LatentDimensions): Html {
  const { each, isDrawn } = dimensions;
  const told = (isDrawn && collapseText(each.filter(isActive).length, each.length)) || '';
  if (each.some(({ kl }) => kl === undefined)) return variancesFigure(dimensions, told);
  const { order, shown } = largest(each, ({ kl }) => kl as number);
  return chart({
    title: 'KL divergence of each latent dimension (nats)',
    kind: 'bars',
    caption: sentences(
      'Mean over the rows evaluated, the largest first; together they are the KL divergence above.',
      `Active: the posterior mean varies over the rows by more than ${ACTIVE_VARIANCE} (variance).`,
      shown,
      told,
    ),
    columns: ['rank', 'active', 'inactive', 'dimension', 'variance of the posterior mean'],
    drawn: 3,
    rows: order.map((j, i) => {
      const dimension = each[j] as CodeDimension;
      const { kl, variance } = dimension;
      return [i + 1, ...(isActive(dimension) ? [kl, undefined] : [undefined, kl]), j, variance];
    }),
  });
}

function variancesFigure({ each, isDrawn }: LatentDimensions, told: string): Html {
  const { order, shown } = largest(each, ({ variance }) => variance);
  return chart({
    title: isDrawn
      ? 'Variance of the posterior mean in each latent dimension'
      : 'Variance of each dimension of the code',
    kind: 'bars',
    caption: sentences(
      'Over the rows evaluated, the largest first.',
      isDrawn
        ? `The KL divergence from this prior does not divide into one for each dimension. Active: above ${ACTIVE_VARIANCE}.`
        : '',
      shown,
      told,
    ),
    columns: ['rank', 'variance', 'dimension'],
    drawn: 2,
    rows: order.map((j, i) => [i + 1, each[j]?.variance, j]),
  });
}

const sentences = (...parts: readonly string[]) => parts.filter(Boolean).join(' ');

export function pictureFigure({ title, png, alt, caption }: ReportPicture): Html {
  return html`<figure class="picture">
<figcaption><h3>${title}</h3><p>${caption}</p></figcaption>
<img src="data:image/png;base64,${Buffer.from(png).toString('base64')}" alt="${alt}">
</figure>
`;
}
