// Memory: copies, writes and reads in as many bytes a second as there are, and how long one load takes.
import { benchChain, benchCopy, benchRead, benchWrite } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';
import { Random } from '../../random.ts';
import { NO_WORK, type PeakKind } from '../roofline.ts';
import type { Peak } from './peak.ts';

const MEBIBYTE = 2 ** 20;

/** Bytes of the buffers that are copied: within caches of different levels, and beyond them. */
const COPIED = [0.25, 4, 16, 64].map((mebibytes) => mebibytes * MEBIBYTE);

/**
 * Workgroup, and quads an invocation: a GPU wants many invocations, a software adapter few, which walk
 * through memory without leaps.
 */
const copyShapes = (quads: number) =>
  [
    [256, 1],
    [256, 4],
    [64, 16],
    [64, 64],
    [4, quads / 1024],
  ] as const;

export const copies = (): Peak[] => COPIED.map(copy);

function copy(bytes: number): Peak {
  const quads = bytes / 16;
  return {
    name: `copy of ${bytes / MEBIBYTE} MiB`,
    kind: 'copy',
    buffers: [
      { kind: 'read', bytes },
      { kind: 'write', bytes },
    ],
    variants: copyShapes(quads).map(([workgroup, items]) => ({
      code: specialize(benchCopy, {
        constants: { QUADS: quads, ITEMS: items, WORKGROUP: workgroup },
      }),
      workgroups: Math.ceil(quads / (workgroup * items)),
      work: { ...NO_WORK, bytes: 2 * bytes },
    })),
  };
}

/** Past the caches; what draws are held against that leave for memory. */
const STREAMED = 64 * MEBIBYTE;
/** Workgroup, and quads an invocation. */
const STREAM_SHAPES = [
  [256, 1],
  [64, 16],
  [64, 64],
] as const;

/** One way only, in bytes. */
function stream(kind: 'read' | 'write', first: Peak['buffers'][number]): Peak {
  const quads = STREAMED / 16;
  return {
    name: `${kind} of ${STREAMED / MEBIBYTE} MiB`,
    kind,
    buffers: [first, { kind: 'write', bytes: kind === 'write' ? STREAMED : 16 }],
    variants: STREAM_SHAPES.map(([workgroup, items]) => ({
      code: specialize(kind === 'read' ? benchRead : benchWrite, {
        constants: { QUADS: quads, ITEMS: items, WORKGROUP: workgroup },
      }),
      workgroups: Math.ceil(quads / (workgroup * items)),
      work: { ...NO_WORK, bytes: STREAMED },
    })),
  };
}

export const write = (): Peak => stream('write', { kind: 'uniform', bytes: 16 });
export const read = (): Peak => stream('read', { kind: 'read', bytes: STREAMED });

/** Of the memory that a chain of loads leads through. */
const CHAINED = [0.25, 4, 64].map((mebibytes) => mebibytes * MEBIBYTE);
/** Loads of a dispatch. */
const LOADS = 2048;
/** No two of a chain's places share a cache line. */
const LINE = 128;

/** What is read of a chain's work: four bytes a load. */
export const loadsOf = (bytes: number): number => bytes / 4;

export const chains = (): Peak[] => CHAINED.map(chain);

function chain(bytes: number): Peak {
  const kind: PeakKind = 'latency';
  return {
    name: `dependent loads in ${bytes / MEBIBYTE} MiB`,
    kind,
    buffers: [
      { kind: 'read', bytes, data: cycle(bytes) },
      // Where the chain has come to: the next dispatch goes on from there.
      { kind: 'write', bytes: 16 },
    ],
    variants: [
      {
        code: specialize(benchChain, { constants: { LOADS } }),
        workgroups: 1,
        work: { ...NO_WORK, bytes: 4 * LOADS },
      },
    ],
  };
}

/** Places that lead to each other in one circle through all lines, at random (Sattolo 1986). */
function cycle(bytes: number): Uint32Array {
  const random = new Random(1, 0, 0);
  const lines = bytes / LINE;
  const order = Uint32Array.from({ length: lines }, (_, i) => i);
  for (let i = lines - 1; i > 0; i--) {
    const j = random.integer(i);
    const moved = order[i] as number;
    order[i] = order[j] as number;
    order[j] = moved;
  }
  const next = new Uint32Array(bytes / 4);
  const words = LINE / 4;
  order.forEach((to, from) => {
    next[from * words] = to * words;
  });
  return next;
}
