// A report as one HTML file.
import uPlotScript from 'uplot/dist/uPlot.iife.min.js?raw';
import uPlotStyle from 'uplot/dist/uPlot.min.css?raw';
import { cardSection } from './card.ts';
import chartScript from './charts.js?raw';
import type { Fact, ReportContent } from './content.ts';
import { boundFigure, curveFigure, dimensionsFigure, pictureFigure } from './figures.ts';
import { type Html, html } from './html.ts';
import { lonePage } from './lone-page.ts';
import style from './style.css?raw';

const LICENCE = '/*! uPlot: Copyright (c) 2022 Leon Sorokin, MIT License */';

function factsTable(heading: readonly string[], facts: readonly (readonly string[])[]): Html {
  return html`<div class="scroll"><table class="facts">
<thead><tr>${heading.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${facts.map(
  ([label, ...texts]) =>
    html`<tr><th scope="row"><span class="key">${label}</span></th>${texts.map((text) => html`<td>${text}</td>`)}</tr>\n`,
)}</tbody>
</table></div>
`;
}

function section(id: string, title: string, content: readonly (Html | undefined)[]): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}</section>
`;
}

function curvesSection({ history }: ReportContent): Html | undefined {
  // What is found in one step has none.
  if (!history || history.curves.length === 0) return undefined;
  const { steps, curves, skipped } = history;
  return section('curves', 'Training', [
    html`<p class="small">By step, a point an epoch; values of training are means over the epoch. ${
      skipped === 0 ? 'No update was skipped.' : `${skipped} updates were skipped.`
    }</p>\n`,
    html`<noscript><p class="note">The charts need JavaScript; their numbers are in the tables.</p></noscript>\n`,
    html`<div class="grid">${curves.map((curve) => curveFigure(curve, steps))}</div>\n`,
  ]);
}

/** Rows of a table that are shown without being asked for. */
const FEW = 24;

function layersTable(layers: readonly Fact[]): Html {
  const whole = factsTable(['layer', 'keys'], layers);
  if (layers.length <= FEW) return whole;
  return html`<details><summary>${layers.length} lines</summary>${whole}</details>\n`;
}

function bodyOf(content: ReportContent): Html {
  const { title, subtitle, facts, notes, likelihood, curve, pictures, dimensions, layers } =
    content;
  const { configuration, commands, versions } = content;
  return html`<main>
<header>
<h1>${title}</h1>
<p class="subtitle">${subtitle}</p>
<dl class="facts">
${facts.map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>\n`)}</dl>
${notes.map((note) => html`<p class="note">${note}</p>\n`)}</header>
${likelihood && cardSection(likelihood)}${
  curve && section('bound', 'How tight the bound is', [boundFigure(curve)])
}${curvesSection(content)}${
  pictures.length > 0 &&
  section('pictures', 'What it makes', [
    html`<div class="grid">${pictures.map(pictureFigure)}</div>\n`,
  ])
}${dimensions && section('dimensions', 'Latent space', [dimensionsFigure(dimensions)])}${
  layers.length > 0 && section('layers', 'Layers, from noise to data', [layersTable(layers)])
}${section('configuration', 'Configuration', [
  factsTable(['key', 'value', 'what it is'], configuration),
])}${section(
  'commands',
  'To have it again',
  commands.map(([what, line]) => html`<p>${what}</p>\n<pre><code>${line}</code></pre>\n`),
)}${section('versions', 'Versions', [factsTable(['what', 'version'], versions)])}</main>
`;
}

export function reportPage(content: ReportContent): Promise<string> {
  return lonePage({
    title: content.title,
    css: `${uPlotStyle}\n${style}`,
    body: bodyOf(content),
    script: `${LICENCE}\n${uPlotScript}\n${chartScript}`,
  });
}
