// What a schedule is going to do, for people.
import { formatShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Kernel } from '../emit/kernel.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { rootOf } from '../place/in-place.ts';
import type { MemoryMap } from '../place/memory.ts';
import type { Turn } from './turns.ts';

/** 1234567 as "1.23 M". */
function si(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let unit = 0;
  let scaled = value;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 ? scaled : scaled.toPrecision(3)} ${units[unit]}`.trimEnd();
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as string[]).map((_, c) =>
    Math.max(...rows.map((row) => (row[c] as string).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, c) => (c === row.length - 1 ? cell : cell.padEnd(widths[c] as number)))
      .join('  ')
      .trimEnd(),
  );
}

const nameOf = (x: Tensor): string => x.name || `${x.op.name}#${x.id}`;

function kernelRow(kernel: Kernel, i: number): string[] {
  const domains = kernel.groups.map(({ shape, axes }) => {
    const folded = axes.length > 0 ? ` along ${axes.join(', ')}` : '';
    return `${formatShape(shape)}${folded}`;
  });
  return [
    String(i),
    `${kernel.shader}${kernel.variant ? ` (${kernel.variant})` : ''}`,
    domains.join(' ∥ '),
    kernel.dispatch.join('×'),
    si(kernel.flops),
    si(kernel.bytes),
    kernel.label,
  ];
}

export interface Explained {
  readonly kernels: readonly Kernel[];
  readonly turns: readonly Turn[];
  readonly counts: readonly number[];
  readonly memory: MemoryMap;
  readonly variables: readonly Tensor[];
}

/** What lies in a buffer, where and when; of what is written over an operand, both names. */
function holds({ kernels, memory }: Explained, slot: number): string {
  const end = kernels.length - 1;
  return memory.lifetimes
    .flatMap(({ memory: held, first, last }) => {
      const place = memory.places.get(held);
      if (place?.slot !== slot) return [];
      const over = [...memory.inPlace.keys()].filter((x) => rootOf(x, memory.inPlace) === held);
      const names = [held, ...over].map(nameOf).join(' → ');
      return `${names} (${si(place.offset)}, ${first}–${Math.min(last, end)})`;
    })
    .join(', ');
}

/** What a step does, loops in full. */
export function workOfStep({ kernels, counts }: Pick<Explained, 'kernels' | 'counts'>) {
  const sum = (of: (kernel: Kernel) => number) =>
    kernels.reduce((total, kernel, i) => total + (counts[i] as number) * of(kernel), 0);
  return {
    dispatches: sum(() => 1),
    flops: sum(({ flops }) => flops),
    bytes: sum(({ bytes }) => bytes),
  };
}

/** Where there are loops, a line that says in which order kernels take their turns. */
function orderOf(turns: readonly Turn[]): string[] {
  if (turns.length < 2) return [];
  const named = turns.map(({ from, to, times }) => {
    const range = to - from > 1 ? `${from}–${to - 1}` : String(from);
    return times > 1 ? `${times} × (${range})` : range;
  });
  return ['', `in this order: ${shortened(named).join(', ')}`];
}

/** A list of which a long middle is left out. */
const shortened = (list: readonly string[]): string[] =>
  list.length <= 16 ? [...list] : [...list.slice(0, 10), '…', ...list.slice(-5)];

export function explain(plan: Explained): string {
  const { kernels, memory } = plan;
  const head = ['#', 'kernel', 'domain', 'workgroups', 'FLOP', 'bytes', 'computes'];
  const { dispatches, flops, bytes } = workOfStep(plan);
  const lines = [
    `${dispatches} dispatches, ${si(flops)} FLOP, ${si(bytes)} bytes moved a step`,
    ...table([head, ...kernels.map(kernelRow)]),
    ...orderOf(plan.turns),
    '',
    `memory of intermediates: ${si(memory.peakBytes)} bytes in ${memory.slotBytes.length} slots; ` +
      `no placement can use less than ${si(memory.boundBytes)}`,
    ...table([
      ['slot', 'bytes', 'holds (from byte, from dispatch to dispatch)'],
      ...memory.slotBytes.map((size, slot) => [String(slot), si(size), holds(plan, slot)]),
    ]),
    '',
    `variables: ${si(plan.variables.reduce((total, v) => total + memoryBytes(v), 0))} bytes: ` +
      plan.variables.map((v) => `${nameOf(v)} ${formatShape(v.shape)}`).join(', '),
  ];
  return lines.join('\n');
}
