// Estimators of gradients side by side, as one HTML file: signal-to-noise ratios
// over the number of samples, with logarithmic axes, and the numbers below.
import type { EstimatorNoise } from '../models/index.ts';
import { type Html, html } from './html.ts';
import plotStyle from './log-plot.css?raw';
import { chart, dot, type LogAxis, line, type Size, type XY } from './log-plot.ts';
import { lonePage } from './lone-page.ts';
import style from './style.css?raw';

const SIZE: Size = { width: 420, height: 300 };

function axesOf(found: readonly EstimatorNoise[]): { x: LogAxis; y: LogAxis } {
  const samples = [...new Set(found.map((each) => each.samples))].sort((a, b) => a - b);
  const ratios = found
    .flatMap(({ encoder, decoder }) => [encoder.signalToNoise, decoder.signalToNoise])
    .filter((value) => value > 0);
  const [least = 1, most = 1] = [samples[0], samples.at(-1)];
  return {
    x: { label: 'samples K', low: least / 1.2, high: most * 1.2, ticks: samples },
    y: {
      label: 'signal to noise',
      low: Math.min(1e9, ...ratios) / 1.5,
      high: Math.max(1e-9, ...ratios) * 1.5,
    },
  };
}

/** Whether there is a ratio to draw: what is exact has no noise. */
const isNoisy = (found: readonly EstimatorNoise[], name: string): boolean =>
  found.some(({ estimator, encoder, decoder }) => {
    return estimator === name && (encoder.signalToNoise > 0 || decoder.signalToNoise > 0);
  });

function plotOf(name: string, found: readonly EstimatorNoise[], x: LogAxis, y: LogAxis): Html {
  const of = found.filter(({ estimator }) => estimator === name);
  const points = (part: 'encoder' | 'decoder') =>
    of.map((each): XY => [each.samples, each[part].signalToNoise]).filter(([, value]) => value > 0);
  return html`<figure><figcaption><h3>${name}</h3></figcaption>
${chart(
  SIZE,
  x,
  y,
  `${name}: signal to noise over samples; its numbers are in the table`,
  (frame) =>
    (['encoder', 'decoder'] as const).flatMap((part) => {
      const kind = part === 'encoder' ? 'now' : 'before';
      const own = points(part);
      return [
        ...(own.length > 1 ? [line(frame, own, kind)] : []),
        ...own.map((at) =>
          dot(frame, at, kind, `${part}, K = ${at[0]}: ${at[1].toPrecision(3)}`, 3),
        ),
      ];
    }),
)}</figure>
`;
}

export function gradientsPage(found: readonly EstimatorNoise[], about: string): Promise<string> {
  const { x, y } = axesOf(found);
  const names = [...new Set(found.map(({ estimator }) => estimator))];
  const drawn = names.filter((name) => isNoisy(found, name));
  const exact = names.filter((name) => !isNoisy(found, name));
  const hasExact = found.some(({ encoder }) => encoder.error !== undefined);
  const headings = [
    ...['estimator', 'K', 'of', 'norm of the mean', 'variance', 'signal to noise'],
    ...(hasExact ? ['distance from exact', 'by chance'] : []),
  ];
  const short = (value: number | undefined) => (value === undefined ? '' : value.toPrecision(4));
  const rows = found.flatMap(({ estimator, samples, ...parts }) =>
    (['encoder', 'decoder'] as const).map((part) => ({
      ...{ estimator, samples, part },
      ...parts[part],
    })),
  );
  const body = html`<main>
<header><h1>Gradients of estimators</h1>
<p class="subtitle">${about}</p></header>
<section><h2>Signal to noise over the number of samples</h2>
<p class="small">The mean over parameters of |mean| / deviation (Rainforth et al. 2018): <span class="entry"><span class="key-dot now"></span>encoder</span> <span class="entry"><span class="key-dot before"></span>decoder</span>.${exact.length > 0 && ` Without noise: ${exact.join(', ')}.`}</p>
<div class="grid">${drawn.map((name) => plotOf(name, found, x, y))}</div></section>
<section><h2>Numbers</h2><div class="scroll"><table>
<thead><tr>${headings.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (each) =>
    html`<tr><td>${each.estimator}</td><td>${each.samples}</td><td>${each.part}</td>${[each.norm, each.variance, each.signalToNoise, ...(hasExact ? [each.error, each.chance] : [])].map((value) => html`<td>${short(value)}</td>`)}</tr>\n`,
)}</tbody></table></div></section>
</main>
`;
  return lonePage({ title: 'Gradients of estimators', css: `${style}\n${plotStyle}`, body });
}
