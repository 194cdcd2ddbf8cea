/** What the scheduler decides, without a GPU. */
import { describe, expect, test } from 'vitest';
import { loopTurnsOf } from '../src/device/index.ts';
import { formatShape } from '../src/graph/shape.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { isVariable, packParameters, variable } from '../src/graph/variable.ts';
import { Conv2d } from '../src/nn/index.ts';
import * as o from '../src/ops/index.ts';
import { Random } from '../src/random.ts';
import { memoryBytes } from '../src/scheduler/fuse/traffic.ts';
import { accessOf, collapse, isWhole } from '../src/scheduler/lower/access.ts';
import { type AdapterClass, defaultAdapterClass } from '../src/scheduler/lower/adapter.ts';
import type { KernelBinding } from '../src/scheduler/place/kernel-binding.ts';
import { type Program, type Schedule, schedule } from '../src/scheduler/run/schedule.ts';
import { randomProgram } from './support/random-graph.ts';
import { trainingStep } from './support/training-step.ts';

const gpu = defaultAdapterClass;
const software: AdapterClass = { ...gpu, isSoftware: true };
const classes = { software, gpu };

/** The buffer that a kernel's binding lies in: all parts of a flat variable share one. */
function bufferOf(memory: Tensor, plan: Schedule): string {
  if (isVariable(memory)) return `variable ${(memory.parent?.variable ?? memory).id}`;
  const place = plan.memory.places.get(memory);
  expect(place, `${memory} has no memory`).toBeDefined();
  return `slot ${place?.slot}`;
}

/** Bytes of each buffer that a binding spans. */
function spanOf({ memory, offset, bytes }: KernelBinding, plan: Schedule): [number, number] {
  const within = isVariable(memory)
    ? 4 * (memory.parent?.offset ?? 0)
    : (plan.memory.places.get(memory)?.offset ?? 0);
  const start = within + offset;
  return [start, start + (bytes ?? memoryBytes(memory) - offset)];
}

const overlap = (a: readonly [number, number], b: readonly [number, number]) =>
  a[0] < b[1] && b[0] < a[1];

/** That no byte is touched for one value while it holds another. */
function expectApart(plan: Schedule): void {
  const { kernels, memory } = plan;
  const { lifetimes, slotBytes } = memory;
  const touched = new Map<Tensor, [number, number][]>();
  kernels.forEach(({ bindings }, at) => {
    for (const binding of bindings) {
      if (isVariable(binding.memory)) continue;
      const span = spanOf(binding, plan);
      const slot = memory.places.get(binding.memory)?.slot as number;
      expect(span[0] % 256, `the start of ${binding.memory}`).toBe(0);
      expect(span[1], `the end of ${binding.memory}`).toBeLessThanOrEqual(
        slotBytes[slot] as number,
      );
      touched.set(binding.memory, [...(touched.get(binding.memory) ?? []), span]);
    }
    const live = lifetimes.filter(({ first, last }) => first <= at && at <= last);
    live.forEach((a, i) => {
      for (const b of live.slice(0, i)) {
        if (memory.places.get(a.memory)?.slot !== memory.places.get(b.memory)?.slot) continue;
        const clash = (touched.get(a.memory) ?? []).some((x) =>
          (touched.get(b.memory) ?? []).some((y) => overlap(x, y)),
        );
        expect(clash, `${a.memory} and ${b.memory} share memory at dispatch ${at}`).toBe(false);
      }
    });
  });
}

/** What WebGPU demands of every dispatch, and what memory that is shared demands of all together. */
function expectSound(plan: Schedule): void {
  for (const { bindings, label, dispatch } of plan.kernels) {
    const storage = bindings.filter(({ kind }) => kind !== 'uniform');
    expect(storage.length, `storage bindings of ${label}`).toBeLessThanOrEqual(8);
    expect(bindings.length - storage.length).toBeLessThanOrEqual(12);
    expect(Math.max(...dispatch)).toBeLessThanOrEqual(65535);
    const writes = bindings.filter(({ kind }) => kind === 'write');
    writes.forEach((a, i) => {
      for (const b of writes.slice(0, i)) {
        if (bufferOf(a.memory, plan) !== bufferOf(b.memory, plan)) continue;
        const both = overlap(spanOf(a, plan), spanOf(b, plan));
        expect(both, `${a.memory} and ${b.memory} written by ${label}`).toBe(false);
      }
    });
    const buffers = new Set(writes.map(({ memory }) => bufferOf(memory, plan)));
    for (const { memory, kind } of bindings) {
      if (kind === 'write') continue;
      expect(buffers.has(bufferOf(memory, plan)), `${label} reads and writes ${memory}`).toBe(
        false,
      );
    }
  }
  expectApart(plan);
  const { peakBytes, boundBytes } = plan.memory;
  expect(peakBytes).toBeGreaterThanOrEqual(boundBytes);
  const text = plan.explain();
  for (const { label } of plan.kernels) expect(text).toContain(label);
}

