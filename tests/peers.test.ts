/** What judges the peers: the float64 reference, the checks and the tables. No peer is needed. */
import { describe, expect, it } from 'vitest';
import { bits, FLOW, layers, normals, VAE } from '../bench/peers/inputs.ts';
import { flowDensity, recurrentLoss, train, vaeLoss } from '../bench/peers/reference/models.ts';
import { type Matrix, matrix, mean } from '../bench/peers/reference/tape.ts';
import { WORKS, type Work } from '../bench/peers/rows.ts';
import { checkResults, checkTimed } from '../bench/peers/run/check.ts';
import { formatMarkdown } from '../bench/peers/run/markdown.ts';
import { type Cell, FALLBACK, type PeerReport, SELF } from '../bench/peers/run/report.ts';
import { ratioOfMedians, summarize } from '../src/bench/statistics.ts';

type Pair = readonly [Matrix, Matrix];

const net = (name: string, widths: number[]): Pair[] =>
  layers(name, widths).map(({ from, to, weight, bias }) => [
    matrix(from, to, weight),
    matrix(1, to, bias),
  ]);

/** The tape's gradient against central differences, at a few places of every parameter. */
function expectGradient(parameters: readonly Matrix[], loss: () => Matrix): void {
  for (const { grad } of parameters) grad.fill(0);
  loss().backward();
  const h = 1e-6;
  for (const { data, grad } of parameters) {
    for (let i = 0; i < data.length; i += Math.ceil(data.length / 5)) {
      const at = data[i] as number;
      const value = (x: number) => {
        data[i] = x;
        return loss().data[0] as number;
      };
      const slope = (value(at + h) - value(at - h)) / (2 * h);
      data[i] = at;
      expect(Math.abs((grad[i] as number) - slope)).toBeLessThan(1e-6 * (1 + Math.abs(slope)));
    }
  }
}

describe('the reference of the peer benchmark', () => {
  it.each([1, 3])('differentiates the bounds, %i samples', (samples) => {
    const encoder = net('e', [6, 5, 2 * VAE.latent]);
    const decoder = net('d', [VAE.latent, 5, 6]);
    const x = matrix(4, 6, bits('x', 4, 6));
    const noise = matrix(4 * samples, VAE.latent, normals('n', 4 * samples * VAE.latent));
    const parameters = [...encoder, ...decoder].flat();
    expectGradient(parameters, () => vaeLoss(x, noise, samples, encoder, decoder));
  });

  it('differentiates the flow, in both orders of its halves', () => {
    const half = FLOW.features / 2;
    const nets = [0, 1].map((i) => net(`c${i}`, [half, 4, 2 * half]));
    const rows = matrix(3, FLOW.features, normals('r', 3 * FLOW.features));
    expectGradient(nets.flat(2), () => mean(flowDensity(rows, nets)));
  });

  it('differentiates recurrent units through time', () => {
    const pairs = [
      [1, 9],
      [3, 9],
      [3, 1],
    ].map((widths, i) => net(`u${i}`, widths)[0] as Pair);
    const series = [0, 1, 2, 3].map((t) => matrix(2, 1, normals(`s${t}`, 2)));
    expectGradient(pairs.flat(), () => recurrentLoss(series, pairs as [Pair, Pair, Pair]));
  });

  it("takes Adam's first step by the gradient's sign", () => {
    const p = matrix(1, 2, [1, -2]);
    const { losses, parameters } = train([p], 1, () => {
      const loss = mean(p);
      return loss;
    });
    expect([...(losses as Float64Array)]).toEqual([-0.5]);
    expect((parameters as Float64Array)[0]).toBeCloseTo(0.999, 9);
    expect((parameters as Float64Array)[1]).toBeCloseTo(-2.001, 9);
  });
});

