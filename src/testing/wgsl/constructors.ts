// WGSL's constructors of values, and the same bits as another type.
import { floatToHalf, halfToFloat } from '../../formats/half.ts';
import { type Builtin, only } from './builtin.ts';
import {
  common,
  flat,
  isFloat,
  isStructure,
  map,
  type Scalar,
  type Single,
  scalar,
  Unknown,
  type Value,
} from './values.ts';

export const convert =
  (type: Scalar): Builtin =>
  (args) => {
    if (args.length === 0) return scalar(type, 0);
    only(args, 1);
    return map(args[0] as Value, (of) => converted(type, of));
  };

const RANGES: { readonly [S in Scalar]?: readonly [number, number] } = {
  // The last float32 numbers that are such integers.
  i32: [-(2 ** 31), 2 ** 31 - 2 ** 7],
  u32: [0, 2 ** 32 - 2 ** 8],
};

/** A real number that is to become an integer stops at the ends of what those are. */
function converted(to: Scalar, { type, value, whole }: Single): Value {
  const range = isFloat(type) ? RANGES[to] : undefined;
  return scalar(to, range ? Math.min(Math.max(value, range[0]), range[1]) : (whole ?? value));
}

const LETTERS: Readonly<Record<string, Scalar>> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };
const NAMES: Readonly<Record<string, Scalar>> = Object.fromEntries(
  (['bool', 'i32', 'u32', 'f32', 'f16'] as const).map((name) => [name, name]),
);

/** Of one type: what all scalars in the parts have in common. */
function alike(parts: readonly Value[], told?: Scalar): readonly Value[] {
  if (parts.some(isStructure)) return parts;
  const type =
    told ??
    parts
      .flatMap(flat)
      .map((each) => each.type)
      .reduce(common);
  return parts.map((part) => convert(type)([part], {}));
}

const vector =
  (length: number, letter?: string): Builtin =>
  (args, { of = '' }) => {
    const type = letter ? LETTERS[letter] : NAMES[of];
    const given = args.flatMap(flat);
    if (given.length === 0) given.push(scalar(type ?? 'int', 0));
    const parts =
      given.length === 1 ? Array.from({ length }, () => given[0] as Value) : given.slice(0, length);
    if (parts.length !== length) throw new Unknown('a vector of too few numbers');
    return { parts: alike(parts, type) };
  };

/** `mat2x3f(…)` of its columns, or of its numbers: real ones, whatever they are written as. */
const matrix =
  (columns: number, rows: number, letter?: string): Builtin =>
  (args, template) => {
    const size = columns * rows;
    const zeros = Array.from({ length: size }, () => scalar('int', 0));
    const given = args.length > 0 ? args.flatMap(flat) : zeros;
    if (given.length !== size) throw new Unknown('a matrix of too few numbers');
    const type = LETTERS[letter ?? ''] ?? NAMES[template.of ?? ''];
    const found = type ?? given.map((each) => each.type).reduce(common, 'float');
    const numbers = alike(given, found);
    return {
      parts: Array.from({ length: columns }, (_, i) => ({
        parts: numbers.slice(i * rows, (i + 1) * rows),
      })),
    };
  };

const WIDTHS: { readonly [S in Scalar]?: number } = {
  f32: 4,
  float: 4,
  i32: 4,
  u32: 4,
  int: 4,
  f16: 2,
};

function widthOf(type: Scalar): number {
  const width = WIDTHS[type];
  if (width === undefined) throw new Unknown(`bits of a ${type}`);
  return width;
}

/** The same bits as another type. */
const bitcast: Builtin = (args, { of = '' }) => {
  only(args, 1);
  const given = flat(args[0] as Value);
  const [, count = '1', letter] = /^vec(\d)(.)$/.exec(of) ?? [];
  const type = LETTERS[letter ?? ''] ?? NAMES[of];
  if (!type) throw new Unknown(`bits as ${of}`);
  const memory = new DataView(new ArrayBuffer(16));
  let end = 0;
  for (const each of given) {
    if (end + widthOf(each.type) > memory.byteLength) throw new Unknown('too many bits');
    if (each.type === 'f16') memory.setUint16(end, floatToHalf(each.value), true);
    else if (isFloat(each.type)) memory.setFloat32(end, each.value, true);
    else memory.setUint32(end, each.value >>> 0, true);
    end += widthOf(each.type);
  }
  const width = widthOf(type);
  if (Number(count) * width !== end) throw new Unknown(`bits as ${of}`);
  const parts = Array.from({ length: Number(count) }, (_, i) =>
    scalar(type, read(memory, type, i * width)),
  );
  return letter ? { parts } : (parts[0] as Value);
};

function read(memory: DataView, type: Scalar, at: number): number {
  if (type === 'f16') return halfToFloat(Uint16Array.of(memory.getUint16(at, true)))[0] as number;
  if (type === 'f32') return memory.getFloat32(at, true);
  return type === 'u32' ? memory.getUint32(at, true) : memory.getInt32(at, true);
}

const vectors = [2, 3, 4].flatMap((length) =>
  ['', 'f', 'i', 'u', 'h'].map(
    (letter) => [`vec${length}${letter}`, vector(length, letter)] as const,
  ),
);

const matrices = [2, 3, 4].flatMap((columns) =>
  [2, 3, 4].flatMap((rows) =>
    ['', 'f', 'h'].map(
      (letter) => [`mat${columns}x${rows}${letter}`, matrix(columns, rows, letter)] as const,
    ),
  ),
);

export const constructors: Readonly<Record<string, Builtin>> = {
  ...Object.fromEntries([...vectors, ...matrices]),
  ...Object.fromEntries(Object.values(NAMES).map((type) => [type, convert(type)])),
  array: (args, { of = '' }) => ({ parts: args.length > 0 ? alike(args, NAMES[of]) : [] }),
  bitcast,
};
