/** Which views a model has: by what it can do and the data at hand, whatever family it is of. */
import { describe, expect, test } from 'vitest';
import type { Abilities, Asked } from '../src/models/index.ts';
import { viewsOf } from '../src/report/views/index.ts';
import { Scene, type Sitters } from '../src/report/views/scene.ts';

const code = {};
const decode = {};
const draw = { controls: {} };
const VAE = { code, decode: { draw: true }, draw, logWeights: { exact: false } };
const FLOW = {
  code,
  decode,
  draw: { controls: { temperature: {} } },
  logWeights: { exact: true },
  bijection: {},
};

function titles(can: object, shape: readonly number[], rows = 0, more: Partial<Sitters> = {}) {
  const features = shape.reduce((a, b) => a * b, 1);
  const asked = { model: { can: can as Abilities, features } } as Asked;
  const look = { shape, standardization: undefined };
  const sitters = { dataset: { count: rows }, ...more } as Sitters;
  const scene = new Scene({ asked, look, seed: 0, ...(rows > 0 && { sitters }) });
  return viewsOf(scene).map(({ title }) => title);
}

describe('views', () => {
  test('of a model with codes, decoder and prior', () => {
    const all = ['Samples', 'Reconstructions', 'Codes', 'Interpolation'];
    expect(titles(VAE, [4, 4], 9)).toEqual(all);
    expect(titles(VAE, [5], 9)).toEqual(all);
    expect(titles(VAE, [2], 9)).toEqual(all);
    expect(titles(VAE, [4, 4], 1)).toEqual(['Samples', 'Reconstructions', 'Codes']);
    expect(titles(VAE, [4, 4])).toEqual(['Samples']);
    expect(titles({ code, decode }, [4, 4], 9)).toEqual(all.slice(1));
  });

  test('of a bijection', () => {
    expect(titles(FLOW, [4, 4], 9)).toEqual(['Data', 'Samples', 'Cooler samples', 'Interpolation']);
    expect(titles(FLOW, [4, 4])).toEqual(['Samples', 'Cooler samples']);
    expect(titles(FLOW, [5], 9)).toEqual(['Samples', 'Interpolation']);
    expect(titles(FLOW, [2], 9)).toEqual(['Samples', 'Density', 'Deformed grid', 'Noise']);
    expect(titles(FLOW, [2])).toEqual(['Samples', 'Density', 'Deformed grid']);
  });

  test('of what no family here is: an exact density with codes, and nothing but draws', () => {
    const exact = { code, decode, draw, logWeights: { exact: true } };
    expect(titles(exact, [2], 9)).toEqual([
      ...['Samples', 'Reconstructions', 'Codes', 'Interpolation', 'Density'],
    ]);
    expect(titles({ decode, draw }, [4, 4], 9)).toEqual(['Data', 'Samples']);
    expect(titles({}, [4, 4], 9)).toEqual(['Data']);
    expect(titles({}, [4])).toEqual([]);
  });

  test('codes of training rows are not shown for others', () => {
    const free = { ...VAE, trainingRows: 9 };
    expect(titles(free, [5], 9)).toEqual(['Samples']);
    expect(titles(free, [5], 9, { isUnseen: false })).toEqual(titles(VAE, [5], 9));
  });
});
