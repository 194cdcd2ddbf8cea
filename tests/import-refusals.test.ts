import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLatentGpuError } from '../src/errors.ts';
import { ownWeights } from '../src/interchange/own-weights.ts';
import { type Imported, importStateDict } from '../src/interchange/state-dict.ts';
import {
  type Asked,
  EXAMPLES,
  file,
  imported,
  OWN,
  RENAME,
  type Tensors,
  typed,
  without,
} from './support/state-dicts.ts';

describe('what cannot be imported is one line', () => {
  const bn = { ...EXAMPLES, 'bn.running_mean': [3], 'bn.running_var': [3] };
  const cases: [string, Tensors, Asked, RegExp][] = [
    [
      'no mapping',
      EXAMPLES,
      {},
      /"fc1\.weight", .* and 6 more have no place .*--rename fc1=encoder\.0/,
    ],
    [
      'what stands beside the weight of a layer',
      { ...OWN, 'decoder.0.weight_scale': [1] },
      {},
      /--rename decoder\.0\.weight_scale=decoder\.0\.weight or .* with --rename decoder\.0\.weight_scale=$/,
    ],
    [
      'a kernel in its place',
      { ...without(OWN, 'encoder.0.weight'), 'encoder.0.kernel': [4, 3] },
      {},
      /--rename encoder\.0\.kernel=encoder\.0\.weight or/,
    ],
    [
      'a layer with a name behind those with numbers',
      { ...OWN, 'decoder.out.weight': [4, 4], 'decoder.out.bias': [4] },
      {},
      /--rename decoder\.out=decoder\.\d or .* with --rename decoder\.out=$/,
    ],
    [
      'left over',
      bn,
      { rename: RENAME },
      /"bn" is batch normalisation of 3 channels; give it the place of the layer right before it/,
    ],
    [
      'a name too many',
      EXAMPLES,
      { rename: [...RENAME, 'fc5=decoder.2'] },
      /no tensor "fc5"; did you mean "fc\d"/,
    ],
    [
      'an unknown target',
      EXAMPLES,
      { rename: ['fc1=encodr.0'] },
      /"fc1\.weight" cannot become "encodr\.0\.weight"/,
    ],
    [
      'half a head',
      EXAMPLES,
      { rename: [...RENAME.filter((t) => !t.includes('Var')), 'fc22='] },
      /go together/,
    ],
    [
      'two heads in one',
      EXAMPLES,
      { rename: RENAME.map((t) => t.replace('logVar', 'mean')) },
      /both become encoder\.mean\.weight/,
    ],
    [
      'no decoder',
      EXAMPLES,
      { rename: [...RENAME.slice(0, 3), 'fc3=', 'fc4='] },
      /layer of the decoder/,
    ],
    [
      'order',
      EXAMPLES,
      { rename: [...RENAME.slice(0, 3), 'fc3=decoder.1', 'fc4=decoder.0'] },
      /are they in order/,
    ],
    [
      'a bias alone',
      without(OWN, 'decoder.1.weight'),
      {},
      /decoder\.1 has a bias \("decoder\.1\.bias"\) and no weight/,
    ],
    ['a layout', { ...OWN, 'encoder.0.weight': [4, 3] }, {}, /\[in, out\] \(--transpose\)/],
    [
      'a convolution',
      { ...OWN, 'encoder.0.weight': [3, 4, 1, 1] },
      {},
      /not the weight of a fully connected layer/,
    ],
    [
      'codes of another size',
      { ...OWN, 'encoder.1.weight': [3, 3], 'encoder.1.bias': [3] },
      {},
      /codes of 2 numbers, so the encoder must give 4/,
    ],
    ['another shape', OWN, { shape: [5] }, /--shape 5: f has an encoder of 4 features/],
    [
      'a wide decoder',
      { ...OWN, 'decoder.1.weight': [8, 3], 'decoder.1.bias': [8] },
      {},
      /gives 8 numbers for 4 features; say what they are/,
    ],
    [
      'no deviation',
      OWN,
      { set: ['likelihood.kind=normal', 'likelihood.sigma=shared'] },
      /no tensor becomes likelihood\.logStd.*sigma=fixed/,
    ],
    [
      'a deviation too many',
      { ...OWN, 'likelihood.logStd': [1] },
      { set: ['likelihood.kind=bernoulli'] },
      /for which the configuration has no place/,
    ],
    [
      'against the tensors',
      OWN,
      { set: ['latent=3'] },
      /encoder\.1\.weight as \[4, 3\]; the configuration asks for \[6, 3\]/,
    ],
    ['another family', OWN, { family: 'ae' }, /as \[4, 3\]; the configuration asks for \[2, 3\]/],
    ['no rule', OWN, { rename: ['fc1'] }, /"fc1" is not from=to/],
    ['no map', OWN, { map: '[1]' }, /map: not an object/],
    ['a broken map', OWN, { map: '{' }, /map: not JSON/],
    ['a map of numbers', OWN, { map: '{ "encoder.0": 1 }' }, /"encoder\.0" must map to a name/],
    ['no tensors', {}, {}, /layer of the encoder/],
  ];
  test.each(cases)('%s', (_, shapes, asked, why) => {
    let message = '';
    try {
      imported(file(shapes), asked);
    } catch (error) {
      expect((error as Error).name).toBe('LatentGpuError');
      message = (error as Error).message;
    }
    expect(message).toMatch(why);
    expect(message).not.toContain('\n');
  });

  test.each([
    ['beyond float32', 'F64', Float64Array.of(1e300), /holds Infinity as float32 at element 0/],
    [
      'not a number',
      'F32',
      Float32Array.of(Number.NaN),
      /"encoder\.0\.weight" holds NaN at element 0/,
    ],
    [
      'beyond float16',
      'F16',
      Uint16Array.of(0xfc00),
      /holds -Infinity at element 0; float16 goes to ±65504: save the numbers as float32 or bfloat16/,
    ],
    ['whole numbers', 'I64', BigInt64Array.of(1n), /is of type I64/],
  ])('%s', (_, dtype, element, why) => {
    expect(() => imported(typed(dtype, OWN, element))).toThrow(why);
  });

  test('what torch.save writes', () => {
    const archive = '504b0506'.padEnd(44, '0');
    for (const start of [archive, '80028a0a6cfc9c46'.padEnd(216, '0')]) {
      const bytes = Uint8Array.from(Buffer.from(start, 'hex'));
      expect(() => imported(bytes)).toThrow('safetensors.torch.save_file');
    }
  });

  test.each([
    ['Keras', '894844460d0a1a0a', /is an HDF5 file, as Keras writes/],
    ['llama.cpp', '4747554603000000', /is a GGUF file/],
    ['torch.onnx', '080812077079746f', /is an ONNX file/],
    ['gzip', '1f8b080000000000', /is gzipped/],
    ['Git without LFS', Buffer.from('version https://git-lfs').toString('hex'), /Git LFS/],
    ['a page', Buffer.from('\n<!DOCTYPE html>').toString('hex'), /is HTML/],
    ['numpy, cut short,', '504b030400000808', /cut short \(the list at the end/],
  ])('what %s writes is told by its name', (_, start, why) => {
    const bytes = Uint8Array.from([...Buffer.from(start, 'hex'), ...new Uint8Array(100)]);
    expect(() => imported(bytes)).toThrow(why);
    expect(() => ownWeights(bytes, 'f')).toThrow(why);
  });

  test('one of several files of a model is told as such', () => {
    const bytes = file({ 'encoder.0.weight': [3, 4], 'encoder.0.bias': [3] });
    const description = { family: 'vae', shape: undefined, given: new Map() };
    const request = (name: string) => ({
      ...{ bytes, file: name, rules: [], transpose: false, description },
    });
    expect(() => importStateDict(request('model-00001-of-00002.safetensors'))).toThrow(
      /is one of several .* \(model\.safetensors\.index\.json\), or join them: load each/,
    );
    expect(() => importStateDict(request('model-00001-of-00001.safetensors'))).toThrow(
      /no tensor becomes a layer of the decoder/,
    );
  });

  test('a length that looks like another format does not matter', () => {
    // 0x120808 bytes of header begin as ONNX does.
    const header = JSON.stringify({ __metadata__: null }).padEnd(0x120808);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setUint32(0, header.length, true);
    bytes.set(new TextEncoder().encode(header), 8);
    expect(ownWeights(bytes, 'f')).toBeUndefined();
  });
});

describe('whatever a file holds, it becomes a whole model or one clear line', () => {
  /** A hundred times as many with `LATENTGPU_FUZZ=100`. */
  const RUNS = 2000 * Number(process.env.LATENTGPU_FUZZ ?? 1);

  /** Whether it was imported. */
  function survives(bytes: Uint8Array, asked: Asked): boolean {
    let found: Imported;
    try {
      found = imported(bytes, asked);
    } catch (error) {
      if (!isLatentGpuError(error)) throw error;
      return false;
    }
    for (const [{ name, size }, data] of found.values) {
      expect(data.length, name).toBe(size);
      expect(data.every(Number.isFinite), name).toBe(true);
      // Nobody gets more memory than the file has paid for.
      expect(data.byteLength, name).toBeLessThanOrEqual(bytes.length);
    }
    return true;
  }

  test(`${RUNS} files with tensors changed, missing and added`, () => {
    const extent = fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 2 ** 31);
    const change = fc.record({
      name: fc.constantFrom(
        ...Object.keys(OWN),
        ...[
          'likelihood.logStd',
          'standardize.mean',
          'encoder.mean.weight',
          'encoder.logVar.weight',
        ],
        ...['encoder.9.weight', 'decoder.logStd.bias', 'bn.running_mean', '__proto__', ''],
      ),
      shape: fc.option(fc.array(extent, { maxLength: 3 })),
    });
    const asked = fc.record({
      rename: fc.subarray(['bn=', 'encoder.1=encoder.mean+logVar', 'decoder.1=decoder.7']),
      set: fc.subarray(['likelihood.kind=normal', 'latent=2', 'encoder.hidden=3']),
      transpose: fc.boolean(),
      family: fc.constantFrom('vae', 'ae', undefined),
      shape: fc.constantFrom([4], [2, 2], undefined),
    });
    let whole = 0;
    const check = (changes: { name: string; shape: number[] | null }[], how: Asked) => {
      const shapes = new Map(Object.entries(OWN));
      for (const { name, shape } of changes) {
        const size = shape?.reduce((a, b) => a * b, 1) ?? 0;
        // A size that a file can have, whatever its extents say.
        if (shape && size <= 1000) shapes.set(name, shape);
        else shapes.delete(name);
      }
      if (survives(typed('F32', Object.fromEntries(shapes), Float32Array.of(0.5)), how)) whole++;
    };
    fc.assert(fc.property(fc.array(change, { maxLength: 3 }), asked, check), { numRuns: RUNS });
    // Or it would have tested nothing but refusals.
    expect(whole).toBeGreaterThan(RUNS / 100);
  });
});
