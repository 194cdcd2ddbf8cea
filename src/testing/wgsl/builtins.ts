// WGSL's built-in functions and constructors of values, as far as constants are made with them.
import { common, isFloat, type Scalar, scalar, Unknown, type Value, zip } from './values.ts';

/** What stands between `<` and `>`: an element's type, how many. */
interface Template {
  readonly of?: string;
  readonly count?: number;
}

type Builtin = (args: readonly Value[], template: Template) => Value;

function only(args: readonly Value[], count: number): void {
  if (args.length !== count) throw new Unknown('another number of arguments');
}

const map = (value: Value, work: (x: { type: Scalar; value: number }) => Value): Value =>
  'parts' in value ? { parts: value.parts.map((part) => map(part, work)) } : work(value);

/** Of a number, or of every number of a vector. */
const unary =
  (work: (x: number) => number): Builtin =>
  (args) => {
    only(args, 1);
    return map(args[0] as Value, ({ type, value }) => scalar(type, work(value)));
  };

/** Of a number whose result is no whole one. */
const real =
  (work: (x: number) => number): Builtin =>
  (args) => {
    only(args, 1);
    return map(args[0] as Value, ({ type, value }) =>
      scalar(type === 'int' ? 'float' : type, work(value)),
    );
  };

/** Of two numbers, or of two vectors number by number. A literal takes the other's type. */
const binary =
  (work: (x: number, y: number) => number): Builtin =>
  (args) => {
    only(args, 2);
    return zip(args[0] as Value, args[1] as Value, (a, b) => {
      if (!('type' in a && 'type' in b)) throw new Unknown('a function of structures');
      return scalar(common(a.type, b.type), work(a.value, b.value));
    });
  };

const convert =
  (type: Scalar): Builtin =>
  (args) => {
    if (args.length === 0) return scalar(type, 0);
    only(args, 1);
    return map(args[0] as Value, (of) => scalar(type, saturated(type, of)));
  };

const RANGES: { readonly [S in Scalar]?: readonly [number, number] } = {
  // The last float32 numbers that are such integers.
  i32: [-(2 ** 31), 2 ** 31 - 2 ** 7],
  u32: [0, 2 ** 32 - 2 ** 8],
};

/** A number that is to become an integer: a real one stops at the ends of what those are. */
function saturated(to: Scalar, { type, value }: { type: Scalar; value: number }): number {
  const range = isFloat(type) ? RANGES[to] : undefined;
  return range ? Math.min(Math.max(value, range[0]), range[1]) : value;
}

const SCALAR_NAMES: Readonly<Record<string, Scalar>> = {
  bool: 'bool',
  i32: 'i32',
  u32: 'u32',
  f32: 'f32',
  f16: 'f16',
};
const SCALARS: Record<string, Scalar> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };

const flat = (value: Value): Value[] => ('parts' in value ? value.parts.flatMap(flat) : [value]);

/** Of one type: the one that is told, or what the parts have in common. */
function alike(parts: readonly Value[], told?: Scalar): readonly Value[] {
  const types = parts.flatMap((part) => ('type' in part ? [part.type] : []));
  if (types.length < parts.length) return parts;
  const type = told ?? types.reduce(common);
  return parts.map((part) => convert(type)([part], {}));
}

const vector =
  (length: number, letter?: string): Builtin =>
  (args, { of }) => {
    const type = letter ? SCALARS[letter] : (of as Scalar | undefined);
    const given = args.flatMap(flat);
    if (given.length === 0) given.push(scalar(type ?? 'int', 0));
    const parts =
      given.length === 1 ? Array.from({ length }, () => given[0] as Value) : given.slice(0, length);
    if (parts.length !== length) throw new Unknown('a vector of too few numbers');
    return { parts: alike(parts, type) };
  };

/** `mat2x3f(…)` of its columns, or of its numbers. */
const matrix =
  (columns: number, rows: number, letter?: string): Builtin =>
  (args, template) => {
    const given = args.flatMap(flat);
    const size = columns * rows;
    if (given.length !== size && given.length > 0) throw new Unknown('a matrix of too few numbers');
    const column = vector(rows, letter);
    return {
      parts: Array.from({ length: columns }, (_, i) =>
        column(given.slice(i * rows, (i + 1) * rows), template),
      ),
    };
  };

