// Figures of a report. Every chart is drawn from a table that stands below it, so that its numbers can
// be read where charts cannot be seen.
import type { LatentDimensions, ReportPicture } from './content.ts';
import type { Curve } from './history.ts';
import { type Html, html } from './html.ts';

/** Bars of one chart, and rows of its table. */
const DIMENSIONS = 200;
/** Above it, the posterior mean's variance makes a dimension active (Burda et al. 2016). */
const ACTIVE = 0.01;

const short = (value: number | undefined) =>
  value === undefined ? '' : String(Number(value.toPrecision(6)));

interface Chart {
  readonly title: string;
  readonly kind: 'lines' | 'bars';
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

/** KL divergence (an autoencoder: variance) of every latent dimension, the largest first. */
export function dimensionsFigure({ kl, variance }: LatentDimensions): Html {
  const height = kl ?? variance;
  const order = [...variance.keys()]
    .sort((a, b) => (height[b] as number) - (height[a] as number))
    .slice(0, DIMENSIONS);
  const isActive = (j: number) => (variance[j] as number) > ACTIVE;
  const shown =
    order.length < variance.length
      ? ` The ${order.length} largest of ${variance.length} are shown.`
      : '';
  if (!kl) {
    return chart({
      title: 'Variance of each dimension of the code',
      kind: 'bars',
      caption: `Over the rows evaluated, the largest first.${shown}`,
      columns: ['rank', 'variance', 'dimension'],
      drawn: 2,
      rows: order.map((j, i) => [i + 1, variance[j], j]),
    });
  }
  return chart({
    title: 'KL divergence of each latent dimension (nats)',
    kind: 'bars',
    caption:
      'Mean over the rows evaluated, the largest first; together they are the KL divergence above. ' +
      `Active: the posterior mean varies over the rows by more than ${ACTIVE} (variance).${shown}`,
    columns: ['rank', 'active', 'inactive', 'dimension', 'variance of the posterior mean'],
    drawn: 3,
    rows: order.map((j, i) => [
      i + 1,
      isActive(j) ? kl[j] : undefined,
      isActive(j) ? undefined : kl[j],
      j,
      variance[j],
    ]),
  });
}

export function pictureFigure({ title, png, alt, caption }: ReportPicture): Html {
  return html`<figure class="picture">
<figcaption><h3>${title}</h3><p>${caption}</p></figcaption>
<img src="data:image/png;base64,${Buffer.from(png).toString('base64')}" alt="${alt}">
</figure>
`;
}