/** The kernels as they are without company. */
const alone = (plan: Schedule) => plan.kernels.flatMap((k) => (k.parts.length > 0 ? k.parts : [k]));
const computes = (plan: Schedule) =>
  alone(plan).map((k) => k.nodes.map((n) => n.op.name).join(' '));
const input = (name: string, ...shape: number[]) => variable(name, shape);

describe('a training step of a net of convolutions', () => {
  test.each(Object.entries(classes))('keeps one gradient a layer, %s', (_, adapter) => {
    const [images, extent, channels] = [16, 28, 32];
    const layers = [
      new Conv2d(1, channels),
      new Conv2d(channels, channels),
      new Conv2d(channels, 1),
    ];
    const x = input('x', images, extent, extent, 1);
    const y = layers.reduce((h: Tensor, layer, i) => layer.call(h, i < 2 ? 'relu' : 'identity'), x);
    const loss = o.mean(o.square(o.sub(y, x)));
    const slopes = o.gradient(
      loss,
      layers.flatMap((layer) => layer.parameters()),
    );
    const plan = schedule(
      { outputs: Object.fromEntries(slopes.map((g, i) => [`g${i}`, g])) },
      adapter,
    );
    expectSound(plan);
    // A bias's gradient is folded from what the weight's product reads, which is computed once.
    const grads = plan.kernels.flatMap((k) => k.nodes).filter(({ op }) => op.name === 'reluGrad');
    expect(grads).toHaveLength(2);
    // Two layers, and of each of them a gradient in turn; windows of the images of one channel beside them.
    const maps = 4 * images * extent * extent * channels;
    expect(plan.memory.peakBytes).toBeLessThan(4 * maps);
  });
});

describe('a training step of a variational autoencoder', () => {
  const sizes = { batch: 100, features: 784, hidden: 300, latent: 20, rows: 1000 };

  test.each(Object.entries(classes))('takes few dispatches, %s', (name, adapter) => {
    const plan = schedule(trainingStep(sizes).program, adapter);
    expectSound(plan);
    expect(plan.kernels.length).toBeLessThanOrEqual(18);
    // Two products in one kernel are slow to compile where a processor is the GPU.
    const products = plan.kernels.map((k) => k.groups.filter(({ kind }) => kind === 'matmul'));
    expect(Math.max(...products.map(({ length }) => length)) > 1).toBe(name !== 'software');
    const all = computes(plan);
    // Each layer is one kernel, bias and activation included; so is its weight and bias gradient.
    expect(all.filter((text) => text === 'matmul add relu')).toHaveLength(2);
    expect(all.filter((text) => text === 'matmul add')).toHaveLength(2);
    expect(plan.kernels.flatMap((k) => k.groups).filter((g) => g.columnSum)).toHaveLength(4);
    // The derivative of an activation is part of the product that needs it.
    expect(all.filter((text) => /^matmul reluGrad mul/.test(text))).toHaveLength(2);
    // The whole optimizer is one kernel, and writes parameters and moments where they are.
    const update = plan.kernels.at(-1);
    const targets = update?.bindings
      .filter(({ kind }) => kind === 'write')
      .map((b) => b.memory.name);
    expect(targets?.sort()).toEqual(['adam.m', 'adam.v', 'parameters']);
    expect(plan.memory.peakBytes).toBeLessThan(1.25 * plan.memory.boundBytes);
  });

  test('keeps what dies early where gradients come later, if a buffer may be read and written', () => {
    const { program } = trainingStep(sizes);
    const [shared, apart] = [schedule(program, software), schedule(program, gpu)];
    const place = (plan: Schedule, name: string) =>
      [...plan.memory.places].find(([memory]) => memory.name === name)?.[1].slot;
    const beside = (plan: Schedule) =>
      [...plan.memory.places].filter(([, { slot }]) => slot === place(plan, 'gradient')).length;
    expect(beside(shared)).toBeGreaterThan(5);
    expect(shared.memory.peakBytes).toBeLessThan(1.1 * shared.memory.boundBytes);
    expect(shared.memory.peakBytes).toBeLessThan(0.9 * apart.memory.peakBytes);
    // Nothing is bound for writing on a GPU that is only read.
    const writes = ({ kernels }: Schedule) =>
      kernels.flatMap(({ bindings }) => bindings.filter(({ kind }) => kind === 'write')).length;
    expect(writes(shared)).toBeGreaterThan(writes(apart) + 5);
  });

  test('is planned the same way every time', () => {
    const { program } = trainingStep(sizes);
    const text = (p: Program, adapter: AdapterClass) =>
      schedule(p, adapter).kernels.map(({ code, dispatch, bindings }) => ({
        code,
        dispatch,
        bindings: bindings.map(
          ({ kind, memory }) => `${kind} ${memory.name} ${formatShape(memory.shape)}`,
        ),
      }));
    for (const adapter of [software, gpu]) {
      const first = text(program, adapter);
      expect(text(program, adapter)).toEqual(first);
      // Another graph of the same make: only names differ.
      expect(text(trainingStep(sizes).program, adapter)).toEqual(first);
    }
  });

  test('explains itself', () => {
    const text = schedule(trainingStep(sizes).program, software).explain();
    expect(text).toMatch(/^18 dispatches, \d+ M FLOP/);
    expect(text).toContain('encoder.0.weight [300, 784]');
    expect(text).toContain('no placement can use less than');
    expect(text).toMatch(/loss/);
  });
});