const product = binary((x, y) => x * y);
const sum = binary((x, y) => x + y);
const difference = binary((x, y) => x - y);
const quotient = binary((x, y) => x / y);

const dot: Builtin = (args, template) => {
  only(args, 2);
  return flat(product(args, template)).reduce((whole, each) => sum([whole, each], template));
};

const length: Builtin = (args, template) => {
  only(args, 1);
  const [of] = args as [Value];
  return real(Math.sqrt)([dot([of, of], template)], template);
};

/** a + (b - a) t, of numbers or part by part. */
const mix: Builtin = (args, template) => {
  only(args, 3);
  const [a, b, t] = args as [Value, Value, Value];
  const way = product([difference([b, a], template), t], template);
  return sum([a, way], template);
};

/** The same 32 bits as another type. */
const bitcast: Builtin = (args, { of = '' }) => {
  only(args, 1);
  const memory = new DataView(new ArrayBuffer(4));
  return map(args[0] as Value, ({ type, value }) => {
    if (type === 'f16' || type === 'bool') throw new Unknown(`bits of a ${type}`);
    if (type === 'f32' || type === 'float') memory.setFloat32(0, value);
    else memory.setUint32(0, value >>> 0);
    if (of === 'f32') return scalar('f32', memory.getFloat32(0));
    if (of === 'u32') return scalar('u32', memory.getUint32(0));
    if (of === 'i32') return scalar('i32', memory.getInt32(0));
    throw new Unknown(`bits as ${of}`);
  });
};

const numberOf = (value: Value | undefined): number => {
  if (!value || !('type' in value)) throw new Unknown('several numbers in the place of one');
  return value.value;
};

/** Bits of a number from one on, so many; a signed one's are signed. */
const extractBits: Builtin = (args) => {
  only(args, 3);
  const from = Math.min(numberOf(args[1]), 32);
  const count = Math.min(numberOf(args[2]), 32 - from);
  return map(args[0] as Value, ({ type, value }) => {
    if (count === 0) return scalar(type, 0);
    const high = value << (32 - from - count);
    return scalar(type, type === 'u32' ? high >>> (32 - count) : high >> (32 - count));
  });
};

/** The lowest bits of another number in the place of some, from one on. */
const insertBits: Builtin = (args) => {
  only(args, 4);
  const from = Math.min(numberOf(args[2]), 32);
  const count = Math.min(numberOf(args[3]), 32 - from);
  const mask = BigInt.asUintN(32, ((1n << BigInt(count)) - 1n) << BigInt(from));
  return zip(args[0] as Value, args[1] as Value, (of, inserted) => {
    const [kept, given] = [BigInt(numberOf(of)), BigInt(numberOf(inserted))];
    const { type } = of as { type: Scalar };
    return scalar(
      type,
      Number(BigInt.asIntN(32, (kept & ~mask) | ((given << BigInt(from)) & mask))),
    );
  });
};

/** 3t² - 2t³, t the share of the way from the lower edge to the upper. */
const smoothstep: Builtin = (args, template) => {
  only(args, 3);
  const [low, high, x] = args as [Value, Value, Value];
  const way = quotient(
    [difference([x, low], template), difference([high, low], template)],
    template,
  );
  return real((share) => {
    const t = Math.min(1, Math.max(0, share));
    return t * t * (3 - 2 * t);
  })([way], template);
};

const bits = (x: number) => (x >>> 0).toString(2).padStart(32, '0');
/** -1 where there is none, as WGSL has it. */
const bitFromLow = (x: number) => (x === 0 ? -1 : 31 - bits(x).lastIndexOf('1'));

const vectors = [2, 3, 4].flatMap((length) =>
  ['', 'f', 'i', 'u', 'h'].map(
    (letter) => [`vec${length}${letter}`, vector(length, letter)] as const,
  ),
);

