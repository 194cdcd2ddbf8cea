// Pieces of the page, which the demo shows as they come in.
import { type Html, html } from '../../report/html.ts';
import { type BenchReport, COLD_START } from '../report.ts';
import { worthOfSubmissions } from '../submissions.ts';
import { short } from '../table.ts';
import { peakFacts } from './tables.ts';

const clockText = ({ clock }: BenchReport): string =>
  clock === 'gpu'
    ? "Kernels by the GPU's own clock (timestamp-query), steps by the host's"
    : "Everything by the host's clock: there was no timestamp-query, or it was not wanted";

/** What browsers call themselves, those first that claim to be others as well. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bFirefox\/(\d+)/, 'Firefox'],
  [/Chrome\/(\d+)/, 'Chrome'],
  [/\bVersion\/([\d.]+).* Safari\//, 'Safari'],
];

/** A browser by name, version and system, of the sentence that it tells; other hosts as they are called. */
export function hostText(runtime: string): string {
  for (const [pattern, name] of BROWSERS) {
    const version = pattern.exec(runtime)?.[1];
    if (version === undefined) continue;
    const system =
      /\b(Android [\d.]+|Linux \w+|Windows NT [\d.]+|CrOS \w+|Mac OS X|iPhone OS)/.exec(runtime);
    return `${name} ${version}${system ? `, ${system[1]}` : ''}`;
  }
  return runtime;
}

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
    ['Runs in', [hostText(host.runtime), ...versions].join(', ')],
    ...(machine.length > 0 ? [['Machine', machine.join(', ')] as [string, string]] : []),
    ['Date', date.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['Version', `latentgpu ${report.version}`],
    ['Clock', clockText(report)],
    ['Sampled', `${rounds} interleaved rounds, ${Number(seconds.toPrecision(3))} s`],
    ['Features', adapter.features.join(', ') || 'none'],
  ];
}

export function peakTiles(report: BenchReport): Html {
  return html`<dl class="tiles">${peakFacts(report).map(
    ([
      name,
      value,
      unit,
    ]) => html`<div class="tile"><dt>${name}</dt><dd>${value} <small>${unit}</small></dd></div>
`,
  )}</dl>
`;
}

export const ROOFLINE_LEGEND: Html = html`<p class="small"><span class="key-dot kernel"></span>kernels<span class="key-dot step"></span>whole steps. Up is faster, to the right is more arithmetic a byte; nothing gets through the roofs. What draws numbers or only waits does no arithmetic and stands in the table alone.</p>
`;

export const SHARES_NOTE: Html = html`<p class="small">Share: the least time that the peaks allow (arithmetic: fma, memory: copy, random numbers: random, dispatches: launch), over the fastest sample. A cache makes more than 100 % possible. Medians, and half the distance of the quartiles.</p>
`;

export function curvesLegend(isCompared: boolean): Html {
  return html`<p class="small"><span class="key-dot now"></span>median, and the band of the quartiles${isCompared && html`<span class="key-dot before"></span>the earlier run`}<span class="key-dot floor"></span>the best that the peaks allow</p>
`;
}

/** What submissions and a cold start cost, where that was measured. */
export function hostCosts(report: BenchReport): Html | undefined {
  const worth = worthOfSubmissions(report);
  const cold = report.coldStart;
  if (worth.length === 0 && !cold) return undefined;
  return html`${
    worth.length > 0 &&
    html`<p>How many times as fast steps are when many of them go into one submission:</p>
<div class="scroll"><table class="numbers"><thead><tr><th scope="col" class="text">step</th><th scope="col" class="text">against</th><th scope="col">as fast</th><th scope="col" class="text">95 % interval</th><th scope="col">of best</th></tr></thead><tbody>
${worth.map(
  ({
    step,
    than,
    ratio,
    bestRatio,
  }) => html`<tr><th scope="row" class="text">${step}</th><td class="text">${than}</td><td><b>${ratio.value.toFixed(2)}×</b></td><td class="text">${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}</td><td>${bestRatio.toFixed(2)}×</td></tr>
`,
)}</tbody></table></div>
`
  }${
    cold &&
    html`<p>${COLD_START[0]?.toUpperCase()}${COLD_START.slice(1)}, from opening the device to the end of the first VAE step: ${short(cold.firstMs)} ms the first time, ${short(cold.ms.median)} ms on the median of ${cold.ms.count} fresh devices.</p>
`
  }`;
}
