// Arrays and tables as long series, cut into windows.
import { LatentGpuError } from '../errors.ts';
import type { CsvTable } from '../formats/csv.ts';
import { checked, checkHeld, type DatasetOptions, type StoredArray } from './arrays.ts';
import type { LoadedDataset } from './dataset.ts';
import { cutWindows, type Series, type Windows } from './windows.ts';

/**
 * Windows of an array: one series [steps] or [steps, channels], or several of one length,
 * [series, steps, channels]. Whole numbers count as themselves.
 *
 * @throws LatentGpuError `bad-data`
 */
export function arraySeries(
  array: StoredArray,
  windows: Windows,
  options: DatasetOptions,
): LoadedDataset {
  const { shape } = array;
  const bad = (why: string) => new LatentGpuError('bad-data', `${options.name}: ${why}`);
  if (shape.length < 1 || shape.length > 3 || shape.includes(0)) {
    throw bad(
      `holds [${shape.slice(0, 8).join(', ')}], and --window is for [steps], [steps, channels] or [series, steps, channels]`,
    );
  }
  const [count, steps, channels] =
    shape.length === 3
      ? (shape as [number, number, number])
      : [1, shape[0] as number, shape[1] ?? 1];
  checkHeld(array.data, bad);
  const data = numbersOf(array.data);
  const size = steps * channels;
  const series = Array.from(
    { length: count },
    (_, i): Series => ({
      name: `${options.name}, series ${i}`,
      data: data.subarray(i * size, (i + 1) * size),
    }),
  );
  return checked(cutWindows(series, channels, windows, aboutOf(options, windows)), options);
}

/** Windows of a table, whose rows are steps and whose columns are channels. */
export function tableSeries(
  table: CsvTable,
  windows: Windows,
  options: DatasetOptions,
): LoadedDataset {
  const { columns, values, names, dropped, leftOut } = table;
  const series = [{ name: options.name, data: values }];
  const cut = cutWindows(series, columns, windows, aboutOf(options, windows));
  const named = names && columns > 1 && { channels: names };
  return checked(
    { ...cut, table: { dropped, leftOut }, sequence: { ...cut.sequence, ...named } },
    options,
  );
}

const aboutOf = ({ name, source }: DatasetOptions, { rate }: Windows) => ({ name, source, rate });

/** float32 holds whole numbers up to here as they are. */
const EXACT = 2 ** 24;

function numbersOf(data: StoredArray['data']): Float32Array | Float64Array {
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  const numbers = Float64Array.from(data as ArrayLike<number | bigint>, Number);
  return numbers.every((value) => Math.abs(value) <= EXACT) ? Float32Array.from(numbers) : numbers;
}
