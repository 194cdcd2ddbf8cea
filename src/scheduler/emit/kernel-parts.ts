// What the kernels of all kinds of groups are put together from.
import { libPhilox } from '../../kernels/shaders.gen.ts';
import { type Constants, importLine } from '../../kernels/specialize.ts';
import { isPacked } from '../lower/access.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import type { KernelBinding } from '../place/kernel-binding.ts';
import type { Bindings } from './bindings.ts';
import type { Emitter } from './emitter.ts';
import type { KernelChoice } from './invocations.ts';

/** What makes a kernel of a group, by its kind. */
export interface Made {
  /** The skeleton it is made from, and its variant. */
  readonly shader: string;
  readonly variant: string;
  /** What it could be instead, if anything. */
  readonly choice?: KernelChoice;
  readonly code: string;
  /** In order of their binding numbers. */
  readonly bindings: readonly KernelBinding[];
  readonly dispatch: readonly [number, number, number];
}

const MAX_GRID = 65535;

/** Workgroups folded into rows that WebGPU can dispatch, with fewer to spare than there are rows. */
export function grid(workgroups: number): { dispatch: [number, number, number]; gridX: number } {
  const rows = Math.ceil(workgroups / MAX_GRID);
  const gridX = Math.ceil(workgroups / rows);
  return { dispatch: [gridX, rows, 1], gridX };
}

export const indent = (lines: readonly string[], by = '  ') =>
  lines.map((line) => by + line).join('\n');

/** Constants of the imported libraries that depend on the adapter. */
export function libraryConstants(
  emitter: Pick<Emitter, 'imports'>,
  adapter: AdapterClass,
): Constants<'lib/philox'> {
  // A software adapter shifts slowly and converts fast; the words are the same.
  return emitter.imports.has(libPhilox) && adapter.isSoftware ? { PHILOX_CONVERTS: 1 } : {};
}

export const importLines = (emitter: Pick<Emitter, 'imports'>) =>
  [...emitter.imports].map(importLine).sort();

export const plain = ({ all }: Bindings): KernelBinding[] =>
  all.map(({ memory, kind, start, elements, quads }) => ({
    memory,
    kind,
    offset: 4 * start,
    ...(kind !== 'uniform' &&
      !isPacked(memory) && { bytes: quads ? 16 * Math.ceil(elements / 4) : 4 * elements }),
  }));
