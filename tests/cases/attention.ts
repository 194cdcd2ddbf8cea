/** Attention against loops in float64, its gradients, and parts one after the other. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as nn from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';

const [B, T, S, D, HEADS] = [2, 5, 3, 6, 2];
const WIDTH = D / HEADS;

/** Rows of a product with a weight [out, in] of which some rows count, and their bias. */
function projected(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  bias: ArrayLike<number>,
  first: number,
) {
  return Array.from({ length: x.length / D }, (_, r) =>
    Array.from({ length: D }, (_, k) => {
      let total = bias[first + k] as number;
      for (let i = 0; i < D; i++)
        total += (x[r * D + i] as number) * (w[(first + k) * D + i] as number);
      return total;
    }),
  );
}

interface Asked {
  readonly x: ArrayLike<number>;
  readonly memory: ArrayLike<number>;
  readonly sees: (from: number, to: number) => boolean;
}

/** MultiHeadAttention by loops. */
function looped(
  { x, memory, sees }: Asked,
  [w, b, ow, ob]: readonly ArrayLike<number>[],
): number[] {
  const [weight, bias] = [w as ArrayLike<number>, b as ArrayLike<number>];
  const q = projected(x, weight, bias, 0);
  const [k, v] = [D, 2 * D].map((first) => projected(memory, weight, bias, first)) as [
    number[][],
    number[][],
  ];
  const places = memory.length / D / B;
  const heard = q.map((query, row) => {
    const batch = Math.floor(row / T);
    return Array.from({ length: D }, (_, at) => {
      const head = Math.floor(at / WIDTH) * WIDTH;
      const scores = Array.from({ length: places }, (_, s) => {
        if (!sees(row % T, s)) return -1e9;
        let dot = 0;
        for (let i = head; i < head + WIDTH; i++)
          dot += (query[i] as number) * (k[batch * places + s]?.[i] as number);
        return dot / Math.sqrt(WIDTH);
      });
      const top = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - top));
      const total = shares.reduce((m, share) => m + share, 0);
      return shares.reduce(
        (m, share, s) => m + (share / total) * (v[batch * places + s]?.[at] as number),
        0,
      );
    });
  });
  return projected(heard.flat(), ow as ArrayLike<number>, ob as ArrayLike<number>, 0).flat();
}

concurrentCases('attention', (c) => {
  c(
    'of heads, causal, masked and of another sequence: as loops have it, with gradients',
    async (t) => {
      const layer = new nn.MultiHeadAttention(D, HEADS);
      const [x, memory] = [variable('x', [B, T, D]), variable('memory', [B, S, D])];
      const mask = variable('mask', [T, S]);
      const seen = Float32Array.from({ length: T * S }, (_, i) =>
        Number(i % S === 0 || i % 4 === 1),
      );
      const parameters = layer.parameters();
      t.equal(
        layer.namedParameters().map(([name]) => name),
        [...['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias']],
      );
      const values = new Map<Variable, ArrayLike<number>>([
        ...[x, memory, ...parameters].map((v) => [v, reals(v.name, v.size, -1, 1)] as const),
        [mask, seen],
      ]);
      const outputs = {
        all: layer.call(x),
        causal: layer.call(x, { isCausal: true }),
        told: layer.call(x, { memory, mask }),
      };
      const of = (v: Variable) => values.get(v) as ArrayLike<number>;
      const held = parameters.map(of);
      const own = { x: of(x), memory: of(x) };
      const wanted = {
        all: looped({ ...own, sees: () => true }, held),
        causal: looped({ ...own, sees: (from, to) => to <= from }, held),
        told: looped(
          { x: of(x), memory: of(memory), sees: (from, to) => seen[from * S + to] === 1 },
          held,
        ),
      };
      const found = referenceOf(outputs, values);
      for (const [name, numbers] of Object.entries(wanted)) {
        t.close(found[name as keyof typeof found], numbers, { absolute: 1e-12 }, name);
      }
      const loss = o.sum(o.square(o.add(outputs.causal, outputs.told)));
      const slopes = o.gradient(loss, [x, memory, ...parameters]);
      const all = { ...outputs, ...Object.fromEntries(slopes.map((g, i) => [`slope ${i}`, g])) };
      for (const name of adapterNames)
        await check(t, { outputs: all }, values, { adapter: adapters[name] });
      await t.throws('bad-config', () => new nn.MultiHeadAttention(6, 4), /shared among 4/);
      const [q, k] = [o.zeros([2, 3]), o.zeros([4, 3])];
      await t.throws(
        'shape-mismatch',
        () => nn.attention(q, k, k, { isCausal: true }),
        /2 queries/,
      );
    },
  );

  c('sines and cosines of places', async (t) => {
    const at = variable('at', [3]);
    const values = new Map([[at, Float32Array.of(0, 1, 7)]]);
    const y = nn.sinusoids(at, 6, 100);
    const wanted = [0, 1, 7].flatMap((place) => {
      const phases = [0, 1, 2].map((i) => place * 100 ** (-i / 3));
      return [...phases.map(Math.sin), ...phases.map(Math.cos)];
    });
    t.close(referenceOf({ y }, values).y, wanted, { absolute: 1e-12 }, 'sinusoids');
    await check(t, { outputs: { y } }, values);
    await t.throws('bad-config', () => nn.sinusoids(at, 5), /even/);
  });

  c('parts one after the other are named by their places, and learn', async (t) => {
    const net = new nn.Sequential([
      new nn.Linear(3, 4),
      o.tanh,
      new nn.Dropout(0.5),
      new nn.Linear(4, 2),
    ]);
    t.equal(
      net.namedParameters().map(([name]) => name),
      ['0.weight', '0.bias', '3.weight', '3.bias'],
    );
    const x = variable('x', [5, 3]);
    const values = new Map([x, ...net.parameters()].map((v) => [v, reals(v.name, v.size, -1, 1)]));
    const y = net.call(x);
    const [first, , , last] = net.parts as unknown as [nn.Linear, unknown, unknown, nn.Linear];
    const direct = last.call(o.tanh(first.call(x)));
    const both = referenceOf({ y, direct }, values);
    t.equal(both.y, both.direct, 'the same');
    const slopes = o.gradient(o.sum(o.square(y)), net.parameters());
    const named = slopes.map((slope: Tensor, i) => [`slope ${i}`, slope] as const);
    await check(t, { outputs: { y, ...Object.fromEntries(named) } }, values);
  });
});
