// A WebAssembly module of one function, with SIMD: sums of products of four rows and a matrix.
//
//   f(x, w, y, terms, panels)  places in bytes; x [terms, 4], w [panels, terms, 8], y [panels, 4, 8], float32
//
// A panel is eight columns: each term takes two loads of w and four of x, for eight products.

const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;

/** Numbers as WebAssembly writes them, seven bits a byte. */
const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
const vector = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
const name = (text: string) => [text.length, ...Buffer.from(text)];
const section = (id: number, content: readonly number[]) => [
  id,
  ...leb(content.length),
  ...content,
];

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const constant = (value: number) => [
  0x41,
  ...(value < 64 ? [value] : [(value & 127) | 128, value >> 7]),
];
const add = [0x6a];
const subtract = [0x6b];
const end = [0x0b];
const loop = [0x03, EMPTY];
const again = [0x0d, 0];
const zero4 = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const load4 = (offset: number) => [0xfd, 0x00, 4, ...leb(offset)];
const loadSplat = (offset: number) => [0xfd, 0x09, 2, ...leb(offset)];
const store4 = (offset: number) => [0xfd, 0x0b, 4, ...leb(offset)];
const multiply4 = [0xfd, 0xe6, 0x01];
const add4 = [0xfd, 0xe4, 0x01];

// Locals: what is given, then how far the row and its terms are, sums, two quads of w, one of x.
const [X, W, Y, TERMS, PANELS, AT, LEFT, SUMS, FIRST, SECOND, TERM] = [
  0, 1, 2, 3, 4, 5, 6, 7, 15, 16, 17,
] as const;
const sums = Array.from({ length: 8 }, (_, i) => SUMS + i);

const forward = (local: number, bytes: number) => [
  ...get(local),
  ...constant(bytes),
  ...add,
  ...set(local),
];
const backToLoop = (local: number) => [
  ...get(local),
  ...constant(1),
  ...subtract,
  ...tee(local),
  ...again,
];

const row = (r: number): number[] => [
  ...get(SUMS + 2 * r),
  ...get(AT),
  ...loadSplat(4 * r),
  ...tee(TERM),
  ...get(FIRST),
  ...multiply4,
  ...add4,
  ...set(SUMS + 2 * r),
  ...get(SUMS + 2 * r + 1),
  ...get(TERM),
  ...get(SECOND),
  ...multiply4,
  ...add4,
  ...set(SUMS + 2 * r + 1),
];

const body: number[] = [
  ...loop,
  ...[...get(X), ...set(AT), ...get(TERMS), ...set(LEFT)],
  ...[...zero4, ...sums.slice(1).flatMap(tee), ...set(SUMS)],
  ...loop,
  ...[...get(W), ...load4(0), ...set(FIRST), ...get(W), ...load4(16), ...set(SECOND)],
  ...[0, 1, 2, 3].flatMap(row),
  ...[...forward(W, 32), ...forward(AT, 16), ...backToLoop(LEFT)],
  ...end,
  ...sums.flatMap((sum, i) => [...get(Y), ...get(sum), ...store4(16 * i)]),
  ...[...forward(Y, 128), ...backToLoop(PANELS)],
  ...end,
];

const locals = vector([
  [2, I32],
  [11, V128],
]);
const code = [...locals, ...body, ...end];

/** The module's bytes. */
export const product: Uint8Array = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, vector([[0x60, ...vector([[I32], [I32], [I32], [I32], [I32]]), 0]])),
  // Memory is the caller's.
  ...section(2, vector([[...name('m'), ...name('m'), 2, 0, 1]])),
  ...section(3, vector([[0]])),
  ...section(7, vector([[...name('f'), 0, 0]])),
  ...section(10, vector([[...leb(code.length), ...code]])),
]);
