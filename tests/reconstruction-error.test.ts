/** Reconstruction errors of more rows than are held at once, against sums by hand. */
import { expect, test } from 'vitest';
import type { Asked } from '../src/models/ask/interface.ts';
import { reconstructionErrors } from '../src/models/ask/reconstruction-error.ts';
import type { RowSource } from '../src/models/ask/rows.ts';

const WIDTH = 2 ** 21;
const COUNT = 9;

/** Numbers of rows `start` to `end`, a row at a time. */
const filled = (start: number, end: number, fill: (part: Float32Array, row: number) => void) => {
  const numbers = new Float32Array((end - start) * WIDTH);
  for (let row = start; row < end; row++) {
    fill(numbers.subarray((row - start) * WIDTH, (row - start + 1) * WIDTH), row);
  }
  return numbers;
};

/** Row r holds r everywhere; of odd rows only the first quarter is known. */
const rows: RowSource = Object.assign(
  (start: number, end: number) => filled(start, end, (part, row) => part.fill(row)),
  {
    labels: Uint32Array.from({ length: COUNT }, (_, row) => 10 * row),
    mask: (start: number, end: number) =>
      filled(start, end, (part, row) => part.fill(1, 0, row % 2 === 1 ? WIDTH / 4 : WIDTH)),
  },
);

test('each row has its own, over what is known of it, however many are asked for', async () => {
  const asked: number[] = [];
  const told: number[] = [];
  const numbered: number[] = [];
  // Makes of every row what is twice as large in its first half.
  const reconstruct: Asked['reconstruct'] = async (data, count, _shown, _seed, options) => {
    const given = data as RowSource;
    options?.onProgress?.(1);
    asked.push(count);
    told.push(...Array.from(given.labels ?? []).slice(0, count));
    numbered.push(...(given.numbers ?? []).slice(0, count));
    const made = given(0, count).slice();
    for (let at = 0; at < made.length; at += WIDTH) {
      for (let i = at; i < at + WIDTH / 2; i++) made[i] = 2 * (made[i] as number);
    }
    return made;
  };
  const model = { features: WIDTH, can: { decode: {} } };
  const done: number[] = [];
  const errors = await reconstructionErrors(
    { model, reconstruct } as unknown as Asked,
    rows,
    COUNT,
    {
      onProgress: (part) => done.push(part),
    },
  );
  expect(asked).toEqual([4, 4, 1]);
  expect(told).toEqual(Array.from({ length: COUNT }, (_, row) => 10 * row));
  // A model with a code of its own for each training row looks it up by that row's number.
  expect(numbered).toEqual(Array.from({ length: COUNT }, (_, row) => row));
  expect([...errors]).toEqual(
    Array.from({ length: COUNT }, (_, row) => (row % 2 === 1 ? row ** 2 : row ** 2 / 2)),
  );
  expect(done).toEqual([4 / 9, 8 / 9, 1]);
});
