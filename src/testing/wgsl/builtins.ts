// WGSL's built-in functions and constructors of values, as far as constants are made with them.
import {
  type Builtin,
  binary,
  difference,
  ofReals,
  only,
  product,
  quotient,
  real,
  sum,
  unary,
} from './builtin.ts';
import { constructors, convert } from './constructors.ts';
import { integers } from './integers.ts';
import { linear } from './linear.ts';
import { packing } from './packing.ts';
import { common, flat, map, partOf, rounded16, scalar, Unknown, type Value } from './values.ts';

/** a (1 - t) + b t, of numbers or part by part. */
const mix: Builtin = (args, template) => {
  only(args, 3);
  const [a, b, t] = args as [Value, Value, Value];
  const rest = difference([scalar('float', 1), t], template);
  return sum([product([a, rest], template), product([b, t], template)], template);
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

const clamp: Builtin = (args, template) => {
  only(args, 3);
  const [x, least, most] = args as [Value, Value, Value];
  const above = binary(Math.max)([x, least], template);
  return binary(Math.min)([above, most], template);
};

const fma: Builtin = (args, template) => {
  only(args, 3);
  const [a, b, c] = args as [Value, Value, Value];
  return sum([product([a, b], template), c], template);
};

/** The whole part and the rest, both signed as the number is. */
const modf: Builtin = (args, template) => {
  only(args, 1);
  const whole = unary(Math.trunc)(args, template);
  return {
    parts: [difference([args[0] as Value, whole], template), whole],
    names: ['fract', 'whole'],
  };
};

/** x = fract 2^exp with fract from ½ to 1. */
function exponentOf(x: number): number {
  if (x === 0) return 0;
  const guess = Math.floor(Math.log2(Math.abs(x))) + 1;
  const fract = Math.abs(x) / 2 ** guess;
  // The logarithm is rounded.
  return fract >= 1 ? guess + 1 : fract < 0.5 ? guess - 1 : guess;
}

const frexp: Builtin = (args, template) => {
  only(args, 1);
  const exponents = map(args[0] as Value, ({ type, value }) =>
    scalar(type === 'float' ? 'int' : 'i32', exponentOf(value)),
  );
  return {
    parts: [unary((x) => x / 2 ** exponentOf(x))(args, template), exponents],
    names: ['fract', 'exp'],
  };
};

const ldexp: Builtin = (args) => {
  only(args, 2);
  const [x, exponent] = args as [Value, Value];
  const shifted = (of: Value, by: Value): Value => {
    if ('parts' in of) return { parts: of.parts.map((part, i) => shifted(part, partOf(by, i))) };
    if (!('type' in by)) throw new Unknown('parts that do not fit');
    return scalar(of.type === 'int' ? 'float' : of.type, of.value * 2 ** by.value);
  };
  return shifted(x, exponent);
};

const select: Builtin = (args) => {
  only(args, 3);
  const [no, yes, condition] = args as [Value, Value, Value];
  if ('type' in no && 'type' in yes && 'type' in condition) {
    return convert(common(no.type, yes.type))([condition.value ? yes : no], {});
  }
  if ('type' in condition) {
    const type = [...flat(no), ...flat(yes)].map((each) => each.type).reduce(common);
    return convert(type)([condition.value ? yes : no], {});
  }
  return {
    parts: condition.parts.map((part, i) => select([partOf(no, i), partOf(yes, i), part], {})),
  };
};

const isTrue = ({ value }: { readonly value: number }) => value !== 0;

export const builtins: Readonly<Record<string, Builtin | undefined>> = {
  ...constructors,
  ...integers,
  ...packing,
  ...linear,
  select,
  all: ([value]) => scalar('bool', Number(flat(value as Value).every(isTrue))),
  any: ([value]) => scalar('bool', Number(flat(value as Value).some(isTrue))),
  abs: unary(Math.abs),
  sign: unary(Math.sign),
  floor: real(Math.floor),
  ceil: real(Math.ceil),
  trunc: real(Math.trunc),
  // Halves to the even.
  round: real((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))),
  fract: real((x) => x - Math.floor(x)),
  saturate: real((x) => Math.min(1, Math.max(0, x))),
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
  atan2: ofReals(binary(Math.atan2)),
  degrees: real((x) => (x * 180) / Math.PI),
  radians: real((x) => (x * Math.PI) / 180),
  quantizeToF16: real(rounded16),
  min: binary(Math.min),
  max: binary(Math.max),
  clamp,
  step: ofReals(binary((edge, x) => Number(edge <= x))),
  pow: ofReals(binary((x, y) => x ** y)),
  mix: ofReals(mix),
  smoothstep: ofReals(smoothstep),
  fma: ofReals(fma),
  modf: ofReals(modf),
  frexp: ofReals(frexp),
  ldexp,
};
