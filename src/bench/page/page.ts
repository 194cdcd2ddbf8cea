// A report as one HTML file without a script. The measurements are in it, for the next run to be compared with.
import { type Html, html, Html as Raw } from '../../report/html.ts';
import plotStyle from '../../report/log-plot.css?raw';
import type { Size } from '../../report/log-plot.ts';
import { lonePage } from '../../report/lone-page.ts';
import reportStyle from '../../report/style.css?raw';
import { type Comparison, compareReports } from '../compare.ts';
import { embedded } from '../json.ts';
import type { BenchCurve, BenchReport } from '../report.ts';
import { comparisonTable } from './comparison.ts';
import { curvePlot } from './curve-plot.ts';
import pageStyle from './page.css?raw';
import {
  circumstances,
  curvesLegend,
  hostCosts,
  peakTiles,
  ROOFLINE_LEGEND,
  SHARES_NOTE,
} from './parts.ts';
import { rooflinePlot } from './roofline-plot.ts';
import { curveTable, peaksTable, sharesTable } from './tables.ts';

/** A chart for a screen and one for a phone, whose letters are as large. */
function both(wide: Size, narrow: Size, draw: (size: Size) => Html): Html {
  return html`<div class="wide">${draw(wide)}</div><div class="narrow">${draw(narrow)}</div>`;
}

function section(id: string, title: string, content: readonly (Html | false | undefined)[]): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}</section>
`;
}

function peaksSection(report: BenchReport): Html {
  return section('peaks', 'What it does at best', [
    html`<p class="small">Measured in the same rounds as everything else: the fastest sample of the fastest of several kernels that do one thing each.</p>
`,
    peakTiles(report),
    peaksTable(report),
  ]);
}

function rooflineSection(report: BenchReport): Html {
  return section('roofline', 'Under the roofline', [
    ROOFLINE_LEGEND,
    both({ width: 1030, height: 600 }, { width: 330, height: 380 }, (size) =>
      rooflinePlot(report, size),
    ),
    sharesTable(report),
    SHARES_NOTE,
  ]);
}

function curveFigure(curve: BenchCurve, before: BenchCurve | undefined): Html {
  return html`<figure><figcaption><h3>${curve.name}</h3></figcaption>
${both({ width: 500, height: 300 }, { width: 330, height: 240 }, (size) => curvePlot(curve, before, size))}${curveTable(curve)}</figure>
`;
}

function curvesSection(
  { curves = [] }: BenchReport,
  before: BenchReport | undefined,
): Html | undefined {
  if (curves.length === 0) return undefined;
  const earlier = before?.curves ?? [];
  return section('curves', 'Cost against size', [
    curvesLegend(before !== undefined),
    html`<div class="grid">${curves.map((curve) =>
      curveFigure(
        curve,
        earlier.find(({ name }) => name === curve.name),
      ),
    )}</div>
`,
  ]);
}

function againSection({ command }: BenchReport): Html {
  return section('again', 'To have it again', [
    html`${
      command &&
      html`<pre><code>${command}</code></pre>
`
    }<p>All measurements are in this file. To compare another run with them:</p>
<pre><code>latentgpu bench --compare this-file.html</code></pre>
`,
  ]);
}

function bodyOf(
  report: BenchReport,
  before: BenchReport | undefined,
  comparison?: Comparison,
): Html {
  const costs = hostCosts(report);
  return html`<main>
<header>
<h1>${report.adapter.name}</h1>
<p class="subtitle">What this adapter does at best, and what latentgpu's kernels and training steps make of it</p>
<dl class="facts">
${circumstances(report).map(
  ([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>
`,
)}</dl>
</header>
${peaksSection(report)}${rooflineSection(report)}${costs && section('host', 'What the host costs', [costs])}${curvesSection(report, before)}${
  comparison && section('comparison', 'Against an earlier run', [comparisonTable(comparison)])
}${againSection(report)}</main>
`;
}

/**
 * The whole page.
 *
 * @param before an earlier run to compare with
 */
export function benchPage(report: BenchReport, before?: BenchReport): Promise<string> {
  const comparison = before && compareReports(before, report);
  return lonePage({
    title: `${report.adapter.name}: latentgpu benchmark`,
    css: `${reportStyle}\n${plotStyle}\n${pageStyle}`,
    body: html`${bodyOf(report, before, comparison)}${new Raw(embedded(report))}`,
  });
}
