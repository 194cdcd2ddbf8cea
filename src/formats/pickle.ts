// Python's pickles as plain values: nothing is imported and nothing is called, so that no file can do anything.
import { LatentGpuError } from '../errors.ts';

/** A name that Python would import. */
export class PickledName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What Python would make by a call: the name, its arguments and what was put into it. */
export class PickledObject {
  readonly of: string;
  readonly args: readonly unknown[];
  state: unknown;
  readonly items: [unknown, unknown][] = [];

  constructor(of: string, args: readonly unknown[]) {
    this.of = of;
    this.args = args;
  }
}

/** What stands outside of the pickle: the numbers of an array. */
export class PickledReference {
  readonly id: unknown;

  constructor(id: unknown) {
    this.id = id;
  }
}

export interface Unpickled {
  readonly value: unknown;
  /** Bytes read. */
  readonly length: number;
}

const MARK = Symbol('mark');

/** Dictionaries are maps, tuples and lists arrays, integers beyond 2^53 bigints. */
class Machine {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at: number;
  private stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  run(): Unpickled {
    const start = this.at;
    for (;;) {
      const code = this.u8();
      if (code === 0x2e) return { value: this.pop(), length: this.at - start };
      const step = STEPS[String.fromCharCode(code)];
      if (!step) throw new RangeError(`code 0x${code.toString(16)} is not read`);
      step(this);
    }
  }

  u8(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new RangeError('it ends too soon');
    this.at += 1;
    return byte;
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  u64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  f64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  private skip(count: number): number {
    const from = this.at;
    if (from + count > this.bytes.length) throw new RangeError('it ends too soon');
    this.at += count;
    return from;
  }

  raw(count: number): Uint8Array {
    const from = this.skip(count);
    return this.bytes.subarray(from, from + count);
  }

  text(count: number): string {
    return new TextDecoder().decode(this.raw(count));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new RangeError('it ends too soon');
    const text = this.text(end - this.at);
    this.at += 1;
    return text;
  }

  /** Two's complement, the least byte first. */
  long(count: number): number | bigint {
    // No tensor has such sizes, and putting digits together takes the square of their number.
    if (count > 1024) throw new RangeError(`an integer of ${count} bytes`);
    const digits = this.raw(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i] as number);
    if (count > 0 && (digits[count - 1] as number) > 127) value -= 1n << BigInt(8 * count);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) throw new RangeError('it takes what is not there');
    return this.stack.pop();
  }

  top(): unknown {
    const value = this.stack.at(-1);
    if (value === undefined && this.stack.length === 0)
      throw new RangeError('it takes what is not there');
    return value;
  }

  mark(): void {
    this.stack.push(MARK);
  }

  /** All that was put there since the last mark. */
  marked(): unknown[] {
    const from = this.stack.lastIndexOf(MARK);
    if (from < 0) throw new RangeError('it takes what is not there');
    const values = this.stack.slice(from + 1);
    this.stack.length = from;
    return values;
  }

  keep(place: number): void {
    this.memo.set(place, this.top());
  }

  keepNext(): void {
    this.keep(this.memo.size);
  }

  recall(place: number): void {
    if (!this.memo.has(place)) throw new RangeError('it takes what is not there');
    this.push(this.memo.get(place));
  }

  /** What a call would give. */
  call(made: unknown, args: unknown): void {
    const list = Array.isArray(args) ? args : [];
    const of = made instanceof PickledName ? made.name : '';
    // A dictionary with its order: filled later, or from pairs.
    if (/^(collections\.(OrderedDict|defaultdict)|(builtins|__builtin__)\.dict)$/.test(of)) {
      const pairs = (list as unknown[]).find(Array.isArray);
      this.push(new Map((pairs ?? []) as [unknown, unknown][]));
    } else if (/^(builtins|__builtin__)\.(frozen)?set$/.test(of)) {
      this.push(new Set((list as unknown[]).find(Array.isArray)));
    } else this.push(new PickledObject(of, list));
  }

  append(values: readonly unknown[]): void {
    const to = this.top();
    if (Array.isArray(to)) for (const value of values) to.push(value);
    else if (to instanceof Set) for (const value of values) to.add(value);
  }

  set(values: readonly unknown[]): void {
    const to = this.top();
    for (let i = 0; i + 1 < values.length; i += 2) {
      if (to instanceof Map) to.set(values[i], values[i + 1]);
      else if (to instanceof PickledObject) to.items.push([values[i], values[i + 1]]);
    }
  }

  build(state: unknown): void {
    const of = this.top();
    if (of instanceof PickledObject) of.state = state;
  }
}

