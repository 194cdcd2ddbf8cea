// A WebAssembly module of two functions, with SIMD; places are in bytes, numbers float32:
//
//   f(x, w, y, terms, panels, stride)  y = max(x Wᵀ + b, least) of four rows that lie `stride` apart, as those of y
//                                      do; w [panels, 1 + terms, 8], of which b is the first; `least` is
//                                      number 12 of memory, for the caller to set
//   g(x, _, _, _, quads, _)            1 / (1 + e^-x), in place
//
// A panel is eight columns: each term takes two loads of w and four of x, for eight products.

const I32 = 0x7f;
const V128 = 0x7b;
const LOOP = [0x03, 0x40];
const END = 0x0b;

/** Numbers as WebAssembly writes them, seven bits a byte. */
const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
const sized = (bytes: readonly number[]) => [...leb(bytes.length), ...bytes];
const section = (id: number, ...items: readonly (readonly number[])[]) => [
  id,
  ...sized([items.length, ...items.flat()]),
];

const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const integer = (value: number) => [0x41, value];
const add = [0x6a];
const subtract = [0x6b];
const load4 = (offset: number) => [0xfd, 0x00, 4, ...leb(offset)];
const store4 = (offset: number) => [0xfd, 0x0b, 4, ...leb(offset)];
/** A number four times. */
const loadSplat = (offset: number) => [0xfd, 0x09, 2, ...leb(offset)];
const simd = (code: number) => [0xfd, code, 0x01];
const [shift4, addBits4] = [simd(0xab), simd(0xae)];
const [add4, subtract4, multiply4, divide4] = [simd(0xe4), simd(0xe5), simd(0xe6), simd(0xe7)];
const [least4, most4] = [simd(0xea), simd(0xeb)];

const forward = (local: number, bytes: number) => [
  ...get(local),
  ...integer(bytes),
  ...add,
  ...set(local),
];
/** Ends a loop that goes on until the count is used up. */
const again = (count: number) => [
  ...get(count),
  ...integer(1),
  ...subtract,
  ...tee(count),
  ...[0x0d, 0, END],
];

// Locals: what is given; how many terms are left, and where four rows are; two quads of w, one of x; sums.
const [X, W, Y, TERMS, PANELS, STRIDE, LEFT, ROWS, FIRST, TERM, SUMS] = [
  0, 1, 2, 3, 4, 5, 6, 7, 11, 13, 14,
] as const;
const locals = [2, 5, I32, 11, V128];

/** What memory begins with: 1, -1, -1/2 … -1/6, then other numbers that e^-x is computed with. */
const constants = [
  1,
  ...[1, 2, 3, 4, 5, 6].map((k) => -1 / k),
  -Math.LOG2E,
  Math.LN2,
  // Added, it rounds to whole numbers, which are then the low bits of the sum.
  1.5 * 2 ** 23,
  // Beyond them float32 has no e^-x.
  87,
  -87,
];
const [ONE, MINUS_LOG2E, LN2, ROUNDS, LARGEST, SMALLEST, LEAST] = [0, 7, 8, 9, 10, 11, 12] as const;
const constant = (i: number) => [...integer(0), ...loadSplat(4 * i)];

/** For each of four rows. */
const rows = (f: (row: number) => number[]) => [0, 1, 2, 3].flatMap(f);
/** For each quad of a row of a panel. */
const quads = (row: number, f: (quad: number, sum: number) => number[]) =>
  [0, 1].flatMap((quad) => f(quad, SUMS + 2 * row + quad));

