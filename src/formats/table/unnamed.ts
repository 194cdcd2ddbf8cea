// Columns of a table that have no heading, until all of their cells are known.
import type { LatentGpuError } from '../../errors.ts';
import type { Columns } from './columns.ts';
import type { Cell } from './number.ts';
import { unnamedKind } from './row-numbers.ts';

const WORDS = { nothing: 'is empty', names: 'names the rows', numbers: 'numbers the rows' };

export class UnnamedColumns {
  private readonly columns: readonly number[];
  /** A row at a time. */
  private readonly cells: string[] = [];
  private readonly lines: number[] = [];

  /** @param columns by number, from 0 */
  constructor(columns: readonly number[]) {
    this.columns = columns;
  }

  /** @param row all cells of a row */
  add(row: readonly Cell[], line: number): void {
    if (this.columns.length === 0) return;
    for (const column of this.columns) this.cells.push(String(row[column]).trim());
    this.lines.push(line);
  }

  cellOf(row: number, column: number): string {
    return this.cells[row * this.columns.length + this.columns.indexOf(column)] as string;
  }

  lineOf(row: number): number {
    return this.lines[row] as number;
  }

  /**
   * Which of them are data, and which are left out.
   *
   * @throws LatentGpuError `bad-input` where that must be said
   */
  settle(
    columns: Columns,
    bad: (why: string) => LatentGpuError,
  ): { kept: number[]; gone: number[]; remarks: string[] } {
    const [kept, gone, remarks]: [number[], number[], string[]] = [[], [], []];
    for (const column of this.columns) {
      const cells = this.lines.map((_, row) => this.cellOf(row, column));
      const ways = {
        place: `column ${column + 1}`,
        drop: columns.argument(column),
        keep: `1-${columns.width}`,
      };
      const kind = unnamedKind(cells, ways, bad);
      if (kind === 'feature') kept.push(column);
      else {
        gone.push(column);
        remarks.push(`${columns.describe(column)} ${WORDS[kind]} and is left out`);
      }
    }
    return { kept, gone, remarks };
  }
}
