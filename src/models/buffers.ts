// What a flow keeps beside its parameters, as it comes from a file: values that would make it no
// bijection are named.
import { LatentGpuError } from '../errors.ts';

type Check = (values: ArrayLike<number>) => [at: number, must: string] | undefined;

const each =
  (isGood: (value: number) => boolean, must: string): Check =>
  (values) => {
    const at = Array.from(values).findIndex((value) => !isGood(value));
    return at < 0 ? undefined : [at, must];
  };

const isOrder: Check = (values) => {
  const seen = new Set<number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value >= values.length || seen.has(value)) {
      return [i, `it must name each of ${values.length} places once`];
    }
    seen.add(value);
  }
  return undefined;
};

/** By the last part of a buffer's name. */
const CHECKS: Readonly<Record<string, Check>> = {
  variance: each((value) => value >= 0, 'a variance must not be negative'),
  sign: each((value) => Math.abs(value) === 1, 'a sign is 1 or -1'),
  initialized: each((value) => value === 0 || value === 1, 'it is 0 or 1'),
  order: isOrder,
  back: isOrder,
  rows: isOrder,
  places: isOrder,
};

/** @throws LatentGpuError `bad-data` naming the first value that no flow can have */
export function checkBuffer(path: string, values: ArrayLike<number>, file: string): void {
  const found = CHECKS[path.slice(path.lastIndexOf('.') + 1)]?.(values);
  if (!found) return;
  const [at, must] = found;
  throw new LatentGpuError(
    'bad-data',
    `${file}: tensor '${path}' holds ${values[at]} at element ${at}; ${must}`,
  );
}
