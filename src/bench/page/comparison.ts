// One run against another, with the interval of every ratio drawn.
import { type Html, html } from '../../report/html.ts';
import type { ComparedRow, Comparison } from '../compare.ts';
import { short } from '../table.ts';

const [WIDTH, HEIGHT] = [160, 16];
/** Ratios that the drawing reaches, in both directions; what lies beyond ends at the edge. */
const MOST = 4;

function interval({ ratio, verdict }: ComparedRow): Html {
  const at = (value: number) => {
    const inside = Math.min(MOST, Math.max(1 / MOST, value));
    return ((WIDTH / 2) * (1 + Math.log(inside) / Math.log(MOST))).toFixed(1);
  };
  const middle = HEIGHT / 2;
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" aria-hidden="true"><path class="one" d="M${WIDTH / 2} 0V${HEIGHT}"/><path class="interval ${verdict}" d="M${at(ratio.low)} ${middle}H${at(ratio.high)}M${at(ratio.value)} 3V${HEIGHT - 3}"/></svg>`;
}

function rowsTable(rows: readonly ComparedRow[]): Html {
  return html`<div class="scroll"><table class="numbers"><thead><tr><th scope="col" class="text"></th><th scope="col">before, ms</th><th scope="col">now, ms</th><th scope="col">ratio</th><th scope="col" class="text">95 % interval</th><th scope="col"></th><th scope="col">of best</th><th scope="col" class="text"></th></tr></thead><tbody>
${rows.map(
  (
    row,
  ) => html`<tr><th scope="row" class="text">${row.name}</th><td>${short(row.beforeMs)}</td><td>${short(row.nowMs)}</td><td>${row.ratio.value.toFixed(2)}×</td><td class="text">${row.ratio.low.toFixed(2)} – ${row.ratio.high.toFixed(2)}</td><td>${interval(row)}</td><td>${row.bestRatio.toFixed(2)}×</td><td class="text">${row.verdict !== 'same' && row.verdict}</td></tr>
`,
)}</tbody></table></div>
`;
}

export function comparisonTable({ warnings, rows, added }: Comparison): Html {
  const points = rows.filter(({ isPoint }) => isPoint);
  return html`${warnings.map(
    (warning) => html`<p class="note">${warning}</p>
`,
  )}<p class="small">Ratios of the medians, now over before, with 95 % bootstrap intervals, drawn from ${1 / MOST}× to ${MOST}×; below 1 is faster. Intervals hold the spread within both runs and nothing else: a verdict is given where the fastest samples agree with the medians.</p>
${rowsTable(rows.filter(({ isPoint }) => !isPoint))}${
  points.length > 0 &&
  html`<details><summary>${points.length} points of the curves</summary>${rowsTable(points)}</details>
`
}${
  added.length > 0 &&
  html`<p class="small">${added.length} measured now were not in the earlier run.</p>
`
}`;
}