describe('kernels', () => {
  const [x, y] = [input('x', 6, 10), input('y', 6, 10)];
  const count = (program: Program, adapter = software) => {
    const plan = schedule(program, adapter);
    expectSound(plan);
    return alone(plan).length;
  };

  test('chains are one, however long', () => {
    let z: Tensor = x;
    for (let i = 0; i < 40; i++) z = o.tanh(o.add(o.mul(z, y), i));
    expect(count({ outputs: { z } })).toBe(1);
  });

  test('reductions of one tensor share a pass; softmax and layer norm take one kernel', () => {
    expect(count({ outputs: { sum: o.sum(x, 1), max: o.max(x, 1), lse: o.logSumExp(x, 1) } })).toBe(
      1,
    );
    expect(count({ outputs: { y: o.softmax(o.mul(x, y)) } })).toBe(1);
    expect(count({ outputs: { y: o.sum(o.mul(o.softmax(x), y), 1) } })).toBe(1);
    const centred = o.sub(x, o.mean(x, 1, { keepDims: true }));
    const scale = o.rsqrt(o.add(o.variance(x, 1, { keepDims: true }), 1e-5));
    expect(count({ outputs: { y: o.mul(centred, scale) } })).toBe(1);
  });

  test('views cost nothing', () => {
    const [a, b] = o.split(x, [4, 6]) as [Tensor, Tensor];
    const turned = o.transpose(o.reshape(o.slice(b, 1, 1, 5), [2, 3, 4]), [2, 0, 1]);
    expect(count({ outputs: { y: o.mul(o.reshape(o.transpose(a), [4, 2, 3]), turned) } })).toBe(1);
  });

  test('what is computed twice is computed once', () => {
    const outputs = {
      a: o.exp(o.add(x, y)),
      b: o.exp(o.add(x, y)),
      c: o.sum(o.exp(o.add(x, y)), 1),
    };
    const plan = schedule({ outputs }, software);
    expect(plan.kernels.flatMap((k) => k.nodes.map((n) => n.op.name)).sort()).toEqual([
      'add',
      'exp',
      'sum',
    ]);
    expect(plan.outputs.get('a')?.location).toEqual(plan.outputs.get('b')?.location);
  });

  test('two draws are two draws', () => {
    const z = o.sub(o.randomNormal([8]), o.randomNormal([8]));
    const plan = schedule({ outputs: { z } }, software);
    expect(plan.kernels[0]?.nodes.filter((n) => n.op.name === 'normal')).toHaveLength(2);
  });

  test('an update in place needs no memory', () => {
    const w = input('w', 100);
    const plan = schedule({ effects: [o.assign(w, o.mul(w, 0.5))] }, software);
    expectSound(plan);
    expect(plan.memory.peakBytes).toBe(0);
    expect(plan.kernels).toHaveLength(1);
    expect(plan.kernels[0]?.bindings.map(({ kind }) => kind)).toEqual(['write']);
  });

  test('variables that change places are one kernel, or have copies', () => {
    const [p, q] = [input('p', 4, 6), input('q', 4, 6)];
    expect(count({ effects: [o.assign(p, q), o.assign(q, p)] })).toBe(1);
    const t = input('t', 6, 4);
    const effects = [o.assign(p, o.transpose(t)), o.assign(t, o.transpose(p))];
    expect(count({ effects })).toBeGreaterThan(1);
  });

  test('parts of one buffer are never read and written by one kernel', () => {
    const [a, b] = [input('a', 70), input('b', 70)];
    packParameters([a, b]);
    expectSound(schedule({ effects: [o.assign(a, o.mul(b, 2)), o.assign(b, o.add(a, b))] }, gpu));
    expectSound(schedule({ effects: [o.assign(a, b)] }, gpu));
  });

  test('a product is not written into the memory of its operand', () => {
    const h = o.relu(input('h', 6, 8));
    const next = o.matmul(h, input('w', 8, 8));
    expectSound(schedule({ outputs: { y: o.concat([h, next], 0) } }, gpu));
    expectSound(schedule({ outputs: { y: o.concat([h, o.tanh(next)], 0) } }, gpu));
    expectSound(
      schedule({ outputs: { y: o.concat([o.transpose(h), o.transpose(next)], 1) } }, gpu),
    );
  });

  test('a batch that no stride describes is written out', () => {
    const [a, b] = [input('a', 2, 1, 5, 4), input('b', 2, 3, 4, 6)];
    const turned = o.transpose(input('c', 3, 2, 4, 6), [1, 0, 2, 3]);
    expect(count({ outputs: { y: o.matmul(a, b) } })).toBe(2);
    expect(count({ outputs: { y: o.matmul(a, turned) } })).toBe(3);
  });

  test('long reductions and skinny products are cut for a GPU', () => {
    const long = input('long', 3, 40000);
    const reduced = schedule({ outputs: { y: o.sum(long, 1) } }, gpu);
    expect(reduced.kernels.map((k) => k.groups.some(({ splits }) => splits > 1))).toEqual([
      true,
      false,
    ]);
    const [a, b] = [input('a', 8192, 16), input('b', 8192, 24)];
    const product = schedule({ outputs: { y: o.matmul(o.transpose(a), b) } }, gpu);
    expect(product.kernels).toHaveLength(2);
    expect(product.kernels[0]?.groups[0]?.shape).toEqual([16, 16, 24]);
  });

  test('a binding too large is refused before anything is allocated', () => {
    const big = input('big', 1 << 14, 1 << 12);
    const plan = () => schedule({ outputs: { y: o.neg(big) } }, gpu);
    expect(plan).toThrow(/268435456 bytes.*134217728/);
  });

  test('conflicting effects are refused', () => {
    const [a, b] = [input('a', 3), input('b', 3)];
    const flat = packParameters([a, b]);
    const of =
      (...effects: Tensor[]) =>
      () =>
        schedule({ effects }, gpu);
    expect(of(o.assign(a, o.neg(a)), o.assign(a, b))).toThrow(/assigned twice/);
    expect(of(o.assign(a, b), o.assign(flat, o.neg(flat)))).toThrow(/assigned twice/);
    expect(of(o.assign(a, b), o.store(a, o.step, o.sum(b)))).toThrow(/assigned twice/);
    expect(of(o.store(a, o.step, o.sum(b)), o.assign(a, b))).toThrow(/assigned twice/);
  });
});

