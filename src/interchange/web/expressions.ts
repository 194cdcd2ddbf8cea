// Functions of numbers as expressions of WGSL: those of src/sampler/program/functions.ts.

type Expression = (...x: string[]) => string;

/** Each operand is written once, for it may be long; functions of four numbers come with the runtime. */
export const EXPRESSIONS: Readonly<Record<string, Expression>> = {
  add: (a, b) => `${a}+${b}`,
  sub: (a, b) => `${a}-${b}`,
  mul: (a, b) => `${a}*${b}`,
  div: (a, b) => `${a}/${b}`,
  maximum: (a, b) => `max(${a},${b})`,
  minimum: (a, b) => `min(${a},${b})`,
  less: (a, b) => `f32(${a}<${b})`,
  lessEqual: (a, b) => `f32(${a}<=${b})`,
  greater: (a, b) => `f32(${a}>${b})`,
  greaterEqual: (a, b) => `f32(${a}>=${b})`,
  equal: (a, b) => `f32(${a}==${b})`,
  modUint: (a, b) => `f32(u32(${a})%u32(${b}))`,
  pow: (a, b) => `pow(${a},${b})`,
  where: (c, a, b) => `select(${b},${a},${c}!=0)`,
  neg: (x) => `-${x}`,
  abs: (x) => `abs(${x})`,
  sign: (x) => `sign(${x})`,
  floor: (x) => `floor(${x})`,
  square: (x) => `square(${x})`,
  sqrt: (x) => `sqrt(${x})`,
  reciprocal: (x) => `1/${x}`,
  exp: (x) => `exp(${x})`,
  log: (x) => `log(${x})`,
  log1p: (x) => `log1p(${x})`,
  sin: (x) => `sin_(${x})`,
  cos: (x) => `sin_(${x}+1.5707964)`,
  gelu: (x) => `gelu(vec4f(${x})).x`,
  relu: (x) => `max(${x},0)`,
  tanh: (x) => `tanh4(vec4f(${x})).x`,
  sigmoid: (x) => `sigmoid(vec4f(${x})).x`,
  softplus: (x) => `softplus(vec4f(${x})).x`,
};

/** Functions that WGSL lacks, or has with too few digits. */
export const HELPERS =
  'fn square(x:f32)->f32{return x*x;}' +
  // log(u) x / (u - 1) with u = 1 + x, whose roundings cancel.
  'fn log1p(x:f32)->f32{let u=1+x;let d=u-1;return select(log(u)*(x/d),x,d==0);}' +
  // By half turns, and a series.
  'fn sin_(x:f32)->f32{let k=round(x*.31830989);let r=fma(k,8.742278e-8,fma(k,-3.1415927,x));let z=r*r;' +
  'return (1-2*(k-2*floor(k*.5)))*r*(1+z*(-.16666667+z*(.0083333333+z*(-1.9841270e-4+z*(2.7557319e-6-z*2.5052108e-8)))));}';
