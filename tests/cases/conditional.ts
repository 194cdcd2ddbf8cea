/** Models that are told classes: a net of [x, one-hot y] kept in two, and bounds of p(x | y). */
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import { ofClasses } from '../../src/models/ask/labels.ts';
import {
  buildModel,
  Inference,
  type RowSource,
  settledConfig,
  Vae,
} from '../../src/models/index.ts';
import { ConvolutionalDecoder, ConvolutionalEncoder } from '../../src/models/nets/convolutional.ts';
import { RecurrentDecoder, RecurrentEncoder } from '../../src/models/nets/recurrent.ts';
import {
  ToldConvolutionalDecoder,
  ToldEncoder,
  ToldRecurrentDecoder,
} from '../../src/models/nets/told.ts';
import { ConditionedMLP, type Linear, type Module } from '../../src/nn/index.ts';
import { importanceBound } from '../../src/objectives/index.ts';
import {
  add,
  concat,
  expand,
  gradient,
  matmul,
  mul,
  oneHot,
  reshape,
  square,
  sum,
  tanh,
  transpose,
} from '../../src/ops/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { againstFloat64, outputsOf, referenceOf } from '../support/run.ts';
import { exactly, toy, toyData, toyVae } from '../support/toys.ts';

const CLASSES = 3;
/** Of the last row none is known. */
const LABELS = [2, 0, 1, 2, 0xffffffff];
const [B, D] = [LABELS.length, 4];

const named = (slopes: readonly Tensor[]) =>
  Object.fromEntries(slopes.map((slope, i) => [`slope ${i}`, slope]));

/** Gives a net of [x, one-hot y] the numbers of one that keeps weights in two: those named have columns of classes. */
function asOne(
  values: Map<Variable, ArrayLike<number>>,
  wide: Module,
  own: Module,
  columns: Readonly<Record<string, Linear>>,
): void {
  const parts = new Map(own.namedParameters());
  const numbers = (p: Variable) => Array.from(values.get(p) as ArrayLike<number>);
  for (const [name, p] of wide.namedParameters()) {
    const held = numbers(parts.get(name) as Variable);
    const told = columns[name] ? numbers(columns[name].weight) : [];
    const rows = p.shape[0] as number;
    const row = (all: number[], at: number) =>
      all.slice((at * all.length) / rows, ((at + 1) * all.length) / rows);
    values.set(
      p,
      Array.from({ length: rows }, (_, o) => [...row(held, o), ...row(told, o)]).flat(),
    );
  }
}

/** Numbers of both nets, of two rows x and their codes z; the rows are of classes 2 and 0. */
const drawn = (nets: readonly Module[], x: Variable, z: Variable, labels: Variable) =>
  new Map<Variable, ArrayLike<number>>([
    ...nets.flatMap((net) =>
      net.namedParameters().map(([name, p]) => [p, reals(`${name} ${p.size}`, p.size)] as const),
    ),
    [x, reals('x', x.size)],
    [z, reals('z', z.size)],
    [labels, [2, 0]],
  ]);

/** Holds that results of float64 references are the same, pair by pair. */
function alike<K extends string>(
  t: CaseContext,
  found: Readonly<Record<K, ArrayLike<number>>>,
  pairs: readonly (readonly [K, K])[],
): void {
  for (const [own, other] of pairs) t.close(found[own], found[other], { absolute: 1e-12 }, other);
}

