// A WebAssembly module of two functions, with SIMD; places are in bytes, numbers float32:
//
//   f(x, w, y, terms, tiles, stride, panel, next)   y = max(x Wᵀ + b, least); w [panels, 1 + terms, 8], of which b is
//                                                   the first and a panel `panel` bytes; `least` is number 12 of
//                                                   memory, for the caller to set
//   g(x, _, _, _, quads, …)                         1 / (1 + e^-x), in place
//
// A tile is four rows by one panel of eight columns, rows of x and y lying `stride` apart, or one row by four panels,
// whose y are `stride` apart; then y moves on by `next`. Either way a term has eight products with two or eight loads
// of w and four or one of x, and eight sums, which hide how long one takes.
//
// What is there for each part of a tile stands once, between `#`, with `$` before locals that count on from part to
// part; what lies between `!` belongs to panels and between `%` to rows, and is nothing, as long as it is, in later parts
// of a tile that has but one. (src/sampler/product.ts writes it out.)

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

// Locals: what is given; terms that are left, the next row of x; where rows of x and panels of w are; two quads of w, one
// of x; sums, those of first quads before those of second ones.
const [X, W, Y, TERMS, TILES, STRIDE, PANEL, NEXT, LEFT, ROW, ROWS, PANELS, FIRST, TERM, SUMS] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 18, 20, 21,
] as const;
const locals = [2, 10, I32, 11, V128];

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

/** How far the letters of {@link assembly} are from the bytes that they stand for: most can be written as they are. */
export const SHIFT = 48;

// Markers are letters below those of bytes.
const marker = (letter: string) => letter.charCodeAt(0) - SHIFT;
const between = (letter: string) => (code: readonly number[]) => [
  marker(letter),
  ...code,
  marker(letter),
];
const [parts, ofPanels, ofRows] = [between('#'), between('!'), between('%')] as const;
const each = (local: number): [number, number] => [marker('$'), local];
const getEach = (local: number) => [0x20, ...each(local)];
const setEach = (local: number) => [0x21, ...each(local)];
const forwardEach = (local: number, bytes: number) => [
  ...[...getEach(local), ...integer(bytes), ...add, ...setEach(local)],
];
const move = (local: number, by: number) => [...get(local), ...get(by), ...add, ...set(local)];
/** For each quad of a panel. */
const quads = (f: (quad: number, sum: number) => number[]) =>
  [0, 1].flatMap((quad) => f(quad, SUMS + 4 * quad));
const loadQuads = quads((quad) => [...getEach(PANELS), ...load4(16 * quad), ...set(FIRST + quad)]);

const product = [
  ...locals,
  ...LOOP,
  ...[...get(TERMS), ...set(LEFT), ...get(X), ...set(ROW)],
  ...parts([
    ...ofPanels([
      ...get(W),
      ...setEach(PANELS),
      ...loadQuads,
      ...forwardEach(PANELS, 32),
      ...move(W, PANEL),
    ]),
    ...ofRows([...get(ROW), ...setEach(ROWS), ...move(ROW, STRIDE)]),
    ...quads((quad, sum) => [...get(FIRST + quad), ...setEach(sum)]),
  ]),
  ...LOOP,
  ...parts([
    ...ofPanels([...loadQuads, ...forwardEach(PANELS, 32)]),
    ...ofRows([...getEach(ROWS), ...loadSplat(0), ...set(TERM), ...forwardEach(ROWS, 4)]),
    ...quads((quad, sum) => [
      ...[
        ...get(TERM),
        ...get(FIRST + quad),
        ...multiply4,
        ...getEach(sum),
        ...add4,
        ...setEach(sum),
      ],
    ]),
  ]),
  ...again(LEFT),
  ...[...constant(LEAST), ...set(TERM)],
  ...parts([
    ...quads((quad, sum) => [
      ...[...get(Y), ...getEach(sum), ...get(TERM), ...most4, ...store4(16 * quad)],
    ]),
    ...move(Y, STRIDE),
  ]),
  ...[...move(Y, NEXT), ...again(TILES), END],
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
  ...[...forward(X, 16), ...again(TILES), END],
];

const numbers = [...new Uint8Array(Float32Array.from(constants).buffer)];

/** Bytes of what is written out. */
const lengthOf = (code: readonly number[]): number => {
  let [length, times] = [0, 1];
  for (const byte of code) {
    if (byte === marker('#')) times = 5 - times;
    else if (byte >= 0) length += times;
  }
  return length;
};
const bodies = [product, logistic].map((code) => [...leb(lengthOf(code)), ...code]);

const bytes = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [0x60, ...sized(new Array(8).fill(I32)), 0]),
  // Memory is the caller's: m.m.
  ...section(2, [...sized([0x6d]), ...sized([0x6d]), 2, 0, 1]),
  ...section(3, [0], [0]),
  ...section(7, [...sized([0x66]), 0, 0], [...sized([0x67]), 0, 1]),
  ...[
    10,
    ...leb(1 + bodies.reduce((sum, body) => sum + lengthOf(body), 0)),
    bodies.length,
    ...bodies.flat(),
  ],
  ...section(11, [0, ...integer(0), END, ...sized(numbers)]),
];

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
