// Programs in plain JavaScript, node after node.
import { sizeOf } from '../network.ts';
import { multiplications } from '../product.ts';
import { KERNELS, type Value } from './kernels.ts';
import { resolve } from './nodes.ts';
import type { Program } from './read.ts';
import type { ProgramBackend, Task } from './task.ts';

/** Numbers that are in memory at once, and products between turns of the page. */
const MOST_NUMBERS = 2 ** 22;
const MOST_WORK = 2 ** 26;

function scatter(to: Float32Array, index: Float32Array, rows: Float32Array, width: number): void {
  index.forEach((row, i) => {
    // A damaged program may name rows that are not there.
    const isThere = row >= 0 && (row + 1) * width <= to.length;
    if (isThere) to.set(rows.subarray(i * width, (i + 1) * width), row * width);
  });
}

/** Ops whose second operand is a matrix. */
const PRODUCTS = { linear: 1, gru: 1, lstm: 1 };

export function playInJavaScript(program: Program): ProgramBackend {
  const { nodes, weights, numbers, work } = program;
  const held = new Map<number, Value>();
  for (const [i, data] of weights) held.set(i, { data, shape: nodes[i]!.shape });
  // Matrices that rows are multiplied with.
  const matrices = [...weights.keys()].filter(
    (i) =>
      nodes[i]!.shape.length === 2 &&
      nodes.some(({ op, inputs }) => op in PRODUCTS && inputs[1] === i),
  );
  const of = matrices.map((i) => ({ weight: weights.get(i)!, inputs: nodes[i]!.shape[1]! }));
  multiplications(of).forEach((multiply, k) => {
    const i = matrices[k]!;
    held.set(i, { ...held.get(i)!, multiply });
  });
  const most = Math.min(MOST_NUMBERS / numbers, MOST_WORK / work);

  async function run({ part, rows, feeds, noise, pace }: Task): Promise<Float32Array> {
    const states = new Map<number, Value>();
    /** What is the same in every leg. */
    const fixed = new Map(held);
    let step = 0;

    async function computed(list: readonly number[]): Promise<(i: number) => Value> {
      const made = new Map<number, Value>();
      const of = (i: number): Value => fixed.get(i) ?? made.get(i) ?? stateOf(i);
      for (const i of list) {
        const { op, inputs, rest, shape, isFixed } = nodes[i]!;
        if (fixed.has(i) || op === 'state') continue;
        const own = resolve(shape, rows);
        // Where a slice begins may count rows.
        const words = op === 'slice' ? (resolve(rest, rows) as never[]) : rest;
        const data =
          op === 'in'
            ? feeds[rest[0]!]!
            : op === 'noise'
              ? noise(nodes[i]!, i, own, step)
              : KERNELS[op]!(inputs.map(of), own, words);
        (isFixed ? fixed : made).set(i, { data, shape: own });
        const turn = pace.due();
        if (turn) await turn;
      }
      return of;
    }

    function stateOf(i: number): Value {
      const there = states.get(i);
      if (there) return there;
      const shape = resolve(nodes[i]!.shape, rows);
      const made = { data: new Float32Array(sizeOf(shape)), shape };
      states.set(i, made);
      return made;
    }

    for (const [index, times] of part.order) {
      const leg = part.legs[index]!;
      for (let time = 0; time < times; time++, step++) {
        const of = await computed(leg.nodes);
        // What others read is what was there before the leg.
        const after = leg.effects.map((i) => {
          const [state, ...values] = nodes[i]!.inputs as [number, ...number[]];
          const [first, rows] = values.map((value) => of(value).data) as [
            Float32Array,
            Float32Array,
          ];
          return rows ? { state, index: first, rows } : { state, whole: first.slice() };
        });
        for (const { state, whole, index, rows } of after) {
          const { data, shape } = stateOf(state);
          if (whole) states.set(state, { data: whole, shape });
          else scatter(data, index, rows, shape[1]!);
        }
      }
    }
    return (await computed(part.end.nodes))(part.out).data;
  }

  return {
    name: 'javascript',
    adapter: 'JavaScript',
    rows: Math.max(1, Math.min(program.rows, Math.floor(most))),
    run,
    destroy() {},
  };
}
