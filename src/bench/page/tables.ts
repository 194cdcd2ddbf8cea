// The numbers of a report as tables.
import { type Html, html } from '../../report/html.ts';
import { ofPeak, perSecond, spread } from '../figures.ts';
import { peakFigures } from '../peaks/rates.ts';
import { type BenchCurve, type BenchReport, sizeText } from '../report.ts';
import { binary, percent, short, si } from '../table.ts';
import { numbered } from './roofline-plot.ts';

/** A column whose cells are words, or numbers. */
type Head = readonly [name: string, kind: 'text' | 'number'];

const header = (heads: readonly Head[]): Html =>
  html`<thead><tr>${heads.map(([name, kind]) => html`<th scope="col"${kind === 'text' && html` class="text"`}>${name}</th>`)}</tr></thead>`;

/** A share as a bar of a track; one above 1, as what a cache makes possible can be, fills it. */
function bar(share: number, kind: string): Html {
  const width = (100 * Math.min(1, share)).toFixed(1);
  return html`<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="whole" width="100" height="10" rx="1"/><rect class="${kind}" width="${width}" height="10" rx="1"/></svg>`;
}

/** Every kernel and step with its share of the peak that binds. */
export function sharesTable(report: BenchReport): Html {
  const heads: Head[] = [
    ['#', 'number'],
    ['', 'text'],
    ['of peak', 'number'],
    ['', 'text'],
    ['', 'text'],
    ['ms', 'number'],
    ['spread', 'number'],
    ['GFLOP/s', 'number'],
    ['GB/s', 'number'],
    ['calls', 'number'],
  ];
  const rows = numbered(report).map(
    ({
      row,
      number,
    }) => html`<tr><td>${number}</td><th scope="row" class="text">${row.name}</th><td>${percent(row.share)}</td><td class="text">${row.limit}</td><td class="share-cell">${bar(row.share, row.group)}</td><td>${short(row.ms.median)}</td><td>${spread(row.ms, row.samples.length)}</td><td>${perSecond(row.work.flops, row)}</td><td>${perSecond(row.work.bytes, row)}</td><td>${row.work.dispatches}</td></tr>
`,
  );
  return html`<div class="scroll"><table class="numbers">${header(heads)}<tbody>
${rows}</tbody></table></div>
`;
}

/** The points of a curve. */
export function curveTable({ axis, makes, points }: BenchCurve): Html {
  const heads: Head[] = [
    [axis, 'number'],
    ['ms', 'number'],
    ['quartiles', 'number'],
    ['GFLOP/s', 'number'],
    ['GB/s', 'number'],
    ...(makes ? [[`${makes}/s`, 'number'] as const] : []),
    ['of peak', 'number'],
  ];
  const rows = points.map(
    (
      point,
    ) => html`<tr><td>${sizeText(axis, point.size)}</td><td>${short(point.ms.median)}</td><td>${short(point.ms.quartiles[0])} – ${short(point.ms.quartiles[1])}</td><td>${perSecond(point.work.flops, point)}</td><td>${perSecond(point.work.bytes, point)}</td>${makes && html`<td>${si((1000 * point.size) / point.ms.min)}</td>`}<td>${ofPeak(point)}</td></tr>
`,
  );
  return html`<details><summary>Numbers</summary><div class="scroll"><table class="numbers">${header(heads)}<tbody>
${rows}</tbody></table></div></details>
`;
}

/** Every peak, how sure it is, and what is missing for those that could not be measured. */
export function peaksTable(report: BenchReport): Html | undefined {
  const figures = peakFigures(report);
  if (figures.length === 0) return undefined;
  const heads: Head[] = [
    ['', 'text'],
    ['best', 'number'],
    ['', 'text'],
    ['95 % of the median', 'text'],
  ];
  const rows = figures.map(
    ({ name, best, unit, certainty }) =>
      html`<tr><th scope="row" class="text">${name}</th><td>${best}</td><td class="text">${unit}</td><td class="text">${certainty}</td></tr>
`,
  );
  return html`<details><summary>Every peak</summary><div class="scroll"><table class="numbers">${header(heads)}<tbody>
${rows}</tbody></table></div></details>
`;
}

/** What the adapter does at best, as pairs of a name and a number with its unit. */
export function peakFacts({ peaks }: BenchReport): [name: string, value: string, unit: string][] {
  const { copy, dispatch } = peaks;
  const fastest = copy.reduce((a, b) => (b.bytesPerSecond > a.bytesPerSecond ? b : a));
  const largest = copy.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const others = copy
    .filter((each) => each !== largest)
    .map(({ bytes, bytesPerSecond }) => `${short(bytesPerSecond / 1e9)} of ${binary(bytes / 2)}`);
  return [
    ['Fused multiply-adds', short(peaks.flops / 1e9), 'GFLOP/s'],
    ['Copies, the fastest', short(fastest.bytesPerSecond / 1e9), 'GB/s, read and written'],
    [
      `Copies of ${binary(largest.bytes / 2)}`,
      short(largest.bytesPerSecond / 1e9),
      `GB/s${others.length > 0 ? ` (${others.join(', ')})` : ''}`,
    ],
    ['Normal draws', si(peaks.normals), `/s, uniform ${si(peaks.uniforms)}/s`],
    ['A dispatch in a pass', short(1000 * dispatch.inPassMs), 'µs'],
    [
      'Submitted and waited for',
      short(1000 * dispatch.waitedMs),
      `µs, read ${short(1000 * dispatch.readMs)} µs`,
    ],
  ];
}
