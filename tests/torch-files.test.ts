// What torch.save writes: the tensors of a state_dict, a module or a checkpoint, read without running anything.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LatentGpuError } from '../src/errors.ts';
import { PickledObject, unpickle } from '../src/formats/pickle.ts';
import { isTorchFile, readTorchFile, type TorchFile } from '../src/formats/torch-file.ts';
import { variable } from '../src/graph/variable.ts';
import { parseRule } from '../src/interchange/rules.ts';
import { importStateDict } from '../src/interchange/state-dict.ts';
import { readWeights } from '../src/models/index.ts';
import * as nn from '../src/nn/index.ts';
import { refusalOf } from './support/refusal.ts';

const FOLDER = join(import.meta.dirname, 'fixtures', 'torch-files');
const file = async (name: string) => new Uint8Array(await readFile(join(FOLDER, `${name}.pt`)));
const read = async (name: string) => readTorchFile(await file(name), `${name}.pt`);
type Numbers = Record<string, [number[], number[]]>;
const numbers = JSON.parse(await readFile(join(FOLDER, 'numbers.json'), 'utf8')) as Record<
  'state' | 'views',
  Numbers
>;

/** As the fixture has them. */
const numbersOf = ({ tensors }: TorchFile): Numbers =>
  Object.fromEntries(
    [...tensors].map(([name, { shape, data, doubles }]) => [
      name,
      [shape, Array.from(doubles ?? (data as ArrayLike<number | bigint>), Number)],
    ]),
  );

describe('files of torch.save', () => {
  test.each([
    ['state', undefined],
    ['checkpoint', 'model_state_dict'],
    ['module', undefined],
  ])('a %s has the tensors of its state_dict', async (name, within) => {
    const found = await read(name);
    expect(found.within).toBe(within);
    expect(numbersOf(found)).toEqual(numbers.state);
  });

  test.each(['views', 'old'])(
    'tensors of every type, parts and turns of others among them (%s)',
    async (name) => {
      const found = await read(name);
      expect(numbersOf(found)).toEqual(numbers.views);
      expect([...found.tensors].map(([, { dtype }]) => dtype)).toEqual([
        ...['F32', 'F32', 'F32', 'F32', 'F32', 'F32', 'F16', 'BF16'],
        ...['F64', 'I64', 'U8', 'BOOL', 'F32', 'F32'],
      ]);
    },
  );

  test("weights of a module of one's own are read from one", async () => {
    class Own extends nn.Module {
      override children(): [string, unknown][] {
        return Object.entries(numbers.state).map(([name, [shape]]) => [
          name,
          variable(name, shape, { role: 'parameter' }),
        ]);
      }
    }
    const { values } = readWeights(new Own(), await file('state'), 'state.pt');
    const found = [...values].map(([{ name, shape }, own]) => [name, [shape, [...own]]]);
    expect(Object.fromEntries(found)).toEqual(numbers.state);
    const other = new nn.Linear(2, 3);
    const bytes = await file('state');
    expect(() => readWeights(other, bytes, 'state.pt')).toThrow(
      /'weight' is missing; the model asks for it with shape \[3, 2\]; beside, the file has scale, /,
    );
  });

  test('state_dicts of parts are one', async () => {
    const { scale: _, ...expected } = numbers.state;
    expect(numbersOf(await read('parts'))).toEqual(expected);
  });

  test.each(['state', 'checkpoint', 'module', 'wrapped'])('%s is imported', async (name) => {
    const imported = importStateDict({
      ...{ bytes: await file(name), file: `${name}.pt`, transpose: false },
      rules: [parseRule('scale=', '--rename')],
      description: { family: 'ae', shape: undefined, given: new Map() },
    });
    expect(imported.config).toMatchObject({ family: 'ae', latent: 2, data: { shape: [6] } });
    expect(imported.within).toBe(name === 'checkpoint' ? 'model_state_dict' : undefined);
    const [, weight] = numbers.state['decoder.2.weight'] as [number[], number[]];
    const found = [...imported.values].find(([{ name: own }]) => own === 'decoder.1.weight');
    expect(Array.from(found?.[1] ?? [])).toEqual(weight);
  });

  test('that hold no weights are refused', async () => {
    expect(refusalOf(() => readTorchFile(new Uint8Array(4), 'x.pt'))).toMatch(/x\.pt: cut short/);
    const why = async (name: string) => {
      const bytes = await file(name);
      return refusalOf(() => readTorchFile(bytes, `${name}.pt`));
    };
    expect(await why('none')).toBe(
      'bad-format: none.pt: holds no tensors; save model.state_dict()',
    );
    expect(await why('sparse')).toMatch(
      /tensor "w" is of a kind that is not read \(torch\._utils\._rebuild_sparse_tensor\)/,
    );
    expect(await why('script')).toMatch(/is a TorchScript program; .*\.state_dict\(\), FILE\)$/);
    expect(isTorchFile(await file('script'))).toBe(true);
  });

  test.each(['state', 'old'])('damaged ones (%s) give tensors or one clear line', async (name) => {
    const whole = await file(name);
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647);
    for (let run = 0; run < 1500; run++) {
      const bytes = whole.slice(0, run % 5 === 0 ? random() % whole.length : whole.length);
      bytes[random() % bytes.length] = random() % 256;
      refusalOf(() => {
        for (const { shape, data } of readTorchFile(bytes, 'd.pt').tensors.values())
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
      });
    }
  });
});

describe('pickles', () => {
  const bad = (why: string) => new LatentGpuError('bad-format', why);
  const unpickled = (...parts: (string | number[])[]): unknown =>
    unpickle(
      Uint8Array.from(
        parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)),
      ),
      bad,
    ).value;

  test('call nothing', () => {
    const found = unpickled('cos\nsystem\n(Vrm -rf /\ntR.');
    expect(found).toBeInstanceOf(PickledObject);
    expect(found).toMatchObject({ of: 'os.system', args: ['rm -rf /'] });
  });

  test('of every protocol hold the same', () => {
    const same = [1, -2, 1.5, 'é', null, true];
    expect(unpickled('(lp0\nI1\naI-2\naF1.5\naV\u00e9\naNa', [0x88], 'a.')).toEqual(same);
    const numbers = ['(K', [1], 'J', [254, 255, 255, 255], 'G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0]];
    const text = [[0x8c, 2, 0xc3, 0xa9], 'N', [0x88], 'e.'];
    const frame = [0x95, 0, 0, 0, 0, 0, 0, 0, 0];
    expect(unpickled([0x80, 4, ...frame], ']', [0x94], ...numbers, ...text)).toEqual(same);
  });

  test('that are damaged are refused', () => {
    for (const text of ['', '.', 'R.', 'h\u0001.', 'X\u0001', '(', 't.'])
      expect(refusalOf(() => unpickled(text))).toMatch(/^bad-format: damaged \(its pickle: /);
  });
});