const matrices = [2, 3, 4].flatMap((columns) =>
  [2, 3, 4].flatMap((rows) =>
    ['', 'f', 'h'].map(
      (letter) =>
        [`mat${columns}x${rows}${letter}`, matrix(columns, rows, letter || undefined)] as const,
    ),
  ),
);

export const builtins: Readonly<Record<string, Builtin | undefined>> = {
  ...Object.fromEntries([...vectors, ...matrices]),
  bool: convert('bool'),
  i32: convert('i32'),
  u32: convert('u32'),
  f32: convert('f32'),
  f16: convert('f16'),
  array: (args, { of }) => ({ parts: args.length > 0 ? alike(args, SCALAR_NAMES[of ?? '']) : [] }),
  select: (args) => {
    only(args, 3);
    const [no, yes, condition] = args as [Value, Value, Value];
    if ('type' in no && 'type' in yes && 'type' in condition) {
      return convert(common(no.type, yes.type))([condition.value ? yes : no], {});
    }
    if ('type' in condition) return condition.value ? yes : no;
    return { parts: condition.parts.map((part, i) => select(no, yes, part, i)) };
  },
  all: ([value]) => scalar('bool', Number(flat(value as Value).every(isTrue))),
  any: ([value]) => scalar('bool', Number(flat(value as Value).some(isTrue))),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  trunc: unary(Math.trunc),
  // Halves to the even.
  round: unary((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))),
  fract: unary((x) => x - Math.floor(x)),
  saturate: unary((x) => Math.min(1, Math.max(0, x))),
  sqrt: real(Math.sqrt),
  inverseSqrt: real((x) => 1 / Math.sqrt(x)),
  exp: real(Math.exp),
  exp2: real((x) => 2 ** x),
  log: real(Math.log),
  log2: real(Math.log2),
  sin: real(Math.sin),
  cos: real(Math.cos),
  tan: real(Math.tan),
  asin: real(Math.asin),
  acos: real(Math.acos),
  atan: real(Math.atan),
  sinh: real(Math.sinh),
  cosh: real(Math.cosh),
  tanh: real(Math.tanh),
  asinh: real(Math.asinh),
  acosh: real(Math.acosh),
  atanh: real(Math.atanh),
  atan2: binary(Math.atan2),
  degrees: real((x) => (x * 180) / Math.PI),
  radians: real((x) => (x * Math.PI) / 180),
  min: binary(Math.min),
  max: binary(Math.max),
  step: binary((edge, x) => Number(edge <= x)),
  pow: binary((x, y) => x ** y),
  clamp: (args, template) => {
    only(args, 3);
    const [x, least, most] = args as [Value, Value, Value];
    const above = binary(Math.max)([x, least], template);
    return binary(Math.min)([above, most], template);
  },
  dot,
  length,
  mix,
  bitcast,
  extractBits,
  insertBits,
  smoothstep,
  distance: (args, template) => length([difference(args, template)], template),
  fma: (args, template) => {
    only(args, 3);
    const [a, b, c] = args as [Value, Value, Value];
    return sum([product([a, b], template), c], template);
  },
  ldexp: binary((x, exponent) => x * 2 ** exponent),
  reverseBits: unary((x) => Number.parseInt([...bits(x)].reverse().join(''), 2)),
  countOneBits: unary((x) => bits(x).replaceAll('0', '').length),
  countLeadingZeros: unary((x) => Math.clz32(x)),
  countTrailingZeros: unary((x) => (x === 0 ? 32 : bitFromLow(x))),
  firstTrailingBit: unary(bitFromLow),
  firstLeadingBit: (args) => {
    only(args, 1);
    return map(args[0] as Value, ({ type, value }) => {
      const whole = type !== 'u32' && value < 0 ? ~value : value;
      return scalar(type, 31 - Math.clz32(whole));
    });
  },
};

const isTrue = (value: Value) => 'type' in value && value.value !== 0;
const partOf = (value: Value, i: number) => ('parts' in value ? (value.parts[i] as Value) : value);
const select = (no: Value, yes: Value, condition: Value, i: number) =>
  partOf(isTrue(condition) ? yes : no, i);
