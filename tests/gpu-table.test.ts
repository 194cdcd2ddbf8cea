// The page that joins the benchmark of a GPU with PyTorch's: rows, ratios, aims, what is missing.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { WORKS } from '../bench/gpu/rows.ts';
import { gpuPage, pageName } from '../bench/gpu/table.ts';
import { parseTorchReport, type TorchReport } from '../bench/gpu/torch.ts';
import { type BenchReport, parseReport } from '../src/bench/index.ts';

const path = 'bench/results/swiftshader-node-2-cores.json';
const bench = parseReport(await readFile(path, 'utf8'), path);
const step = bench.rows.find(({ name }) => name === 'VAE step, batch 100');
const own = step?.ms.median as number;

const times = (median: number) => ({
  median,
  min: median,
  quartiles: [median, median] as const,
});

const torch = (cuda: string | null, columns: TorchReport['rows'][number]['columns']) =>
  parseTorchReport(
    JSON.stringify({
      format: 1,
      date: '2030-01-02T03:04:05+00:00',
      torch: '9.9',
      device: 'a card',
      cuda,
      driver: '1.2.3',
      threads: 4,
      clocks: { kernel: cuda ? 'CUDA events' : 'host', step: 'host' },
      columns: ['eager', 'graph'],
      rounds: 7,
      rows: [
        { name: 'VAE step, batch 100', columns },
        { name: 'elsewhere', curve: 'sum of rows against bytes', size: 2 ** 27, columns },
      ],
    }),
    'torch.json',
  );

/** The same measurements, as if a GPU had made them; with what only a GPU is asked for. */
const onGpu: BenchReport = {
  ...bench,
  adapter: { ...bench.adapter, name: 'NVIDIA H200 (nvidia hopper)', isSoftware: false },
  curves: [
    {
      name: 'sum of rows against bytes',
      axis: 'bytes',
      points: [
        {
          size: 2 ** 27,
          clock: 'gpu',
          ms: { ...times(20), max: 20, count: 1 },
          samples: [20],
          cpuMs: null,
          work: { flops: 0, bytes: 2 ** 27, normals: 0, uniforms: 0, dispatches: 1 },
          share: 1,
          limit: 'copy',
        },
      ],
    },
  ],
};

const lineOf = (page: string, start: string) =>
  page.split('\n').find((line) => line.startsWith(`| ${start}`));

describe('the page of a GPU', () => {
  test('of a software adapter says what it is, and judges nothing', () => {
    const page = gpuPage({ bench, torch: torch(null, { eager: times(own / 2) }) });
    expect(page).toContain("The adapter is software: nothing here is a GPU's speed.");
    expect(page).toContain('PyTorch found no CUDA device');
    expect(lineOf(page, 'VAE step, batch 100 |')).toMatch(/\| 0\.50× \| – \|$/);
    for (const { label } of WORKS) expect(lineOf(page, `${label} |`)).toBeDefined();
    const aims = page.slice(page.indexOf('| aim |')).split('\n').slice(2, -1);
    expect(aims).toHaveLength(7);
    for (const aim of aims) expect(aim).toMatch(/\| – \|$/);
    expect(pageName({ bench })).toBe('software-swiftshader');
  });

  test('of a GPU beside PyTorch on it judges each aim that was measured', () => {
    const columns = { eager: times(3.01 * own), graph: times(0.99 * own) };
    const report = { bench: onGpu, torch: torch('12.4', columns) };
    const page = gpuPage(report);
    expect(page).toContain('- PyTorch 9.9: a card, CUDA 12.4, driver 1.2.3; 2030-01-02;');
    expect(page).not.toContain('software:');
    expect(lineOf(page, 'VAE step, batch 100, beside PyTorch eager')).toMatch(/3\.01× .* yes \|$/);
    expect(lineOf(page, 'VAE step, batch 100, beside PyTorch as')).toMatch(/0\.99× .* no \|$/);
    const largest = onGpu.peaks.copy.at(-1)?.bytesPerSecond as number;
    const share = (100 * 2 ** 27 * 1000) / 20 / largest;
    expect(lineOf(page, 'sum of rows, 128 MiB, of copies')).toContain(`| ${share.toFixed(1)} % |`);
    expect(lineOf(page, 'sum of rows, 128 MiB |')).toContain(`${((0.99 * own) / 20).toFixed(2)}×`);
    expect(lineOf(page, 'product 4096³')).toBe(
      '| product 4096³, of multiply-adds | – | ≥ 60 % | – |',
    );
    expect(pageName(report)).toBe('gpu-nvidia-h200');
  });

  test('without PyTorch says so', () => {
    const page = gpuPage({ bench: onGpu });
    expect(page).toContain('- PyTorch: not measured.');
    expect(lineOf(page, 'VAE step, batch 100, beside')).toMatch(/\| – \|$/);
  });

  test('refuses what is no report', () => {
    expect(() => parseTorchReport('{"format":1,"rows":[{"name":"x"}]}', 'x.json')).toThrow(
      'x.json',
    );
  });
});
