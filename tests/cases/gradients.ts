/** Gradient graphs on the GPU against the same graphs in float64. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { compositions, lossOf } from '../support/compositions.ts';
import { apply, draw, trials } from '../support/domains.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';

/** Derivatives of densities have no derivative of their own. */
const isSecond = /LogProbD|klNormalD|klStandardNormalD/;

/** The gradient of every elementwise op on broadcast inputs, and the inputs' values. */
function elementwiseGradients(): {
  outputs: Record<string, Tensor>;
  values: Map<Variable, ArrayLike<number>>;
} {
  const outputs: Record<string, Tensor> = {};
  const values = new Map<Variable, ArrayLike<number>>();
  const shapes = [[4, 7], [7], [4, 1], [4, 7]];
  // Ops that take their inputs from the same domains share them: a kernel binds only a few.
  const shared = new Map<string, Variable>();
  for (const [name, { operands, dtype, smooth, given }] of Object.entries(trials)) {
    if (operands.includes('u32') || dtype !== 'f32' || isSecond.test(name)) continue;
    const inputs = smooth.map((domain, i) => {
      const key = JSON.stringify([domain, i]);
      const known = shared.get(key);
      if (known) return known;
      const made = variable(`x${shared.size}`, shapes[i] as number[]);
      values.set(made, draw(domain, made.size, shared.size));
      shared.set(key, made);
      return made;
    });
    const wrt = inputs.filter((_, i) => !given.includes(i));
    const gradients = o.gradient(lossOf(apply(name, inputs)), wrt);
    gradients.forEach((g, i) => {
      outputs[`${name}, input ${i}`] = g;
    });
  }
  return { outputs, values };
}

concurrentCases('gradients', (c) => {
  c('of every elementwise op', async (t) => {
    const { outputs, values } = elementwiseGradients();
    await check(t, { outputs }, values, { adapter: adapters.software });
  });

  for (const name of adapterNames) {
    c(`of compositions, ${name}`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, ArrayLike<number>>();
      for (const { name: what, shapes, build } of compositions) {
        // A GPU's product kernels compile slowly on a software adapter: one of them will do.
        if (name === 'gpu' && /product|with itself/.test(what)) continue;
        const inputs = shapes.map((shape, i) => variable(`${what} ${i}`, shape));
        for (const x of inputs) values.set(x, reals(x.name, x.size, -1.5, 1.5));
        const loss = lossOf(build(...inputs));
        outputs[what] = loss;
        o.gradient(loss, inputs).forEach((g, i) => {
          outputs[`${what}, input ${i}`] = g;
        });
      }
      await check(t, { outputs }, values, { adapter: adapters[name] });
    });
  }

  c('of gradients', async (t) => {
    const [x, w] = [variable('x', [5, 3]), variable('w', [3, 4])];
    const hidden = o.tanh(o.matmul(x, w));
    const [dx] = o.gradient(o.sum(o.logSumExp(hidden, 1)), [x]) as [Tensor];
    const penalty = o.mean(o.square(o.sub(o.sum(o.square(dx), 1), 1)));
    const [dw, dxx] = o.gradient(penalty, [w, x]) as [Tensor, Tensor];
    const outputs = { dx, penalty, dw, dxx };
    const values = new Map([x, w].map((v) => [v, reals(v.name, v.size)] as const));
    await check(t, { outputs }, values);
  });
});
