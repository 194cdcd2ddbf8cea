// What has been measured so far, as charts and tables of the page.
import { compareReports } from '../../src/bench/compare.ts';
import { comparisonTable } from '../../src/bench/page/comparison.ts';
import { curvePlot } from '../../src/bench/page/curve-plot.ts';
import {
  circumstances,
  curvesLegend,
  hostCosts,
  peakTiles,
  ROOFLINE_LEGEND,
  SHARES_NOTE,
} from '../../src/bench/page/parts.ts';
import { rooflinePlot } from '../../src/bench/page/roofline-plot.ts';
import { curveTable, sharesTable } from '../../src/bench/page/tables.ts';
import type { BenchReport } from '../../src/bench/report.ts';
import { type Html, html } from '../../src/report/html.ts';
import { element } from '../view/elements.ts';

/** A report to compare with, and what it is called. */
export interface Earlier {
  readonly name: string;
  readonly report: BenchReport;
}

/** Shows a card with this in it, or hides the card where there is nothing. */
function show(id: string, content: Html | undefined): HTMLElement {
  const place = element(id);
  element(`${id}-card`).hidden = content === undefined;
  place.innerHTML = content?.text ?? '';
  return place;
}

export class View {
  private report: BenchReport | undefined;
  private earlier: Earlier | undefined;
  private isDue = false;
  private width = 0;

  constructor() {
    element('roofline-legend').innerHTML = ROOFLINE_LEGEND.text;
    new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width !== this.width) this.repaint();
    }).observe(element('files-card'));
  }

  show(report: BenchReport): void {
    this.report = report;
    this.repaint();
  }

  compare(earlier: Earlier): void {
    this.earlier = earlier;
    this.repaint();
  }

  private repaint(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.paint();
    });
  }

  private paint(): void {
    const { report, earlier } = this;
    const card = element('files-card');
    this.width = card.clientWidth;
    const inner = Math.max(
      280,
      Math.floor(this.width - 2 * parseFloat(getComputedStyle(card).paddingLeft)),
    );
    if (!report) return;
    show(
      'facts',
      html`${circumstances(report).map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}`,
    );
    show('peaks', peakTiles(report));
    const height = Math.round(Math.min(560, 200 + 0.4 * inner));
    show('roofline', rooflinePlot(report, { width: inner, height }));
    element('shares').innerHTML = html`${sharesTable(report)}${SHARES_NOTE}`.text;
    show('host', hostCosts(report));
    this.paintCurves(report, inner);
    const comparison = earlier && compareReports(earlier.report, report);
    if (earlier) element('comparison-title').textContent = `Against ${earlier.name}`;
    show('comparison', comparison && comparisonTable(comparison));
  }

  private paintCurves({ curves = [] }: BenchReport, inner: number): void {
    const earlier = this.earlier?.report.curves ?? [];
    // Two beside each other where there is room: see `.grid`.
    const width = inner >= 864 ? Math.floor((inner - 24) / 2) : inner;
    const figures = curves.map((curve) => {
      const before = earlier.find(({ name }) => name === curve.name);
      return html`<figure><h3>${curve.name}</h3>${curvePlot(curve, before, { width, height: 260 })}${curveTable(curve)}</figure>`;
    });
    show(
      'curves',
      curves.length > 0
        ? html`${curvesLegend(earlier.length > 0)}<div class="grid">${figures}</div>`
        : undefined,
    );
  }
}
