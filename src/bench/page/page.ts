// A report as one HTML file that needs nothing else: no script, no network, no other file, and by its own
// policy it could not even ask for any. The measurements are in it, for the next run to be compared with.
import { type Html, html, Html as Raw } from '../../report/html.ts';
import reportStyle from '../../report/style.css?raw';
import { type Comparison, compareReports } from '../compare.ts';
import { embedded } from '../json.ts';
import { type BenchCurve, type BenchReport, COLD_START } from '../report.ts';
import { worthOfSubmissions } from '../submissions.ts';
import { short } from '../table.ts';
import { comparisonTable } from './comparison.ts';
import { curvePlot } from './curve-plot.ts';
import pageStyle from './page.css?raw';
import plotStyle from './plot.css?raw';
import type { Size } from './plot.ts';
import { rooflinePlot } from './roofline-plot.ts';
import { curveTable, peakFacts, sharesTable } from './tables.ts';

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

const clockText = ({ clock }: BenchReport): string =>
  clock === 'gpu'
    ? "Kernels by the GPU's own clock (timestamp-query), steps by the host's"
    : "Everything by the host's clock: there was no timestamp-query, or it was not wanted";

/** When, where, on what. */
export function circumstances(report: BenchReport): [label: string, text: string][] {
  const { adapter, host, date, rounds, seconds } = report;
  const kind = adapter.isSoftware ? 'software adapter: these are processor cores' : 'hardware';
  const maker = [adapter.vendor, adapter.architecture].filter(Boolean).join(', ');
  const machine = [
    host.processor,
    host.cores && `${host.cores} cores`,
    host.load !== undefined && `load ${host.load.toFixed(1)} when it began`,
  ].filter(Boolean);
  const versions = Object.entries(host.versions ?? {}).map(([name, text]) => `${name} ${text}`);
  return [
    ['Adapter', `${adapter.name} (${kind})`],
    ...(maker ? [['Made by', maker] as [string, string]] : []),
    ['Runs in', [host.runtime, ...versions].join(', ')],
    ...(machine.length > 0 ? [['Machine', machine.join(', ')] as [string, string]] : []),
    ['Date', date.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['Version', `latentgpu ${report.version}`],
    ['Clock', clockText(report)],
    ['Sampled', `${rounds} interleaved rounds, ${short(seconds)} s`],
    ['Features', adapter.features.join(', ') || 'none'],
  ];
}

function peaksSection(report: BenchReport): Html {
  return section('peaks', 'What it does at best', [
    html`<p class="small">Measured in the same rounds as everything else: the fastest sample of the fastest of several kernels that do one thing each.</p>
<dl class="tiles">${peakFacts(report).map(
      ([
        name,
        value,
        unit,
      ]) => html`<div class="tile"><dt>${name}</dt><dd>${value} <small>${unit}</small></dd></div>
`,
    )}</dl>
`,
  ]);
}

export const ROOFLINE_LEGEND: Html = html`<p class="small"><span class="key-dot kernel"></span>kernels<span class="key-dot step"></span>whole steps. Up is faster, to the right is more arithmetic a byte; nothing gets through the roofs. What draws numbers or only waits does no arithmetic and stands in the table alone.</p>
`;

function rooflineSection(report: BenchReport): Html {
  return section('roofline', 'Under the roofline', [
    ROOFLINE_LEGEND,
    both({ width: 1030, height: 600 }, { width: 330, height: 380 }, (size) =>
      rooflinePlot(report, size),
    ),
    sharesTable(report),
    html`<p class="small">Share: the least time that the peaks allow (arithmetic: fma, memory: copy, random numbers: random, dispatches: launch), over the fastest sample. A cache makes more than 100 % possible. Medians, and half the distance of the quartiles.</p>
`,
  ]);
}

function submissionsSection(report: BenchReport): Html | undefined {
  const worth = worthOfSubmissions(report);
  const cold = report.coldStart;
  if (worth.length === 0 && !cold) return undefined;
  return section('host', 'What the host costs', [
    worth.length > 0 &&
      html`<p>The VAE's training step with many steps a submission, against</p>
<ul>${worth.map(
        ({
          than,
          ratio,
        }) => html`<li>${than}: <b>${ratio.value.toFixed(2)}×</b> as fast (${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)})</li>
`,
      )}</ul>
`,
    cold &&
      html`<p>${COLD_START[0]?.toUpperCase()}${COLD_START.slice(1)}, from opening the device to the end of the first VAE step: ${short(cold.firstMs)} ms the first time, ${short(cold.ms.median)} ms on the median of ${cold.ms.count} fresh devices.</p>
`,
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
    html`<p class="small"><span class="key-dot now"></span>median, and the band of the quartiles${before && html`<span class="key-dot before"></span>the earlier run`}<span class="key-dot floor"></span>the least time that the peaks allow</p>
<div class="grid">${curves.map((curve) =>
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
${peaksSection(report)}${rooflineSection(report)}${submissionsSection(report)}${curvesSection(report, before)}${
  comparison && section('comparison', 'Against an earlier run', [comparisonTable(comparison)])
}${againSection(report)}</main>
`;
}

async function sourceOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}

/**
 * The whole page.
 *
 * @param before an earlier run to compare with
 */
export async function benchPage(report: BenchReport, before?: BenchReport): Promise<string> {
  const css = `${reportStyle}\n${plotStyle}\n${pageStyle}`;
  const policy = [
    "default-src 'none'",
    `style-src ${await sourceOf(css)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const comparison = before && compareReports(before, report);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.adapter.name}: latentgpu benchmark</title>
<style>${new Raw(css)}</style>
</head>
<body>
${bodyOf(report, before, comparison)}${new Raw(embedded(report))}</body>
</html>
`.text;
}