const product = [
  ...locals,
  ...LOOP,
  ...[...get(TERMS), ...set(LEFT), ...get(X), ...set(ROWS)],
  ...[1, 2, 3].flatMap((row) => [
    ...[...get(ROWS + row - 1), ...get(STRIDE), ...add, ...set(ROWS + row)],
  ]),
  ...rows((row) => quads(row, (quad, sum) => [...get(W), ...load4(16 * quad), ...set(sum)])),
  ...forward(W, 32),
  ...LOOP,
  ...[...get(W), ...load4(0), ...set(FIRST), ...get(W), ...load4(16), ...set(FIRST + 1)],
  ...rows((row) => [
    ...[...get(ROWS + row), ...loadSplat(0), ...set(TERM)],
    ...quads(row, (quad, sum) => [
      ...[...get(TERM), ...get(FIRST + quad), ...multiply4, ...get(sum), ...add4, ...set(sum)],
    ]),
    ...forward(ROWS + row, 4),
  ]),
  ...[...forward(W, 32), ...again(LEFT)],
  ...[...constant(LEAST), ...set(TERM)],
  // Where Y stands, row after row; then eight columns on.
  ...rows((row) => [
    ...quads(row, (quad, sum) => [
      ...[...get(Y), ...get(sum), ...get(TERM), ...most4, ...store4(16 * quad)],
    ]),
    ...[...get(Y), ...get(STRIDE), ...add, ...set(Y)],
  ]),
  ...[...get(Y), ...get(STRIDE), ...integer(2), 0x74, ...subtract, ...set(Y)],
  ...[...forward(Y, 32), ...again(PANELS), END],
];

const [WHOLE, REST] = [FIRST, FIRST + 1];

// e^-x = 2^n e^-r, where r = x + n ln 2; the latter by its series, from the end.
const logistic = [
  ...locals,
  ...LOOP,
  ...[...get(X), ...load4(0)],
  ...[...constant(LARGEST), ...least4, ...constant(SMALLEST), ...most4, ...tee(TERM)],
  ...[...constant(MINUS_LOG2E), ...multiply4, ...constant(ROUNDS), ...add4, ...tee(WHOLE)],
  ...[...constant(ROUNDS), ...subtract4, ...constant(LN2), ...multiply4],
  ...[...get(TERM), ...add4, ...set(REST)],
  ...[...get(X), ...constant(ONE), ...constant(ONE)],
  ...[6, 5, 4, 3, 2, 1].flatMap((k) => [
    ...[...get(REST), ...multiply4, ...constant(k), ...multiply4, ...constant(ONE), ...add4],
  ]),
  // The bits of 2^n are added to the exponent.
  ...[...get(WHOLE), ...integer(23), ...shift4, ...addBits4],
  ...[...constant(ONE), ...add4, ...divide4, ...store4(0)],
  ...[...forward(X, 16), ...again(PANELS), END],
];

const numbers = [...new Uint8Array(Float32Array.from(constants).buffer)];

const bytes = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [0x60, ...sized([I32, I32, I32, I32, I32, I32]), 0]),
  // Memory is the caller's: m.m.
  ...section(2, [...sized([0x6d]), ...sized([0x6d]), 2, 0, 1]),
  ...section(3, [0], [0]),
  ...section(7, [...sized([0x66]), 0, 0], [...sized([0x67]), 0, 1]),
  ...section(10, sized(product), sized(logistic)),
  ...section(11, [0, ...integer(0), END, ...sized(numbers)]),
];

/** How far the letters of {@link assembly} are from the bytes that they stand for: most can be written as they are. */
export const SHIFT = 48;

/** Bytes as a text that gzip makes small. */
const letters = (list: readonly number[]) =>
  String.fromCharCode(...list.map((byte) => byte + SHIFT));

/** The module. */
export const assembly: string = letters(bytes);

/**
 * What fuses its products with their sums where an engine can (relaxed SIMD, x y + z): a pattern, and what takes
 * the place of what it finds.
 */
export const fusing: readonly [find: string, write: string] = [
  `${letters(multiply4)}(..)${letters(add4)}`,
  // Whoever multiplies does nothing, three bytes long.
  `${letters([1, 1, 1])}$1${letters([0xfd, 0x85, 0x02])}`,
];
