// Rows of the visitor's table: what the data are, draws of the model, and what the map's point decodes to.
import type { Ready, Row } from '../protocol.ts';
import { element, formatNumber, setText } from './elements.ts';

/** More categories are not named. */
const NAMED = 6;

/** What a data set has so many of. */
export function kindOf({ missing, ...data }: Ready['data']): string {
  return [rowsOf(data), ...(missing ? [missing] : [])].join('; ');
}

function rowsOf({ shape, categories = [] }: Omit<Ready['data'], 'missing'>): string {
  if (shape.length > 1) return `images of ${shape.join(' × ')}`;
  const words = categories.reduce((sum, { levels }) => sum + levels.length, 0);
  const numbers = (shape[0] as number) - words;
  if (words === 0 && numbers === 2) return 'points';
  const counted = (count: number, one: string, more: string) =>
    count > 0 ? [`${count} ${count === 1 ? one : more}`] : [];
  const parts = [
    ...counted(numbers, 'number', 'numbers'),
    ...counted(categories.length, 'category', 'categories'),
  ];
  const named = categories
    .slice(0, NAMED)
    .map(({ column, levels }, i) => `${column} (${levels.length}${i === 0 ? ' words' : ''})`);
  if (categories.length > NAMED) named.push('…');
  return `rows of ${parts.join(' and ')}${words > 0 ? `: ${named.join(', ')}` : ''}`;
}

export class RowsView {
  private digits: readonly number[] = [];
  private headings: readonly string[] = [];

  constructor() {
    // Wider than a phone, it is scrolled: by keyboard as well.
    element('rows').tabIndex = 0;
  }

  reset({ table }: Ready['data']): void {
    this.digits = table?.digits ?? [];
    this.headings = table?.headings ?? [];
    for (const id of ['rows', 'row']) element(id).hidden = !table;
    element('drawn-rows').replaceChildren();
    element('row').replaceChildren();
    element('headings').replaceChildren(...this.headings.map((name) => made('th', name)));
    const shown = this.headings.length;
    const part = table && table.columns > shown ? `: the first ${shown} columns` : '';
    setText('rows-caption', `Some of the draws, as rows of the table${part}`);
  }

  showDraws(rows: readonly Row[] | undefined): void {
    if (!rows) return;
    element('drawn-rows').replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement('tr');
        line.append(...row.map((cell, i) => made('td', this.text(cell, i))));
        return line;
      }),
    );
  }

  /** What the map's point decodes to. */
  showPoint(row: Row | undefined): void {
    if (!row) return;
    element('row').replaceChildren(
      ...row.map((cell, i) => {
        const pair = document.createElement('div');
        pair.append(made('dt', this.headings[i] as string), made('dd', this.text(cell, i)));
        return pair;
      }),
    );
  }

  private text(cell: Row[number], column: number): string {
    return typeof cell === 'string' ? cell : formatNumber(cell, this.digits[column] as number);
  }
}

function made(tag: string, text: string): HTMLElement {
  const found = document.createElement(tag);
  found.textContent = text;
  if (tag === 'th') found.setAttribute('scope', 'col');
  return found;
}
