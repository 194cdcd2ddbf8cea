/** Optimizers against textbook update rules in float64; schedules; what must never be applied. */
import { input, type Variable, variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import {
  add,
  div,
  expand,
  matmul,
  mean,
  mul,
  square,
  sub,
  transpose,
} from '../../src/ops/index.ts';
import {
  adam,
  adamax,
  adamW,
  constantRate,
  cosine,
  iwaeStages,
  type MinimizeOptions,
  minimize,
  piecewise,
  type RateSchedule,
  rmsprop,
  sgd,
  stepDecay,
  warmup,
} from '../../src/optim/index.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import { Trainer } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';
import { outputsOf } from '../support/run.ts';

const [ROWS, IN, OUT] = [6, 5, 3];
const X = reals('least squares x', ROWS * IN);
const Y = reals('least squares y', ROWS * OUT);
const WEIGHT = reals('least squares weight', OUT * IN, -1, 1);
const BIAS = reals('least squares bias', OUT, -1, 1);

/** Least squares on the GPU: loss = gain · mean((x Wᵀ + b - y)²) · safe / safe. */
async function leastSquares(runtime: Runtime, options: MinimizeOptions) {
  const weight = variable('weight', [OUT, IN], { role: 'parameter', init: () => WEIGHT });
  const bias = variable('bias', [OUT], { role: 'parameter', init: () => BIAS });
  const [x, y] = [input('x', [ROWS, IN]), input('y', [ROWS, OUT])];
  const [gain, safe] = [input('gain', []), input('safe', [])];
  const error = sub(add(matmul(x, transpose(weight)), bias), y);
  const loss = mul(mul(gain, div(safe, safe)), mean(square(error)));
  const minimization = minimize(loss, [weight, bias], options);
  const plan = await runtime.compile({ effects: minimization.effects });
  const feed = (gainValue: number, safeValue: number) => {
    runtime.write(gain, [gainValue]);
    runtime.write(safe, [safeValue]);
  };
  runtime.write(x, X);
  runtime.write(y, Y);
  feed(1, 1);
  /** Everything a checkpoint would hold, by name. */
  const state = async () => {
    const held = Object.entries(minimization.state) as [string, Variable][];
    const values: Record<string, Float32Array | Uint32Array> = {};
    for (const [name, variable] of held) values[name] = await runtime.read(variable);
    return values;
  };
  return { plan, feed, state };
}

const PARTS = [
  [0, OUT * IN],
  [64, 64 + OUT],
] as const;

/** A flat vector without the zeros between its parts. */
function parts(flat: ArrayLike<number>): Float64Array {
  return Float64Array.from(PARTS.flatMap(([from, to]) => Array.from(flat).slice(from, to)));
}

/** The numbers between the parts and after them. */
function padding(flat: ArrayLike<number>): number[] {
  return Array.from(flat).filter((_, i) => !PARTS.some(([from, to]) => i >= from && i < to));
}

/** The gradient of the least-squares loss at weight and bias end to end, in float64. */
function gradientAt(theta: Float64Array): Float64Array {
  const gradient = new Float64Array(theta.length);
  for (let r = 0; r < ROWS; r++) {
    for (let o = 0; o < OUT; o++) {
      let error = (theta[OUT * IN + o] as number) - (Y[r * OUT + o] as number);
      for (let i = 0; i < IN; i++) {
        error += (X[r * IN + i] as number) * (theta[o * IN + i] as number);
      }
      const push = (2 * error) / (ROWS * OUT);
      for (let i = 0; i < IN; i++) {
        gradient[o * IN + i] = (gradient[o * IN + i] as number) + push * (X[r * IN + i] as number);
      }
      gradient[OUT * IN + o] = (gradient[OUT * IN + o] as number) + push;
    }
  }
  return gradient;
}

const norm = (v: Float64Array) => Math.sqrt(v.reduce((total, x) => total + x * x, 0));

/** One parameter's next value, given its gradient; `t` counts from 1, `s` is its own memory. */
type Rule = (theta: number, g: number, t: number, s: { a: number; b: number }) => number;

/** Where a rule leads in `steps` steps; `visit` sees the parameters after each. */
function descend(
  rule: Rule,
  steps: number,
  clipNorm = Number.POSITIVE_INFINITY,
  visit: (theta: Float64Array) => void = () => {},
): Float64Array {
  let theta = Float64Array.of(...WEIGHT, ...BIAS);
  const memory = Array.from(theta, () => ({ a: 0, b: 0 }));
  for (let t = 1; t <= steps; t++) {
    const gradient = gradientAt(theta);
    const scale = Math.min(1, clipNorm / norm(gradient));
    theta = theta.map((x, i) => {
      return rule(x, scale * (gradient[i] as number), t, memory[i] as { a: number; b: number });
    });
    visit(theta);
  }
  return theta;
}

const sgdRule =
  (lr: number, momentum = 0, nesterov = false, decay = 0): Rule =>
  (theta, gradient, _, s) => {
    const g = gradient + decay * theta;
    s.a = momentum * s.a + g;
    return theta - lr * (nesterov ? g + momentum * s.a : s.a);
  };

const adamRule =
  (
    lr: number | ((t: number) => number),
    { betas = [0.9, 0.999], eps = 1e-8, coupled = 0, decoupled = 0 } = {},
  ): Rule =>
  (theta, gradient, t, s) => {
    const [b1, b2] = betas as [number, number];
    const rate = typeof lr === 'number' ? lr : lr(t - 1);
    const g = gradient + coupled * theta;
    s.a = b1 * s.a + (1 - b1) * g;
    s.b = b2 * s.b + (1 - b2) * g * g;
    const step = s.a / (1 - b1 ** t) / (Math.sqrt(s.b / (1 - b2 ** t)) + eps);
    return theta - rate * decoupled * theta - rate * step;
  };

const adamaxRule =
  (lr: number, decay = 0): Rule =>
  (theta, gradient, t, s) => {
    const g = gradient + decay * theta;
    s.a = 0.9 * s.a + 0.1 * g;
    s.b = Math.max(0.999 * s.b, Math.abs(g) + 1e-8);
    return theta - ((lr / (1 - 0.9 ** t)) * s.a) / s.b;
  };

const rmspropRule =
  (lr: number, momentum = 0, decay = 0): Rule =>
  (theta, gradient, _, s) => {
    const g = gradient + decay * theta;
    s.b = 0.9 * s.b + 0.1 * g * g;
    s.a = momentum * s.a + g / (Math.sqrt(s.b) + 1e-4);
    return theta - lr * s.a;
  };

const halfCosine = (step: number) => 0.025 * (1 + Math.cos((Math.PI * step) / 30));

const trials: Record<string, [MinimizeOptions, Rule]> = {
  sgd: [{ optimizer: sgd({ lr: 0.1 }) }, sgdRule(0.1)],
  'sgd, weight decay': [
    { optimizer: sgd({ lr: 0.1, weightDecay: 0.2 }) },
    sgdRule(0.1, 0, false, 0.2),
  ],
  'sgd, momentum': [{ optimizer: sgd({ lr: 0.05, momentum: 0.9 }) }, sgdRule(0.05, 0.9)],
  'sgd, Nesterov, weight decay': [
    { optimizer: sgd({ lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.1 }) },
    sgdRule(0.05, 0.8, true, 0.1),
  ],
  adam: [{ optimizer: adam({ lr: 0.02 }) }, adamRule(0.02)],
  'adam, weight decay, betas and ε': [
    { optimizer: adam({ lr: 0.02, betas: [0.8, 0.99], eps: 1e-3, weightDecay: 0.1 }) },
    adamRule(0.02, { betas: [0.8, 0.99], eps: 1e-3, coupled: 0.1 }),
  ],
  'adam without momentum': [
    { optimizer: adam({ lr: 0.02, betas: [0, 0.9] }) },
    adamRule(0.02, { betas: [0, 0.9] }),
  ],
  'adam, cosine': [{ optimizer: adam({ lr: cosine(0.05, 30) }) }, adamRule(halfCosine)],
  adamW: [{ optimizer: adamW({ lr: 0.02, weightDecay: 0.3 }) }, adamRule(0.02, { decoupled: 0.3 })],
  adamax: [{ optimizer: adamax({ lr: 0.03 }) }, adamaxRule(0.03)],
  'adamax, weight decay': [
    { optimizer: adamax({ lr: 0.03, weightDecay: 0.1 }) },
    adamaxRule(0.03, 0.1),
  ],
  rmsprop: [{ optimizer: rmsprop({ lr: 0.01, alpha: 0.9, eps: 1e-4 }) }, rmspropRule(0.01)],
  'rmsprop, momentum, weight decay': [
    {
      optimizer: rmsprop({ lr: 0.002, alpha: 0.9, eps: 1e-4, momentum: 0.8, weightDecay: 0.1 }),
    },
    rmspropRule(0.002, 0.8, 0.1),
  ],
  // The gradient starts longer than this and becomes shorter.
  'sgd, clipped': [{ optimizer: sgd({ lr: 0.1 }), clipNorm: 1 }, sgdRule(0.1)],
};

const STEPS = 25;
/** Every step rounds each parameter, which stays below 2, twice or so. */
const rounding = { absolute: STEPS * 2 * 2 ** -24 };

cases('optimizers', (c) => {
  c('follow their rules in float64, with zeros between the parts', async (t) => {
    for (const [name, [options, rule]] of Object.entries(trials)) {
      await withRuntime(t, async (runtime) => {
        const { plan, state } = await leastSquares(runtime, options);
        await plan.run(STEPS);
        const got = await state();
        const { parameters } = got as { parameters: Float32Array };
        t.close(parts(parameters), descend(rule, STEPS, options.clipNorm), rounding, name);
        t.ok(
          padding(parameters).every((x) => x === 0),
          `${name}: the numbers between the parts are no longer zero`,
        );
        t.equal([...(got['optimizer.updates'] as Float32Array)], [STEPS]);
        t.equal([...(got['optimizer.skipped'] as Float32Array)], [0]);
        t.equal([...(got.step as Uint32Array)], [STEPS]);
      });
    }
  });

  c('keep a moving average of the parameters', async (t) => {
    const decay = 0.9;
    await withRuntime(t, async (runtime) => {
      const options = { optimizer: sgd({ lr: 0.1 }), ema: decay };
      const { plan, state } = await leastSquares(runtime, options);
      const average = new Float64Array(OUT * IN + OUT);
      descend(sgdRule(0.1), STEPS, undefined, (theta) => {
        theta.forEach((x, i) => {
          average[i] = decay * (average[i] as number) + (1 - decay) * x;
        });
      });
      await plan.run(STEPS);
      const got = (await state()).average as Float32Array;
      t.close(parts(got), average, rounding, 'average');
      t.ok(
        padding(got).every((x) => x === 0),
        'the numbers between the parts of the average are no longer zero',
      );
    });
  });

  c('skip and count an update that is not finite or too large, and lose nothing', async (t) => {
    await withRuntime(t, async (runtime) => {
      const options = { optimizer: adam({ lr: 0.02 }), ema: 0.9, skipNorm: 1e3 };
      const { plan, feed, state } = await leastSquares(runtime, options);
      await plan.run(10);
      const before = await state();
      const faults: [string, number, number][] = [
        ['infinite', 3e38, 1],
        ['not a number', 1, 0],
        ['of infinite norm', 1e30, 1],
        ['too large', 1e4, 1],
      ];
      for (const [i, [what, gain, safe]] of faults.entries()) {
        feed(gain, safe);
        await plan.run(2);
        const after = await state();
        for (const name of ['parameters', 'average', 'optimizer.m', 'optimizer.v']) {
          t.equal(after[name], before[name], `${name} after a gradient that is ${what}`);
        }
        t.equal([...(after['optimizer.updates'] as Float32Array)], [10], what);
        t.equal([...(after['optimizer.skipped'] as Float32Array)], [2 * (i + 1)], what);
        t.equal([...(after.step as Uint32Array)], [10 + 2 * (i + 1)], what);
      }
      feed(1, 1);
      await plan.run(STEPS - 10);
      const { parameters } = (await state()) as { parameters: Float32Array };
      // As if the bad steps had never been: bias corrections count updates, not steps.
      t.close(parts(parameters), descend(adamRule(0.02), STEPS), rounding);
    });
  });

  c('refuse a model without parameters', async (t) => {
    const loss = mean(square(input('x', [3])));
    await t.throws('bad-config', () => minimize(loss, [], { optimizer: sgd() }), /no parameter/);
  });
});

/** Steps around each border, and some between and far beyond. */
function around(borders: readonly number[], end: number): number[] {
  const steps = [0, 1, end - 1, end, 2 * end];
  for (const border of borders) steps.push(border - 1, border, border + 1);
  for (let i = 1; i < 20; i++) steps.push(Math.floor((i * end) / 20));
  return [...new Set(steps)].filter((s) => s >= 0).sort((a, b) => a - b);
}

const PER_EPOCH = 2980;

/** The IWAE paper's stages as its text gives them: passes over the data, and rates. */
const STAGES = [
  [1, 1e-3],
  [3, 7.2e-4],
  [9, 5.2e-4],
  [27, 3.7e-4],
  [81, 2.7e-4],
  [243, 1.9e-4],
  [729, 1.4e-4],
  [2187, 1e-4],
] as const;

cases('schedules', (c) => {
  c('give the rates they promise at and around every border', async (t) => {
    const borders = STAGES.map((_, i) =>
      STAGES.slice(0, i).reduce((epochs, [n]) => epochs + n * PER_EPOCH, 0),
    );
    const total = STAGES.reduce((epochs, [n]) => epochs + n, 0);
    t.equal(total, 3280);
    const stage = (s: number) => STAGES[borders.findLastIndex((from) => s >= from)]?.[1] as number;
    const pieces = [
      [0, 1e-3],
      [7, 0.3],
      [1000, 3e-7],
    ] as const;
    const multiples = (every: number) => Array.from({ length: 60 }, (_, i) => every * (i + 1));
    const table: Record<string, [RateSchedule, (s: number) => number, number[]]> = {
      constant: [constantRate(3e-4), () => 3e-4, around([], 100)],
      'the stages of the IWAE paper': [
        iwaeStages(PER_EPOCH),
        stage,
        around(borders, total * PER_EPOCH),
      ],
      'the same, scaled': [
        iwaeStages(PER_EPOCH, 2),
        (s) => 2 * stage(s),
        around(borders, total * PER_EPOCH),
      ],
      piecewise: [
        piecewise(pieces),
        (s) => pieces.findLast(([from]) => s >= from)?.[1] as number,
        around([7, 1000], 2000),
      ],
      ...Object.fromEntries(
        [1, 3, 10, 41, 49, 1000].map((every) => [
          `step decay every ${every}`,
          [
            stepDecay(0.1, every, 0.9),
            (s: number) => 0.1 * 0.9 ** Math.floor(s / every),
            around(multiples(every), 60 * every),
          ],
        ]),
      ),
      cosine: [
        cosine(1e-2, 300, 1e-4),
        (s) => 1e-4 + 0.5 * (1e-2 - 1e-4) * (1 + Math.cos((Math.PI * Math.min(s, 300)) / 300)),
        around([300], 300),
      ],
      'warm-up': [
        warmup(50, constantRate(1e-3)),
        (s) => 1e-3 * Math.min(1, (s + 1) / 50),
        around([50], 100),
      ],
      'warm-up, then cosine': [
        warmup(10, cosine(1e-2, 200)),
        (s) =>
          Math.min(1, (s + 1) / 10) * 5e-3 * (1 + Math.cos((Math.PI * Math.min(s, 200)) / 200)),
        around([10, 200], 200),
      ],
    };
    const values = new Map<Variable, Float32Array>();
    const names = Object.keys(table);
    const outputs = Object.fromEntries(
      names.map((name) => {
        const [schedule, , steps] = table[name] as (typeof table)[string];
        const at = variable(`steps of ${name}`, [steps.length]);
        values.set(at, Float32Array.from(steps));
        return [name, expand(schedule(at), [steps.length])];
      }),
    );
    const got = await outputsOf(t, outputs, values);
    for (const name of names) {
      const [, expected, steps] = table[name] as (typeof table)[string];
      const rates = steps.map(expected);
      const exact = /constant|stages|scaled|piecewise/.test(name);
      if (exact) t.equal(got[name], Float32Array.from(rates), name);
      else {
        // A power of up to 60 factors; half a cosine from the highest rate down to nothing.
        const absolute = /cosine/.test(name) ? 1e-2 * 8 * 2 ** -24 : 0;
        t.close(got[name] as Float32Array, rates, { relative: 4e-6, absolute }, name);
      }
    }
  });

  c('pieces that do not start at 0 or do not increase are refused', async (t) => {
    for (const wrong of [
      [],
      [[1, 0.1]],
      [
        [0, 0.1],
        [5, 0.2],
        [5, 0.3],
      ],
    ] as [number, number][][]) {
      await t.throws('bad-config', () => piecewise(wrong), /starts at step 0/);
    }
  });

  c('lengths that are none are refused', async (t) => {
    await t.throws('bad-config', () => cosine(0.1, 0), /cosine .*0 steps/);
    await t.throws('bad-config', () => stepDecay(0.1, 0), /stages .*0 steps/);
    await t.throws('bad-config', () => warmup(-1, constantRate(0.1)), /warm-up .*-1 steps/);
    const plain = constantRate(0.1);
    t.ok(warmup(0, plain) === plain, 'a warm-up of no steps is none');
  });

  c('run on the GPU: the history of a trainer has the rate of every step', async (t) => {
    const model = new Slope();
    const data = {
      name: 'two rows',
      source: 'made up',
      count: 2,
      shape: [1],
      data: Float32Array.of(0, 1),
    };
    const schedule = warmup(
      3,
      piecewise([
        [0, 0.5],
        [4, 0.25],
        [6, 0.125],
      ]),
    );
    const trainer = await Trainer.create(
      {
        model,
        data,
        batch: 1,
        loss: ({ x }) => ({ loss: mean(square(sub(x, model.slope))) }),
        optimizer: sgd({ lr: schedule }),
      },
      () => t.open(),
    );
    const rates: number[] = [];
    for (let i = 0; i < 8; i++) {
      rates.push((await trainer.run(1)).metrics.learningRate as number);
    }
    const third = Math.fround(1 / 3);
    t.close(rates, [third / 2, third, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125], { relative: 1e-7 });
    trainer.destroy();
  });
});

class Slope extends Module {
  slope = variable('slope', [1], { role: 'parameter', init: () => [0.3] });
}
