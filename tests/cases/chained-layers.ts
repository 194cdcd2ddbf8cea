/** Products that follow each other in one kernel: every result against the reference. */
import fc from 'fast-check';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { keepAsHalf, packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Schedule } from '../../src/scheduler/run/schedule.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';
import { randomProgram } from '../support/random-graph.ts';

/** A net made of variables: y = f(… f(x W₀ᵀ + b₀) …). */
class Net {
  readonly values = new Map<Variable, ArrayLike<number>>();
  readonly parameters: Variable[] = [];

  variable(name: string, shape: Shape, spread = 1): Variable {
    const made = variable(name, shape);
    this.values.set(made, reals(name, made.size, -spread, spread));
    return made;
  }

  layer(name: string, x: Tensor, n: number, f: (x: Tensor) => Tensor, bias = true): Tensor {
    const k = x.shape.at(-1) as number;
    const weight = this.variable(`${name}.weight`, [n, k], 2 / Math.sqrt(k));
    this.parameters.push(weight);
    const product = o.matmul(x, o.transpose(weight));
    if (!bias) return f(product);
    const b = this.variable(`${name}.bias`, [n]);
    this.parameters.push(b);
    return f(o.add(product, b));
  }

  chain(name: string, x: Tensor, widths: readonly number[], f = o.tanh, bias = true): Tensor {
    return widths.reduce((h, n, l) => this.layer(`${name}.${l}`, h, n, f, bias), x);
  }
}

const shadersOf = ({ kernels }: Schedule) => kernels.map(({ shader }) => shader.split('_')[0]);