cases('classes that a model is told', (c) => {
  c('a net of classes is the net of [x, one-hot y], and so are its gradients', async (t) => {
    const net = new ConditionedMLP([D, 7, 2], 'tanh', CLASSES);
    net.namedParameters();
    const x = input('x', [B, 2, D]);
    const labels = input('labels', [B], 'u32');
    const values = new Map<Variable, ArrayLike<number>>([
      ...net.parameters().map((p) => [p, reals(p.name, p.size)] as const),
      [x, reals('x', x.size)],
      [labels, LABELS],
    ]);
    const [first, second] = net.layers as [(typeof net.layers)[0], (typeof net.layers)[0]];
    // Two rows beside each other are of one class.
    const beside = expand(reshape(oneHot(labels, CLASSES), [B, 1, CLASSES]), [B, 2, CLASSES]);
    const rows = reshape(concat([x, beside], 2), [2 * B, D + CLASSES]);
    const weight = concat([first.weight, net.classes.weight], 1);
    const hidden = tanh(add(matmul(rows, transpose(weight)), first.bias as Variable));
    const wide = reshape(second.call(hidden), [B, 2, 2]);
    const of = (y: Tensor) => ({ y, ...named(gradient(sum(square(y)), net.parameters())) });
    const outputs: Record<string, Tensor> = of(net.of(x, labels));
    await check(t, { outputs }, values);
    const [found, expected] = [referenceOf(outputs, values), referenceOf(of(wide), values)];
    for (const name of Object.keys(outputs)) {
      const own = found[name] as Float64Array;
      t.close(own, (expected as typeof found)[name] as Float64Array, { absolute: 1e-12 }, name);
    }
  });

  c('what it yields for every class of a row is what it yields for each', async (t) => {
    const net = new ConditionedMLP([D, 5, 2], 'relu', CLASSES);
    net.namedParameters();
    const x = input('x', [2, D]);
    const values = new Map<Variable, ArrayLike<number>>([
      ...net.parameters().map((p) => [p, reals(p.name, p.size)] as const),
      [x, reals('x', x.size)],
    ]);
    const told = [0, 1, 2].map((label) => {
      const labels = input('labels', [2], 'u32');
      values.set(labels, [label, label]);
      return net.of(x, labels);
    });
    const every = net.ofEvery(x);
    await check(t, { outputs: { every } }, values);
    const found = referenceOf(
      { every, a: told[0], b: told[1], c: told[2] } as never,
      values,
    ) as Record<string, Float64Array>;
    [0, 1].forEach((row) => {
      ['a', 'b', 'c'].forEach((name, label) => {
        const at = (row * CLASSES + label) * 2;
        const own = [...(found.every as Float64Array)].slice(at, at + 2);
        t.close(own, [...(found[name] as Float64Array)].slice(2 * row, 2 * row + 2), {
          absolute: 1e-12,
        });
      });
    });
  });

  c(
    'nets of convolutions are told a class as a channel more of every pixel, or as numbers beside the code',
    async (t) => {
      const options = {
        under: '',
        kind: 'conv',
        strides: [1, 2],
        kernel: 1,
        residual: 1,
        norm: 'none',
      } as const;
      const encoderOf = { ...options, channels: [4, 3], activation: 'tanh' } as const;
      const decoderOf = { ...encoderOf, kernel: 3, channels: [2, 3] } as const;
      const [shape, numbers] = [[3, 4], { numbers: 2, inBlocks: true }] as const;
      const own = new ConvolutionalEncoder(encoderOf, shape, 2, 'torch');
      const encoder = new ToldEncoder(own, CLASSES);
      const decoder = new ToldConvolutionalDecoder(
        CLASSES,
        decoderOf,
        [2, shape],
        'torch',
        numbers,
      );
      const wideEncoder = new ConvolutionalEncoder(encoderOf, [3, 4, 1 + CLASSES], 2, 'torch');
      const wideDecoder = new ConvolutionalDecoder(
        decoderOf,
        [2 + CLASSES, shape],
        'torch',
        numbers,
      );
      const x = input('x', [2, 12]);
      const z = input('z', [2, 3, 2]);
      const labels = input('labels', [2], 'u32');
      const ones = oneHot(labels, CLASSES);
      const values = drawn([encoder, decoder], x, z, labels);
      asOne(values, wideEncoder, encoder, { 'layers.0.weight': encoder.classes });
      asOne(values, wideDecoder, decoder, { 'first.weight': decoder.classes });
      const pixels = expand(reshape(ones, [2, 1, CLASSES]), [2, 12, CLASSES]);
      const wideImages = reshape(concat([reshape(x, [2, 12, 1]), pixels], 2), [2, -1]);
      const wideCodes = concat([z, expand(reshape(ones, [2, 1, CLASSES]), [2, 3, CLASSES])], 2);
      const [code, every, decoded] = [
        encoder.of(x, labels),
        encoder.ofEvery(x),
        decoder.of(z, labels),
      ];
      const parameters = [...encoder.parameters(), ...decoder.parameters()];
      const loss = add(sum(square(code)), add(sum(square(every)), sum(square(decoded))));
      await check(
        t,
        { outputs: { code, every, decoded, ...named(gradient(loss, parameters)) } },
        values,
      );
      const found = referenceOf(
        {
          code,
          decoded,
          wideCode: wideEncoder.call(wideImages),
          wideDecoded: wideDecoder.call(wideCodes),
          own: sum(mul(every, reshape(ones, [2, CLASSES, 1])), 1),
        },
        values,
      );
      t.equal([...decoded.shape], [2, 3, 24]);
      alike(t, found, [
        ['code', 'wideCode'],
        ['code', 'own'],
        ['decoded', 'wideDecoded'],
      ]);
    },
  );

  c(
    'recurrent nets are told a class as a channel more of every step, or as numbers beside the code',
    async (t) => {
      // One layer of units: a class comes in at the first, and at the next step.
      const [shape, numbers] = [[2, 2], { numbers: 2, inBlocks: true }] as const;
      const units = { under: '', hidden: [4] } as const;
      const [inwards, outwards] = [
        { ...units, cell: 'gru' },
        { ...units, cell: 'lstm' },
      ] as const;
      const encoder = new ToldEncoder(new RecurrentEncoder(inwards, shape, 2, 'torch'), CLASSES);
      const decoder = new ToldRecurrentDecoder(CLASSES, outwards, [2, shape], 'torch', numbers);
      const wideEncoder = new RecurrentEncoder(inwards, [2, 2 + CLASSES], 2, 'torch');
      const wideDecoder = new RecurrentDecoder(outwards, [2 + CLASSES, shape], 'torch', numbers);
      const x = input('x', [2, 4]);
      const z = input('z', [2, 3, 2]);
      const labels = input('labels', [2], 'u32');
      const ones = oneHot(labels, CLASSES);
      const values = drawn([encoder, decoder], x, z, labels);
      asOne(values, wideEncoder, encoder, { 'units.weight_ih_l0': encoder.classes });
      asOne(values, wideDecoder, decoder, {
        'first.weight': decoder.startClasses,
        'units.weight_ih_l0': decoder.classes,
      });
      const beside = (rows: Tensor, places: number) => {
        const each = expand(reshape(ones, [2, 1, CLASSES]), [2, places, CLASSES]);
        return concat([reshape(rows, [2, places, -1]), each], 2);
      };
      const [code, every, decoded] = [
        encoder.of(x, labels),
        encoder.ofEvery(x),
        decoder.of(z, labels),
      ];
      const parameters = [...encoder.parameters(), ...decoder.parameters()];
      const loss = add(sum(square(code)), add(sum(square(every)), sum(square(decoded))));
      const all = { code, every, decoded, ...named(gradient(loss, parameters)) };
      await againstFloat64(t, all, values);
      const found = referenceOf(
        {
          code,
          decoded,
          wideCode: wideEncoder.call(reshape(beside(x, 2), [2, -1])),
          wideDecoded: wideDecoder.call(beside(z, 3)),
          own: sum(mul(every, reshape(ones, [2, CLASSES, 1])), 1),
          weighed: encoder.weighed(x, ones),
        },
        values,
      );
      t.equal([...decoded.shape], [2, 3, 8]);
      alike(t, found, [
        ['code', 'wideCode'],
        ['code', 'own'],
        ['code', 'weighed'],
        ['decoded', 'wideDecoded'],
      ]);
    },
  );

  c('with the exact posterior of each class every weight is log p(x | y)', async (t) => {
    const [rows, K, width] = [12, 3, toy.bias.length];
    const plain = toyVae(exactly);
    const classNames = ['low', 'none', 'high'];
    const model = new Vae({ ...plain.model.config, classNames });
    // A class moves the data by so much, which the encoder takes off again.
    const shifts = Array.from({ length: width }, (_, d) => [-1 - 0.1 * d, 0, 2 + 0.2 * d]);
    const encoder = plain.values.get(plain.model.parameters()[0] as Variable) as Float32Array;
    const undone = Array.from({ length: 4 }, (_, j) =>
      classNames.map((_, y) =>
        shifts.reduce((to, own, d) => to - (encoder[j * width + d] as number) * (own[y] ?? 0), 0),
      ),
    );
    const given = new Map(
      plain.model.namedParameters().map(([name, p]) => [name, plain.values.get(p)]),
    );
    given.set('encoder.classes.weight', Float32Array.from(undone.flat()));
    given.set('decoder.classes.weight', Float32Array.from(shifts.flat()));
    const data = toyData(rows);
    const labels = Uint32Array.from({ length: rows }, (_, i) => i % 3);
    const moved = data.map(
      (v, i) => v + Number(shifts[i % width]?.[labels[Math.floor(i / width)] as number]),
    );
    const x = input('x', [rows, width]);
    const y = input('labels', [rows], 'u32');
    const values = new Map<Variable, ArrayLike<number>>([
      ...model.namedParameters().map(([name, p]) => [p, given.get(name) as Float32Array] as const),
      [x, moved],
      [y, labels],
    ]);
    const { logWeights } = importanceBound(model, { x, labels: y }, K);
    const got = await outputsOf(t, { logWeights }, values);
    const logP = Array.from({ length: rows }, (_, i) =>
      plain.exact.logProb(data.subarray(i * width, (i + 1) * width)),
    );
    const each = logP.flatMap((value) => [value, value, value]);
    // Some forty terms of a few nats in float32, and the rounding of what was moved.
    t.close(got.logWeights, each, { absolute: 2e-4 });
  });

  c('rows of known classes are heeded after rows of none, and the other way round', async (t) => {
    const [rows, shape] = [6, [4]];
    const model = buildModel(
      settledConfig({
        ...{ family: 'm2', latent: 2, likelihood: { kind: 'normal' } },
        ...{ encoder: { hidden: [3] }, decoder: { hidden: [3] }, classifier: { hidden: [3] } },
        data: { shape, classNames: ['low', 'none', 'high'] },
      }),
      3,
    );
    const data = Float32Array.from(reals('rows', rows * 4));
    const plain: RowSource = (start, end) => data.subarray(4 * start, 4 * end);
    const told = ofClasses(
      plain,
      Uint32Array.from({ length: rows }, (_, i) => i % 3),
    );
    const alone = (source: RowSource) =>
      withRuntime(t, async (runtime) => {
        const { mean } = await new Inference(runtime, model).encode(source, rows);
        return [...mean];
      });
    const [unknown, known] = [await alone(plain), await alone(told)];
    t.ok(unknown.join() !== known.join(), 'classes matter');
    for (const [first, second, expected] of [
      [plain, told, known],
      [told, plain, unknown],
    ] as const) {
      await withRuntime(t, async (runtime) => {
        const inference = new Inference(runtime, model);
        await inference.encode(first, rows);
        t.equal([...(await inference.encode(second, rows)).mean], expected);
      });
    }
  });

  c('what is told of a semi-supervised model is its bound, however training weighs it', (t) => {
    const rows = 3;
    const told = (objective: object) => {
      const model = buildModel(
        settledConfig({
          ...{ family: 'm2', latent: 2, objective, likelihood: { kind: 'bernoulli' } },
          ...{ encoder: { hidden: [3] }, decoder: { hidden: [3] }, classifier: { hidden: [3] } },
          data: { shape: [4], classNames: ['low', 'none', 'high'] },
        }),
        3,
      );
      const x = input('x', [rows, 4]);
      const values = new Map<Variable, ArrayLike<number>>([
        ...model.namedParameters().map(([name, p]) => [p, reals(name, p.size, -1, 1)] as const),
        [x, reals('bits', rows * 4, 0, 1)],
      ]);
      // A row that is asked about has no epoch.
      const quantities = model.can.quantities?.({ x }) ?? [];
      return referenceOf(Object.fromEntries(quantities.map(({ name, of }) => [name, of])), values);
    };
    const plain = told({});
    for (const objective of [{ beta: 4 }, { anneal: 'linear' }]) {
      const weighed = told(objective);
      t.equal([...(weighed.negativeElbo ?? [])], [...(plain.negativeElbo ?? [])], 'the bound');
      t.equal([...(weighed.kl ?? [])], [...(plain.kl ?? [])], 'the divergence');
    }
  });
});
