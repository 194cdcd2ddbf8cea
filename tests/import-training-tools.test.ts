import { describe, expect, test } from 'vitest';
import { type WritableTensor, writeSafetensors } from '../src/formats/safetensors.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, type Variable } from '../src/graph/variable.ts';
import { buildModel, type Vae } from '../src/models/index.ts';
import { evaluate } from '../src/ops/index.ts';
import { imported, numbers, plain, type Tensors, tensorsOf } from './support/state-dicts.ts';

describe('what training tools leave in a file', () => {
  const tensor = (shape: number[], data: readonly number[]): WritableTensor => ({
    shape,
    data: Float32Array.from(data),
  });
  /** encoder 3 → 4 → mean and log std of 2, decoder 2 → 4 → 3, with other tensors in place of some. */
  const net = (others: Record<string, WritableTensor | undefined>, metadata = {}) => {
    const shapes: Tensors = {
      'encoder.0.weight': [4, 3],
      'encoder.0.bias': [4],
      'encoder.3.weight': [4, 4],
      'encoder.3.bias': [4],
      'decoder.0.weight': [4, 2],
      'decoder.0.bias': [4],
      'decoder.2.weight': [3, 4],
      'decoder.2.bias': [3],
    };
    const kept = tensorsOf(shapes).filter(([name]) => !Object.hasOwn(others, name));
    const added = Object.entries(others).filter(
      (entry): entry is [string, WritableTensor] => entry[1] !== undefined,
    );
    return writeSafetensors([...kept, ...added], metadata);
  };
  const near = (found: ArrayLike<number>, expected: readonly number[]) => {
    expect(found.length).toBe(expected.length);
    expected.forEach((value, i) => {
      expect(Math.abs((found[i] as number) - value)).toBeLessThan(2 ** -22 * (1 + Math.abs(value)));
    });
  };
  const W = [3, 4, 0, 0, 5, 12, 1, 2, 2, -2, 0, 0];
  const weightOf = (others: Record<string, WritableTensor | undefined>) =>
    numbers(imported(net({ 'encoder.0.weight': undefined, ...others })), 'encoder.0.weight');

  test.each(['_g _v', 'parametrizations'])('weight norm by %s is folded: a norm a row', (kind) => {
    const names =
      kind === '_g _v'
        ? ['encoder.0.weight_g', 'encoder.0.weight_v']
        : [0, 1].map((i) => `encoder.0.parametrizations.weight.original${i}`);
    const [g = '', v = ''] = names;
    const norms = [5, 13, 3, 2];
    const expected = W.map(
      (x, i) => (x * (1 + Math.floor(i / 3))) / (norms[Math.floor(i / 3)] as number),
    );
    near(weightOf({ [g]: tensor([4, 1], [1, 2, 3, 4]), [v]: tensor([4, 3], W) }), expected);
  });

  test.each(['_orig', 'parametrizations'])('spectral norm by %s is folded: W / uᵀWv', (kind) => {
    const at = kind === '_orig' ? ['_orig', '_u', '_v'] : ['.original', '.0._u', '.0._v'];
    const base = kind === '_orig' ? 'encoder.0.weight' : 'encoder.0.parametrizations.weight';
    const parts = {
      [base + at[0]]: tensor([4, 3], W),
      [base + at[1]]: tensor([4], [0.5, 0.5, 0.5, 0.5]),
      [base + at[2]]: tensor([3], [0, 1, 0]),
    };
    const middle = (W[1] as number) + (W[4] as number) + (W[7] as number) + (W[10] as number);
    near(
      weightOf(parts),
      W.map((x) => x / (middle / 2)),
    );
  });

  test('spectral norm of the transpose is known by its vectors', () => {
    const parts = {
      'encoder.0.weight_orig': tensor([4, 3], W),
      'encoder.0.weight_u': tensor([3], [0, 1, 0]),
      'encoder.0.weight_v': tensor([4], [0.5, 0.5, 0.5, 0.5]),
    };
    const middle = (W[1] as number) + (W[4] as number) + (W[7] as number) + (W[10] as number);
    near(
      weightOf(parts),
      W.map((x) => x / (middle / 2)),
    );
    const { 'encoder.0.weight_v': _, ...without } = parts;
    const columns = [0, 1, 2, 3].map((i) => W[3 * i + 1] as number);
    near(
      weightOf(without),
      W.map((x) => x / Math.hypot(...columns)),
    );
    expect(() => weightOf({ ...parts, 'encoder.0.weight_u': tensor([2], [1, 0]) })).toThrow(
      /"encoder.0.weight_u" \[2\] and .* are not the singular vectors/,
    );
  });

  test('a bias of one row is a bias', () => {
    const found = imported(net({ 'encoder.0.bias': tensor([1, 4], [1, 2, 3, 4]) }));
    expect(numbers(found, 'encoder.0.bias')).toEqual([1, 2, 3, 4]);
    expect(() => imported(net({ 'encoder.0.bias': tensor([2, 2], [1, 2, 3, 4]) }))).toThrow(
      /"encoder.0.bias" \[2,2\] is not the bias/,
    );
  });

  test('pruning is folded, other parametrisations are named', () => {
    const mask = W.map((_, i) => i % 2);
    near(
      weightOf({
        'encoder.0.weight_orig': tensor([4, 3], W),
        'encoder.0.weight_mask': tensor([4, 3], mask),
      }),
      W.map((x, i) => x * (i % 2)),
    );
    expect(() =>
      weightOf({
        'encoder.0.parametrizations.weight.original': tensor([4, 3], W),
        'encoder.0.parametrizations.weight.0.base': tensor([4, 3], W),
      }),
    ).toThrow(/remove_parametrizations\(model\.encoder\[0\], 'weight'\)/);
  });

  test.each([1, 2])('batch normalisation at place %i of a Sequential is folded', (place) => {
    const [gamma, beta, mean, variance] = [
      [1, 2, -1, 0.5],
      [0.1, 0.2, 0.3, 0.4],
      [1, -1, 2, 0],
      [4, 1, 0.25, 9],
    ];
    const base = `encoder.${place}`;
    const found = imported(
      net({
        [`${base}.weight`]: tensor([4], gamma as number[]),
        [`${base}.bias`]: tensor([4], beta as number[]),
        [`${base}.running_mean`]: tensor([4], mean as number[]),
        [`${base}.running_var`]: tensor([4], variance as number[]),
      }),
    );
    const scale = (gamma as number[]).map(
      (x, i) => x / Math.sqrt((variance?.[i] as number) + 1e-5),
    );
    const shift = (beta as number[]).map(
      (x, i) => x - (mean?.[i] as number) * (scale[i] as number),
    );
    if (place === 1) {
      const [w, b] = [plain('encoder.0.weight', 12), plain('encoder.0.bias', 4)];
      near(
        numbers(found, 'encoder.0.weight'),
        [...w].map((x, i) => x * (scale[Math.floor(i / 3)] as number)),
      );
      near(
        numbers(found, 'encoder.0.bias'),
        [...b].map((x, i) => x * (scale[i] as number) + (shift[i] as number)),
      );
    } else {
      const [w, b] = [plain('encoder.3.weight', 16), plain('encoder.3.bias', 4)];
      near(
        numbers(found, 'encoder.1.weight'),
        [...w].map((x, i) => x * (scale[i % 4] as number)),
      );
      near(
        numbers(found, 'encoder.1.bias'),
        [...b].map((x, i) => shift.reduce((sum, s, j) => sum + s * (w[4 * i + j] as number), x)),
      );
    }
    expect(found.assumed.join()).toContain(
      `${base} is batch normalisation that ${place === 1 ? 'follows encoder.0' : 'precedes encoder.3'}, eps 0.00001`,
    );
  });

  test('normalisation that is given a place stays a layer', () => {
    const bytes = net({
      'bn.weight': tensor([4], [1, 2, -1, 0.5]),
      'bn.bias': tensor([4], [0.1, 0.2, 0.3, 0.4]),
      'bn.running_mean': tensor([4], [1, -1, 2, 0]),
      'bn.running_var': tensor([4], [4, 1, 0.25, 9]),
    });
    const folded = imported(bytes, { rename: ['encoder.0=encoder.0', 'bn=encoder.0'] });
    const kept = imported(bytes, { rename: ['bn=encoder.norms.0'] });
    expect(kept.config.encoder.norm).toBe('batch');
    expect(kept.config.decoder.norm).toBe('none');
    const codes = [folded, kept].map(({ config, values, buffers }) => {
      const model = buildModel(config) as Vae;
      const x = input('x', [2, 3]);
      const own = (list: [string, Variable][], from: ReadonlyMap<Variable, Float32Array>) => {
        const all = [...from.values()];
        return list.map(([, v], i) => [v, all[i] as Float32Array] as const);
      };
      const given = new Map<Tensor, ArrayLike<number>>([
        ...own(model.namedParameters(), values),
        ...own(model.namedBuffers(), buffers),
        [x, [0.3, -1, 2, 1.5, 0.2, -0.7]],
      ]);
      return [...(evaluate([model.numbers({ x })], given)[0]?.data ?? [])];
    });
    near(codes[1] as number[], codes[0] as number[]);
    const layer = net({
      'ln.weight': tensor([4], [1, 2, 3, 4]),
      'ln.bias': tensor([4], [1, 2, 3, 4]),
    });
    expect(imported(layer, { rename: ['ln=encoder.norms.0'] }).config.encoder.norm).toBe('layer');
    const half = net({ 'bn.running_mean': tensor([4], [1, 2, 3, 4]) });
    expect(() => imported(half, { rename: ['bn=encoder.norms.0'] })).toThrow(
      /no tensor becomes encoder\.norms\.0\.weight/,
    );
  });

  test('modules without tensors are told, a variance below 0 is refused', () => {
    const { assumed } = imported(net({}));
    expect(assumed.join()).toMatch(/2 modules without tensors between encoder\.0 and encoder\.3 /);
    const weight = { 'encoder.1.weight': tensor([4], [1, 1, 1, 1]) };
    const norm = {
      ...{ ...weight, 'encoder.1.bias': tensor([4], [0, 0, 0, 0]) },
      'encoder.1.running_mean': tensor([4], [0, 0, 0, 0]),
      'encoder.1.running_var': tensor([4], [1, 1, 1, 1]),
    };
    expect(imported(net(norm)).assumed.join()).not.toContain('without tensors');
    const wrong = { ...norm, 'encoder.1.running_var': tensor([4], [1, -1, 1, 1]) };
    expect(() => imported(net(wrong))).toThrow(/running_var" holds -1 at element 1/);
  });

  test('normalisation without running statistics is refused, with the way', () => {
    const bytes = net({
      'encoder.1.weight': tensor([4], [1, 2, 3, 4]),
      'encoder.1.bias': tensor([4], [1, 2, 3, 4]),
    });
    expect(() => imported(bytes)).toThrow(
      /"encoder\.1\.weight" \[4\] is that of a normalisation .*LayerNorm.*encoder\.norms\.0.*BatchNorm1d, which is folded/,
    );
    expect(imported(bytes, { rename: ['encoder.1='] }).dropped).toEqual([
      'encoder.1.weight',
      'encoder.1.bias',
    ]);
  });

  test('a tied tensor stands under both names, transposed where its bias says so', () => {
    const bytes = net(
      { 'decoder.2.weight': undefined },
      { format: 'pt', 'decoder.2.weight': 'encoder.0.weight' },
    );
    const found = imported(bytes);
    const w = plain('encoder.0.weight', 12);
    expect([...numbers(found, 'decoder.1.weight')]).toEqual(
      [0, 1, 2].flatMap((j) => [0, 1, 2, 3].map((i) => w[3 * i + j])),
    );
    expect(found.mapped.find(({ from }) => from === 'decoder.2.weight')?.how).toEqual([
      'transposed',
      'tied to encoder.0.weight',
    ]);
  });

  test('wrappers are taken off wherever they stand; two nets of one name are refused', () => {
    const found = imported(
      net({
        'encoder.0.weight': undefined,
        'module.encoder._orig_mod.0.weight': tensor([4, 3], W),
        n_averaged: tensor([], [7]),
      }),
    );
    expect([...numbers(found, 'encoder.0.weight')]).toEqual(W);
    expect(found.dropped).toEqual(['n_averaged']);
    const told = imported(net({ n_averaged: tensor([], [7]) }), { rename: ['n_averaged='] });
    expect(told.dropped).toEqual(['n_averaged']);
    expect(() => imported(net({ 'module.encoder.0.weight': tensor([4, 3], W) }))).toThrow(
      /are one name without what torch\.compile/,
    );
  });
});