const nothing = () => {};
const tuple = (count: number) => (m: Machine) => {
  const values = Array.from({ length: count }, () => m.pop()).reverse();
  m.push(values);
};
const collected = (m: Machine) => m.push(m.marked());

/** Codes of protocols 0 to 5, by the letters that Python's pickletools has for them. */
const STEPS: Readonly<Record<string, (machine: Machine) => unknown>> = {
  '\x80': (m) => m.u8(),
  '\x95': (m) => m.u64(),
  '(': (m) => m.mark(),
  '0': (m) => m.pop(),
  '1': (m) => m.marked(),
  '2': (m) => m.push(m.top()),
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  K: (m) => m.push(m.u8()),
  M: (m) => m.push(m.u16()),
  J: (m) => m.push(m.i32()),
  '\x8a': (m) => m.push(m.long(m.u8())),
  '\x8b': (m) => m.push(m.long(m.u32())),
  I: (m) => m.push(Number(m.line())),
  L: (m) => m.push(Number(m.line().replace(/L$/, ''))),
  F: (m) => m.push(Number(m.line())),
  G: (m) => m.push(m.f64()),
  X: (m) => m.push(m.text(m.u32())),
  '\x8c': (m) => m.push(m.text(m.u8())),
  '\x8d': (m) => m.push(m.text(m.u64())),
  V: (m) => m.push(m.line()),
  S: (m) => m.push(m.line().slice(1, -1)),
  U: (m) => m.push(m.text(m.u8())),
  T: (m) => m.push(m.text(m.u32())),
  C: (m) => m.push(m.raw(m.u8())),
  B: (m) => m.push(m.raw(m.u32())),
  '\x8e': (m) => m.push(m.raw(m.u64())),
  '\x96': (m) => m.push(m.raw(m.u64())),
  ')': tuple(0),
  '\x85': tuple(1),
  '\x86': tuple(2),
  '\x87': tuple(3),
  t: collected,
  l: collected,
  ']': (m) => m.push([]),
  a: (m) => {
    const value = m.pop();
    m.append([value]);
  },
  e: (m) => {
    const values = m.marked();
    m.append(values);
  },
  '}': (m) => m.push(new Map()),
  d: (m) => {
    const values = m.marked();
    m.push(new Map());
    m.set(values);
  },
  s: (m) => {
    const value = m.pop();
    const key = m.pop();
    m.set([key, value]);
  },
  u: (m) => {
    const values = m.marked();
    m.set(values);
  },
  '\x8f': (m) => m.push(new Set()),
  '\x90': (m) => {
    const values = m.marked();
    m.append(values);
  },
  '\x91': (m) => m.push(new Set(m.marked())),
  q: (m) => m.keep(m.u8()),
  r: (m) => m.keep(m.u32()),
  p: (m) => m.keep(Number(m.line())),
  '\x94': (m) => m.keepNext(),
  h: (m) => m.recall(m.u8()),
  j: (m) => m.recall(m.u32()),
  g: (m) => m.recall(Number(m.line())),
  c: (m) => {
    const from = m.line();
    m.push(new PickledName(`${from}.${m.line()}`));
  },
  '\x93': (m) => {
    const name = m.pop();
    m.push(new PickledName(`${m.pop()}.${name}`));
  },
  R: (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  },
  '\x81': (m) => {
    const args = m.pop();
    m.call(m.pop(), args);
  },
  '\x92': (m) => {
    m.pop();
    const args = m.pop();
    m.call(m.pop(), args);
  },
  b: (m) => {
    const state = m.pop();
    m.build(state);
  },
  Q: (m) => m.push(new PickledReference(m.pop())),
  P: (m) => m.push(new PickledReference(m.line())),
  '\x97': nothing,
  '\x98': nothing,
};

/**
 * Reads a pickle as data: what Python would import is a name, what it would call an object of that name.
 *
 * @param from where it begins
 * @throws LatentGpuError as `bad` makes it, for what is damaged
 */
export function unpickle(
  bytes: Uint8Array,
  bad: (why: string) => LatentGpuError,
  from = 0,
): Unpickled {
  try {
    return new Machine(bytes, from).run();
  } catch (cause) {
    if (cause instanceof LatentGpuError) throw cause;
    throw bad(`damaged (its pickle: ${cause instanceof Error ? cause.message : String(cause)})`);
  }
}