concurrentCases('chained layers', (c) => {
  for (const name of adapterNames) {
    const adapter = { ...adapters[name], layers: 'always' as const };
    const run = async (t: CaseContext, net: Net, outputs: Record<string, Tensor>) =>
      await check(t, { outputs }, net.values, { adapter });

    c(`every activation, odd widths, ${name}`, async (t) => {
      const net = new Net();
      const x = net.variable('x', [5, 3]);
      const outputs: Record<string, Tensor> = {};
      for (const [key, f] of Object.entries(o.activations)) {
        const hidden = net.layer(`${key}.0`, net.layer(`${key}.0a`, x, 7, f), 9, f);
        outputs[key] = net.layer(`${key}.1`, hidden, 2, f);
      }
      const plan = await run(t, net, outputs);
      t.equal(
        shadersOf(plan),
        Object.keys(outputs).map(() => 'layers'),
      );
    });

    c(`two to five layers, with a bias or without, ${name}`, async (t) => {
      const widths = [6, 5, 18, 33, 11];
      for (const [bias, layers, kernels] of [
        [true, 2, 1],
        [true, 3, 1],
        // Each kernel may bind eight buffers: three weights and biases, what is read, what is made.
        [true, 4, 2],
        [true, 5, 2],
        [false, 2, 1],
        [false, 5, 1],
      ] as const) {
        const net = new Net();
        const x = net.variable('x', [9, 10]);
        const y = net.chain('net', x, widths.slice(0, layers), o.softplus, bias);
        const eight = { ...adapter, maxStorageBuffers: 8 };
        const plan = await check(t, { outputs: { y } }, net.values, { adapter: eight });
        t.equal(plan.kernels.length, kernels);
      }
    });

    c(`few rows and many, narrow layers and wide, ${name}`, async (t) => {
      for (const [m, ...widths] of [
        [1, 1, 1, 1],
        [1, 20, 40, 67],
        [3, 2, 64, 64, 2],
        [4, 16, 8, 16],
        [17, 2, 30, 8, 5],
        [33, 12, 4, 1, 9],
        [70, 1, 21, 3],
      ] as const) {
        const net = new Net();
        const [k, ...rest] = widths;
        const x = net.variable('x', [m, k]);
        const plan = await run(t, net, { y: net.chain('net', x, rest, o.relu) });
        t.equal(shadersOf(plan), ['layers']);
        const flops = rest.reduce((sum, n, l) => sum + 2 * m * n * (widths[l] as number), 0);
        const [kernel] = plan.kernels as [(typeof plan.kernels)[number]];
        t.ok(kernel.flops >= flops && kernel.flops < 1.6 * flops + 10 * m * 200, 'FLOP');
        const numbers = [...net.values.keys()].reduce((sum, v) => sum + v.size, 0);
        const bytes = 4 * (numbers + m * (rest.at(-1) as number));
        t.ok(Math.abs(kernel.bytes - bytes) < 16 * (net.values.size + 1), 'bytes');
        t.ok(
          plan.explain().includes(`layers`) && plan.explain().includes(widths.join('-')),
          'name',
        );
      }
    });

    c(`rows as wide as there is memory for, and wider, ${name}`, async (t) => {
      // Quads for one row of both strips: private memory on software, workgroup memory on GPUs.
      const isTiled = name === 'gpu' || t.device.subgroupSize !== 4;
      const fits = !isTiled ? 512 : name === 'gpu' ? 1024 : 256;
      // Prime, so that no sum is cut into parts.
      const width = { 1024: 4091, 512: 2039, 256: 1019 }[fits] as number;
      const left = fits - Math.ceil(width / 4);
      for (const [hidden, kernels] of [
        [4 * left, 1],
        [4 * left + 1, 2],
      ] as const) {
        const net = new Net();
        const h = net.layer('0', net.variable('x', [2, width]), hidden, o.tanh, false);
        const plan = await run(t, net, { y: net.layer('1', h, 3, o.sigmoid) });
        t.equal(plan.kernels.length, kernels);
      }
    });

    c(`operands that are views, ${name}`, async (t) => {
      const net = new Net();
      const wide = net.variable('wide', [9, 21]);
      const tall = net.variable('tall', [6, 14]);
      const cube = net.variable('cube', [2, 3, 6]);
      const byKeys = net.variable('byKeys', [6, 10]);
      const part = net.variable('part', [13, 16]);
      const [twoFive, single] = [net.variable('25', [2, 5, 6]), net.variable('single', [10, 1])];
      const second = (key: string, h: Tensor) => net.layer(key, h, 5, o.sigmoid);
      const outputs = {
        sliced: second('a', o.relu(o.matmul(o.slice(wide, 1, 3, 9), byKeys))),
        lines: second('b', o.relu(o.matmul(o.slice(wide, 0, 2, 7), net.variable('p', [21, 4])))),
        turned: second('c', o.gelu(o.matmul(o.transpose(tall), o.slice(byKeys, 0, 0, 6)))),
        inner: second(
          'd',
          o.silu(o.matmul(o.slice(tall, 1, 1, 7), o.slice(o.slice(part, 0, 5, 11), 1, 3, 12))),
        ),
        innerTurned: second(
          'e',
          o.matmul(o.slice(tall, 1, 4, 10), o.slice(o.transpose(part), 0, 2, 8)),
        ),
        cubed: o.reshape(
          second('f', net.layer('f0', o.reshape(cube, [6, 6]), 7, o.tanh)),
          [2, 3, 5],
        ),
        batched: o.matmul(o.relu(o.matmul(twoFive, byKeys)), single),
        column: second(
          'g',
          o.relu(o.matmul(o.slice(wide, 1, 20, 21), net.variable('row', [1, 6]))),
        ),
      };
      const plan = await run(t, net, outputs);
      t.equal(new Set(shadersOf(plan)), new Set(['layers']));
      t.equal(plan.kernels.length, Object.keys(outputs).length);
    });

    c(`weights kept as float16, ${name}`, async (t) => {
      const net = new Net();
      const x = net.variable('x', [6, 5]);
      const turned = o.tanh(o.matmul(net.chain('net', x, [9, 8]), net.variable('turned', [8, 7])));
      const y = net.layer('last', turned, 3, o.sigmoid);
      for (const v of net.values.keys()) {
        if (v === x) continue;
        keepAsHalf(v);
        // Numbers that float16 holds.
        const values = net.values.get(v) as ArrayLike<number>;
        net.values.set(
          v,
          Array.from(values, (value) => Math.round(value * 64) / 64),
        );
      }
      const plan = await run(t, net, { y });
      t.equal(new Set(shadersOf(plan)), new Set(['layers']));
      for (const { code } of plan.kernels) t.ok(code.includes('halves4'), 'reads halves');
    });

    c(`what others need is left in memory, ${name}`, async (t) => {
      const net = new Net();
      const x = net.variable('x', [11, 6]);
      const h = net.chain('h', x, [9, 7], o.relu);
      const heads = {
        mean: net.layer('mean', h, 3, o.tanh, false),
        std: net.layer('std', h, 3, o.softplus, false),
      };
      t.equal((await run(t, net, heads)).kernels.length, 2);
      // As an output, in the middle.
      const plan = await run(t, net, { h, y: heads.mean, rows: o.sum(h, 1) });
      t.equal(shadersOf(plan).filter((shader) => shader === 'layers').length, 1);
      t.equal(plan.kernels.length, 2);
      // Read by a later layer, past the one in between: no kernel of one piece.
      const g = net.layer('g', h, 7, o.tanh);
      await run(t, net, { skip: net.layer('skip', o.add(g, h), 4, o.sigmoid) });
      await run(t, net, { again: o.mul(net.layer('again', g, 7, o.sigmoid), h) });
      await run(t, net, {
        square: o.matmul(o.matmul(h, o.transpose(h)), o.matmul(h, o.transpose(h))),
      });
    });

    c(`a first operand computed in place, ${name}`, async (t) => {
      const net = new Net();
      const [mean, logStd] = [net.variable('mean', [13, 6]), net.variable('logStd', [13, 6])];
      const noise = o.randomNormal([13, 6]);
      const z = o.add(mean, o.mul(o.exp(logStd), noise));
      const plan = await run(t, net, { y: net.chain('drawn', noise, [8, 5]) });
      t.equal(shadersOf(plan), ['layers']);
      t.equal((await run(t, net, { z, y: net.chain('z', z, [8, 5]) })).kernels.length, 1);
      const odd = o.randomUniform([7, 5]);
      t.equal((await run(t, net, { y: net.chain('odd', odd, [3, 9]) })).kernels.length, 1);
      // Numbered along the other axis.
      await run(t, net, { y: net.chain('lone', o.randomNormal([9, 1]), [3, 9]) });
      const count = o.reshape(o.toFloat(o.iota(12)), [6, 2]);
      await run(t, net, { y: net.chain('count', o.mul(count, 0.1), [3, 9]) });
      const cube = o.reshape(o.exp(net.variable('cube', [2, 3, 4])), [6, 4]);
      t.equal((await run(t, net, { y: net.chain('cube', cube, [3, 9]) })).kernels.length, 1);
      const one = net.layer('one', o.square(mean), 4, o.tanh);
      t.equal(shadersOf(await run(t, net, { one })), ['layers']);
      const dropped = o.randomBernoulli(o.full([13, 4], 0.5));
      await run(t, net, { y: net.layer('last', o.mul(one, dropped), 3, o.relu) });
    });

    c(`concatenations and assignments around a chain, ${name}`, async (t) => {
      const net = new Net();
      const [x, y] = [net.variable('x', [5, 4]), net.variable('y', [5, 3])];
      const h = net.chain('h', o.concat([o.relu(x), y], 1), [6, 4]);
      await run(t, net, { h, both: o.concat([h, x], 1) });
      await run(t, net, { stacked: o.concat([net.chain('s', h, [4, 4]), h], 0) });
      await run(t, net, {
        fed: net.layer('fed', o.concat([h, net.layer('k', h, 2, o.tanh)], 1), 3, o.relu),
      });
      const state = net.variable('state', [5, 4]);
      const effects = [o.assign(state, net.chain('next', state, [6, 4]))];
      await check(t, { effects }, net.values, { adapter });
    });

    c(`gradients, parameters packed or apart, ${name}`, async (t) => {
      for (const isPacked of [false, true]) {
        const net = new Net();
        const x = net.variable('x', [10, 6]);
        const loss = o.sum(o.square(net.chain('net', x, [9, 8, 5], o.softplus)));
        if (isPacked) packParameters(net.parameters);
        const gradients = o.gradient(loss, net.parameters);
        const outputs = Object.fromEntries(gradients.map((g, i) => [`gradient ${i}`, g as Tensor]));
        const plan = await run(t, net, { loss, ...outputs });
        t.ok(shadersOf(plan).includes('layers'), 'nothing was joined');
      }
    });

    c(
      `random graphs, ${name}`,
      async (t) => {
        const property = fc.asyncProperty(fc.infiniteStream(fc.nat(2 ** 20)), async (choices) => {
          const choose = (n: number) => (choices.next().value as number) % n;
          const { program, values } = randomProgram(choose, 14);
          await check(t, program, values, { adapter });
        });
        await fc.assert(property, { seed: 31, numRuns: 10, endOnFailure: true });
      },
      { timeout: 120_000 },
    );
  }
});
