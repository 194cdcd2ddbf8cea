// Functions of numbers.
import { sigmoid, softplus } from '../../ops/reference/special.ts';
import { gelu } from '../gelu.ts';

// biome-ignore lint/suspicious/noExplicitAny: one to three numbers
type NumberFunction = (...x: any[]) => number;

export const FUNCTIONS: Readonly<Record<string, NumberFunction>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  less: (a, b) => +(a < b),
  lessEqual: (a, b) => +(a <= b),
  greater: (a, b) => +(a > b),
  greaterEqual: (a, b) => +(a >= b),
  equal: (a, b) => +(a === b),
  modUint: (a, b) => a % b,
  pow: (a, b) => a ** b,
  where: (c, a, b) => (c ? a : b),
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  gelu,
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  sigmoid: sigmoid,
  softplus: softplus,
};