describe('the checks of the peer benchmark', () => {
  const reference = {
    losses: Float64Array.of(10, 9),
    start: Float64Array.of(0, 0, 0),
    parameters: Float64Array.of(0.001, -0.001, 0.002),
  };
  const sent = (losses: number[], parameters: number[]) =>
    new Map([
      ['losses', Float32Array.from(losses)],
      ['parameters', Float32Array.from(parameters)],
    ]);

  it('accept rounding', () => {
    const results = sent([10.0001, 9], [0.001, -0.001, 0.00201]);
    expect(checkResults(results, reference, 1e-4).wrong).toBeUndefined();
  });

  it.each([
    ['another loss', [10.1, 9], [0.001, -0.001, 0.002], 'losses'],
    ['a loss that is no number', [Number.NaN, 9], [0.001, -0.001, 0.002], 'losses'],
    ['a gradient of the wrong sign', [10, 9], [0.001, 0.001, 0.002], 'parameters'],
    ['no update', [10, 9], [0, 0, 0], 'parameters'],
    ['too few numbers', [10, 9], [0.001], 'parameters is 1 numbers'],
  ])('refuse %s', (_, losses, parameters, named) => {
    expect(checkResults(sent(losses, parameters), reference, 1e-4).wrong).toContain(named);
  });

  it('look at what was timed', () => {
    const work = (kind: Work['kind']) => WORKS.find((each) => each.kind === kind) as Work;
    expect(checkTimed(work('training'), [8], reference, 100)).toBeUndefined();
    expect(checkTimed(work('training'), [11], reference, 100)).toContain('the loss is 11');
    expect(checkTimed(work('training'), [Number.NaN], reference, 100)).toContain('NaN');
    expect(checkTimed(work('sampling'), [0.1, 0.9], { images: Float64Array.of(1) }, 1)).toBe(
      undefined,
    );
    expect(checkTimed(work('sampling'), [0, 0], { images: Float64Array.of(1) }, 1)).toBeDefined();
    const chain = { y: Float64Array.of(1, 2) };
    expect(checkTimed(work('chain'), [1, 2], chain, 1)).toBeUndefined();
    expect(checkTimed(work('chain'), [1, 2.1], chain, 1)).toBeDefined();
  });
});

describe('the tables of the peer benchmark', () => {
  const own = [10, 11, 12];
  const measured = (label: string, samples: number[]): Cell => ({
    label,
    state: 'measured',
    samples,
    summary: summarize(samples),
    ...(label !== SELF && { ratio: ratioOfMedians(samples, own).ratio }),
  });
  const engine = (peer: string, backend: 'webgpu' | 'wasm') => ({
    label: `${peer} ${backend}`,
    peer,
    backend,
    version: '1',
  });
  const report: PeerReport = {
    date: '2026-01-02T00:00:00Z',
    adapter: 'an adapter',
    browser: 'Chrome/1',
    machine: { processor: 'a processor', cores: 2, load: [0, 1] },
    secondsPerCell: 1,
    engines: [
      engine('latentgpu', 'webgpu'),
      engine('a', 'webgpu'),
      engine('b', 'wasm'),
      engine('latentgpu', 'wasm'),
    ],
    rows: [
      {
        row: 1,
        name: 'work',
        unit: 'ms',
        aim: { ratio: 2 },
        cells: [
          measured(SELF, own),
          measured('a webgpu', [33]),
          measured('b wasm', [2]),
          measured(FALLBACK, [2.5]),
        ],
      },
      {
        row: 2,
        name: 'more',
        unit: 'ms',
        aim: { ratio: 2 },
        cells: [
          measured(SELF, own),
          { label: 'a webgpu', state: 'wrong', reason: 'y is off', samples: [] },
        ],
      },
      {
        row: 3,
        name: 'bytes',
        unit: 'MiB',
        aim: { most: 12 },
        cells: [measured(SELF, [11]), measured('a webgpu', [10])],
      },
    ],
  };
  const text = formatMarkdown(report);

  it('have a row of medians with quartiles, and the ratio beside what is aimed at', () => {
    expect(text).toContain('| 1. work, ms | 11.0 (10.5–11.5) | 33.0 | 2.00 | 2.50 |');
    expect(text).toMatch(/\| work \| a webgpu \| 3\.00× \(2\.75–3\.30\) \| ≥ 2× \| yes \|/);
    expect(text).toMatch(/\| more \| – \| – \| ≥ 2× \| – \|/);
    expect(text).toMatch(/\| bytes \| a webgpu \| .* \| ≤ 12 MiB \| yes \|/);
  });

  it('give no time to what is wrong, but the reason', () => {
    expect(text).toContain('| 2. more, ms | 11.0 (10.5–11.5) | wrong [1] |  |  |');
    expect(text).toContain('[1] more, a webgpu: wrong: y is off');
  });

  it('leave the columns of a GPU empty where there was none', () => {
    expect(text).not.toContain('on a GPU');
    const software = formatMarkdown({ ...report, adapter: 'google swiftshader' });
    expect(software).toContain('| ratio on a GPU | reached on a GPU |');
    expect(software).toMatch(/\| work \| a webgpu \| .* \| yes \| {2}\| {2}\|/);
    expect(software).toContain('On a GPU: not measured: no GPU at hand.');
  });

  it('hold the small runtime without WebGPU against the fastest peer that needs none', () => {
    expect(text).toContain('| work | 2.50 | b wasm 2.00 | 1.25× | yes |');
  });

  it('name what a processor does faster', () => {
    expect(text).toContain('- work: b wasm 2.00 ms, latentgpu 11.0 ms (5.5× as long)');
  });
});
