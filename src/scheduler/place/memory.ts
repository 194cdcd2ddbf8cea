// Where every intermediate lives. A few buffers hold all of them; what is not alive at the same time
// may lie at the same place. The largest are placed first, each where its buffer grows least.
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable, PART_ALIGNMENT } from '../../graph/variable.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import { isZeros, partLayout } from '../lower/concat-parts.ts';
import { rootOf } from './in-place.ts';
import type { KernelBinding } from './kernel-binding.ts';

/** Bytes to whose multiples bindings start. */
const ALIGNMENT = 4 * PART_ALIGNMENT;

/** What one dispatch binds. */
interface Dispatch {
  readonly bindings: readonly KernelBinding[];
}

/** Bytes of a memory, and the dispatches during which they are in use. */
interface Piece {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** A memory, and where in it something is in use when. */
interface Item {
  readonly memory: Tensor;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  readonly pieces: readonly Piece[];
}

export interface MemoryMap {
  /** The buffer of every memory that is not a variable, and the byte at which it starts there. */
  readonly places: ReadonlyMap<Tensor, { readonly slot: number; readonly offset: number }>;
  /** Bytes of each buffer. */
  readonly slotBytes: readonly number[];
  /** Dispatches from the first to the last that touches it, of every memory. */
  readonly lifetimes: readonly { memory: Tensor; first: number; last: number }[];
  /** An output that takes over the memory of an input which nobody needs any more. */
  readonly inPlace: ReadonlyMap<Tensor, Tensor>;
  /** Bytes of all buffers together. */
  readonly peakBytes: number;
  /** The most bytes in use during any one dispatch: no placement can do with less. */
  readonly boundBytes: number;
}

export interface PlacementOptions {
  readonly inPlace: ReadonlyMap<Tensor, Tensor>;
  /** Memories that outlive the step, because the caller reads them. */
  readonly kept: ReadonlySet<Tensor>;
  /**
   * Whether a dispatch may read one part of a buffer and write another: what it reads is then bound
   * for writing as well, see `withSharedBuffers`. A concatenation is then in use part by part.
   */
  readonly sharesBuffers: boolean;
  /** The most bytes of a buffer, if it can be helped. */
  readonly maxBytes: number;
}

/** @param dispatches what is dispatched, one after the other */
export function placeMemory(dispatches: readonly Dispatch[], options: PlacementOptions): MemoryMap {
  const items = itemsOf(dispatches, options);
  const rivals = rivalsOf(dispatches, options);
  const placements = [bySize, byStart].map((order) =>
    place([...items].sort(order), rivals, options.maxBytes),
  );
  const { places, slotBytes } = placements.reduce((a, b) =>
    total(b.slotBytes) < total(a.slotBytes) ? b : a,
  );
  return {
    places,
    slotBytes,
    lifetimes: items.map(({ memory, first, last }) => ({ memory, first, last })),
    inPlace: options.inPlace,
    peakBytes: total(slotBytes),
    boundBytes: boundOf(items, dispatches.length),
  };
}

/** The memory of sections that run one after the other: buffers and dispatches are numbered on. */
export function joinedMaps(
  sections: readonly { readonly memory: MemoryMap; readonly length: number }[],
): MemoryMap {
  let [slot, dispatch] = [0, 0];
  const all = sections.map(({ memory, length }) => {
    const [slots, dispatches] = [slot, dispatch];
    slot += memory.slotBytes.length;
    dispatch += length;
    return { memory, slots, dispatches };
  });
  return {
    places: new Map(
      all.flatMap(({ memory, slots }) =>
        [...memory.places].map(
          ([held, { slot, offset }]) => [held, { slot: slots + slot, offset }] as const,
        ),
      ),
    ),
    slotBytes: all.flatMap(({ memory }) => memory.slotBytes),
    lifetimes: all.flatMap(({ memory, dispatches }) =>
      memory.lifetimes.map(({ memory: held, first, last }) => ({
        memory: held,
        first: dispatches + first,
        last: dispatches + last,
      })),
    ),
    inPlace: new Map(all.flatMap(({ memory }) => [...memory.inPlace])),
    peakBytes: total(all.map(({ memory }) => memory.peakBytes)),
    boundBytes: Math.max(...all.map(({ memory }) => memory.boundBytes)),
  };
}

const total = (bytes: readonly number[]): number => bytes.reduce((a, b) => a + b, 0);

const bySize = (a: Item, b: Item): number => b.bytes - a.bytes || a.first - b.first;
const byStart = (a: Item, b: Item): number => a.first - b.first || b.bytes - a.bytes;

/** Bytes from one to the one before another. */
type Span = readonly [start: number, end: number];

/** A dispatch, and what it binds of a memory. */
interface Touch {
  readonly at: number;
  readonly span: Span;
}

function spanOf({ memory, offset, bytes }: KernelBinding): Span {
  return [offset, bytes === undefined ? memoryBytes(memory) : offset + bytes];
}

function itemsOf(
  dispatches: readonly Dispatch[],
  { inPlace, kept, sharesBuffers }: PlacementOptions,
): Item[] {
  const touched = new Map<Tensor, Touch[]>();
  dispatches.forEach(({ bindings }, at) => {
    for (const binding of bindings) {
      const { memory } = binding;
      if (isVariable(memory)) continue;
      const touch: Touch = { at, span: spanOf(binding) };
      const touches = touched.get(memory);
      if (touches) touches.push(touch);
      else touched.set(memory, [touch]);
    }
  });
  const keptRoots = new Set([...kept].map((memory) => rootOf(memory, inPlace)));
  return [...touched].map(([memory, touches]) => {
    const bytes = memoryBytes(memory);
    const first = (touches[0] as Touch).at;
    const last = keptRoots.has(memory) ? dispatches.length : (touches.at(-1) as Touch).at;
    const pieces: Piece[] = [];
    const use = (span: Span, first: number, last: number) => {
      for (const [start, end] of remainder(span, pieces)) pieces.push({ start, end, first, last });
    };
    // Zeros around the parts of a concatenation are never written: nothing else may be, there.
    for (const span of zerosOf(memory)) use(span, 0, Number.POSITIVE_INFINITY);
    if (sharesBuffers && memory.op.kind === 'concat') {
      for (const { at, span } of touches) use(span, at, last);
    } else {
      use([0, bytes], first, last);
    }
    return { memory, bytes, first, last, pieces };
  });
}

/** Where a concatenation holds zeros that no kernel writes, in bytes. */
function zerosOf(memory: Tensor): Span[] {
  if (memory.op.kind !== 'concat') return [];
  return partLayout(memory)
    .filter(({ part }) => isZeros(part))
    .map(({ part, offset, strides }) => {
      const last = part.shape.reduce((at, n, i) => at + (n - 1) * (strides[i] as number), offset);
      return [4 * offset, 4 * (last + 1)];
    });
}

/** What pieces leave of a span. */
function remainder(span: Span, pieces: readonly Piece[]): Span[] {
  let left = [span];
  for (const { start, end } of pieces) {
    left = left.flatMap(([from, to]) =>
      (
        [
          [from, Math.min(to, start)],
          [Math.max(from, end), to],
        ] as Span[]
      ).filter(([a, b]) => a < b),
    );
  }
  return left;
}

/** For each memory, those that must not lie in one buffer with it. */
function rivalsOf(
  dispatches: readonly Dispatch[],
  { sharesBuffers }: PlacementOptions,
): Map<Tensor, Set<Tensor>> {
  const rivals = new Map<Tensor, Set<Tensor>>();
  const note = (a: Tensor, b: Tensor) => {
    const known = rivals.get(a);
    if (known) known.add(b);
    else rivals.set(a, new Set([b]));
  };
  for (const { bindings } of dispatches) {
    const own = bindings.filter(({ memory }) => !isVariable(memory));
    const written = own.filter(({ kind }) => kind === 'write').map(({ memory }) => memory);
    const fixed = own.filter(({ kind, memory }, i) => {
      if (kind === 'write') return false;
      // Two bindings for writing may not overlap: what is bound twice is bound for reading.
      const twice = own.some((other, k) => k !== i && other.memory === memory);
      return !sharesBuffers || kind === 'uniform' || twice;
    });
    for (const { memory } of fixed) {
      for (const target of written) {
        note(memory, target);
        note(target, memory);
      }
    }
  }
  return rivals;
}

const meet = (a: Piece, b: Piece): boolean => a.first <= b.last && b.first <= a.last;

interface Slot {
  bytes: number;
  readonly pieces: Piece[];
  readonly memories: Set<Tensor>;
}

function place(
  items: readonly Item[],
  rivals: ReadonlyMap<Tensor, ReadonlySet<Tensor>>,
  maxBytes: number,
): { places: Map<Tensor, { slot: number; offset: number }>; slotBytes: number[] } {
  const slots: Slot[] = [];
  const places = new Map<Tensor, { slot: number; offset: number }>();
  for (const item of items) {
    const own = rivals.get(item.memory);
    let best = { slot: slots.length, offset: 0, growth: item.bytes };
    slots.forEach((slot, index) => {
      if (own && [...slot.memories].some((memory) => own.has(memory))) return;
      for (const offset of freeOffsets(item, slot)) {
        const growth = Math.max(0, offset + item.bytes - slot.bytes);
        if (growth >= best.growth || (growth > 0 && slot.bytes + growth > maxBytes)) continue;
        best = { slot: index, offset, growth };
      }
    });
    const { slot: index, offset, growth } = best;
    if (index === slots.length) slots.push({ bytes: 0, pieces: [], memories: new Set() });
    const slot = slots[index] as Slot;
    slot.bytes += growth;
    slot.memories.add(item.memory);
    for (const piece of item.pieces) slot.pieces.push(moved(piece, offset));
    places.set(item.memory, { slot: index, offset });
  }
  return { places, slotBytes: slots.map(({ bytes }) => bytes) };
}

const moved = (piece: Piece, by: number): Piece => ({
  ...piece,
  start: piece.start + by,
  end: piece.end + by,
});

/** Where in a buffer a memory could start. */
function freeOffsets({ pieces }: Item, slot: Slot): number[] {
  const others = slot.pieces.filter((other) => pieces.some((piece) => meet(piece, other)));
  const starts = new Set([0, ...others.map(({ end }) => Math.ceil(end / ALIGNMENT) * ALIGNMENT)]);
  const isFree = (offset: number) =>
    pieces.every((piece) => {
      const { start, end } = moved(piece, offset);
      return others.every((o) => !meet(piece, o) || end <= o.start || o.end <= start);
    });
  return [...starts].sort((a, b) => a - b).filter(isFree);
}

function boundOf(items: readonly Item[], dispatches: number): number {
  const live = new Array<number>(dispatches).fill(0);
  for (const { pieces } of items) {
    for (const { start, end, first, last } of pieces) {
      for (let at = first; at <= Math.min(last, dispatches - 1); at++) {
        (live[at] as number) += end - start;
      }
    }
  }
  return Math.max(0, ...live);
}