describe('random programs', () => {
  test('are planned soundly and always the same way', () => {
    for (let seed = 0; seed < 600; seed++) {
      const make = () => {
        const random = new Random(seed, 3, 0);
        return randomProgram((n) => random.integer(n), 4 + (seed % 22)).program;
      };
      const adapter = seed % 2 === 0 ? software : gpu;
      const program = make();
      const plan = schedule(program, adapter);
      expectSound(plan);
      const text = plan.kernels.map(({ code, dispatch }) => `${dispatch} ${code}`);
      for (const again of [program, make()]) {
        const repeated = schedule(again, adapter).kernels;
        expect(
          repeated.map(({ code, dispatch }) => `${dispatch} ${code}`),
          `program ${seed}`,
        ).toEqual(text);
      }
    }
  });
});

describe('access', () => {
  /** The elements of `base` that a view reads, by brute force. */
  const read = (x: Tensor): number[] => {
    const access = accessOf(x) as NonNullable<ReturnType<typeof accessOf>>;
    let indices = [access.offset];
    access.shape.forEach((extent, axis) => {
      indices = indices.flatMap((at) =>
        Array.from({ length: extent }, (_, i) => at + i * (access.strides[axis] as number)),
      );
    });
    return indices;
  };

  test('views read the elements that the reference reads', () => {
    let affine = 0;
    for (let seed = 0; seed < 400; seed++) {
      const random = new Random(seed, 4, 0);
      const x = input('x', 1 + random.integer(3), 1 + random.integer(4), 1 + random.integer(5));
      let view: Tensor = x;
      for (let i = 0; i < 1 + random.integer(5); i++) view = randomView(view, random);
      if (!accessOf(view)) continue;
      affine++;
      const data = Float64Array.from({ length: x.size }, (_, i) => i);
      const [value] = o.evaluate([view], new Map([[x, data]]));
      expect(read(view), view.toString()).toEqual([...(value?.data ?? [])]);
      const whole = [...data].join() === [...(value?.data ?? [])].join();
      expect(isWhole(accessOf(view) as never), view.toString()).toBe(whole);
    }
    expect(affine).toBeGreaterThan(300);
  });

  test('axes merge only where every access agrees', () => {
    expect(
      collapse(
        [2, 3, 4],
        [
          [12, 4, 1],
          [12, 4, 1],
        ],
      ).extents,
    ).toEqual([24]);
    expect(
      collapse(
        [2, 3, 4],
        [
          [12, 4, 1],
          [4, 0, 1],
        ],
      ),
    ).toEqual({
      extents: [2, 3, 4],
      strides: [
        [12, 4, 1],
        [4, 0, 1],
      ],
    });
    expect(
      collapse(
        [2, 3, 4],
        [
          [12, 4, 1],
          [0, 4, 1],
        ],
      ).extents,
    ).toEqual([2, 12]);
    expect(collapse([1, 1], [[0, 0]])).toEqual({ extents: [1], strides: [[0]] });
  });
});

