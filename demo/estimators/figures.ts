// The numbers behind the histograms, a row for each estimator.
import type { Stream } from './cell.ts';
import type { Estimator } from './table.ts';

export interface Row {
  readonly estimator: Estimator;
  readonly color: string;
  readonly stream: Stream | undefined;
  /** Of the signal-to-noise ratio over K: measured, and published. */
  readonly slope: number | undefined;
  readonly published: number | undefined;
}

export class Figures {
  private readonly body: HTMLElement;

  constructor(body: HTMLElement) {
    this.body = body;
  }

  show(rows: readonly Row[]): void {
    while (this.body.children.length > rows.length) this.body.lastElementChild?.remove();
    rows.forEach((row, i) => {
      const line = (this.body.children[i] ?? this.body.appendChild(newRow())) as HTMLElement;
      const cells = [...line.children] as HTMLElement[];
      const { stream } = row;
      const isKnown = stream !== undefined && stream.count > 1;
      const error = isKnown ? stream.deviation / Math.sqrt(stream.count) : 0;
      const isExact = isKnown && stream.variance < 1e-12;
      const texts = [
        row.estimator.name,
        isKnown ? stream.count.toLocaleString('en') : '–',
        isKnown ? `${signed(stream.mean)}${isExact ? '' : ` ± ${error.toPrecision(1)}`}` : '–',
        isKnown ? (isExact ? '0' : stream.deviation.toPrecision(3)) : '–',
        isKnown ? (isExact ? '∞' : stream.signalToNoise.toPrecision(3)) : '–',
        row.slope === undefined ? '–' : signed(row.slope, 2),
        row.published === undefined ? '–' : row.published > 0 ? '+½' : '−½',
      ];
      line.style.setProperty('--swatch', row.color);
      line.title = row.estimator.source;
      cells.forEach((cell, j) => {
        if (cell.textContent !== texts[j]) cell.textContent = texts[j] as string;
      });
    });
  }
}

function newRow(): HTMLElement {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  row.append(head, ...Array.from({ length: 6 }, () => document.createElement('td')));
  return row;
}

const signed = (value: number, digits = 3) =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
