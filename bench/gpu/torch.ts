// What bench/reference/steps.py leaves.

export interface TorchTimes {
  readonly median: number;
  readonly min: number;
  readonly quartiles: readonly [number, number];
}

export interface TorchRow {
  readonly name: string;
  /** The point of a curve of `latentgpu bench` that does the same work. */
  readonly curve?: string;
  readonly size?: number;
  readonly columns: Readonly<Partial<Record<TorchColumn, TorchTimes>>>;
}

export type TorchColumn = 'eager' | 'graph' | 'compile';

export interface TorchReport {
  readonly format: 1;
  readonly date: string;
  readonly torch: string;
  readonly device: string;
  /** Of CUDA; null where PyTorch ran on the processor. */
  readonly cuda: string | null;
  readonly driver: string | null;
  readonly threads: number;
  readonly clocks: { readonly kernel: string; readonly step: string };
  readonly columns: readonly TorchColumn[];
  readonly rounds: number;
  readonly rows: readonly TorchRow[];
}

function isTimes(x: unknown): boolean {
  const { median, min } = (x ?? {}) as Partial<TorchTimes>;
  return typeof median === 'number' && typeof min === 'number' && median > 0;
}

/** @throws Error that names the file and what is wrong with it */
export function parseTorchReport(text: string, name: string): TorchReport {
  const report = JSON.parse(text) as Partial<TorchReport> | null;
  const rows = report?.rows;
  const whole =
    report?.format === 1 &&
    Array.isArray(report.columns) &&
    Array.isArray(rows) &&
    rows.every(
      (row) => typeof row?.name === 'string' && Object.values(row.columns ?? {}).every(isTimes),
    );
  if (!whole) throw new Error(`${name} is not what bench/reference/steps.py writes`);
  return report as TorchReport;
}