function randomView(x: Tensor, random: Random): Tensor {
  const axis = random.integer(Math.max(1, x.rank));
  switch (random.integer(5)) {
    case 0:
      return o.transpose(
        x,
        x.shape.map((_, i) => (i + axis) % x.rank),
      );
    case 1: {
      if (x.rank === 0) return x;
      const start = random.integer(x.shape[axis] as number);
      return o.slice(x, axis, start, start + 1 + random.integer((x.shape[axis] as number) - start));
    }
    case 2:
      return o.reshape(x, [x.size]);
    case 3:
      return o.reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
    default:
      return x.size < 100 ? o.expand(x, [2, ...x.shape]) : o.stopGradient(x);
  }
}

describe('where a driver ends loops', () => {
  const cut = { ...software, loopTurns: 65_535 };

  test('is known by the adapter’s name', () => {
    const names = [
      'llvmpipe (LLVM 15.0.6, 256 bits) (65541)',
      'SwiftShader Device (Subzero) (6880)',
    ];
    expect(names.map((name) => loopTurnsOf({ name }))).toEqual([65_535, undefined]);
  });

  test('long sums and products are cut into parts that end before', () => {
    const [x, tall] = [variable('x', [2 ** 25]), variable('tall', [300, 2 ** 16])];
    const [a, b] = [variable('a', [3, 2 ** 19]), variable('b', [2 ** 19, 5])];
    const outputs = { sum: o.sum(x), rows: o.logSumExp(tall, 1), product: o.matmul(a, b) };
    const texts = (adapter: AdapterClass) =>
      schedule({ outputs }, adapter).kernels.map(({ code }) => code);
    const splits = (adapter: AdapterClass) =>
      texts(adapter).flatMap((code) => /const SPLITS: u32 = (\d+)u/.exec(code)?.[1] ?? []);
    expect(splits(software)).toContain('64');
    expect(splits(cut)).toEqual(expect.arrayContaining(['2049', '5']));
    const terms = (adapter: AdapterClass) =>
      texts(adapter).flatMap((code) => /const K: u32 = (\d+)u/.exec(code)?.[1] ?? []);
    expect([terms(software), terms(cut)]).toEqual([[String(2 ** 18)], [String(2 ** 16)]]);
  });

  test('what cannot be cut is refused', () => {
    const a = variable('a', [300, 300]);
    const program = { outputs: { l: o.cholesky(a) } };
    expect(() => schedule(program, cut)).toThrow(
      expect.objectContaining({
        code: 'limit-exceeded',
        message: expect.stringContaining('turns'),
      }),
    );
    expect(() => schedule(program, software)).not.toThrow();
    const small = { outputs: { l: o.cholesky(variable('b', [100, 100])) } };
    expect(() => schedule(small, cut)).not.toThrow();
  });
});
