// What is measured in fresh pages: cold starts, memory, and the bytes of a bundled sampler.
import type { Browser } from 'puppeteer';
import { summarize } from '../../../src/bench/statistics.ts';
import { FRESH, FRESH_AIMS } from '../rows.ts';
import { EnginePage, samplerBytes } from './chrome.ts';
import { withRatios } from './measure.ts';
import type { Cell, EngineReport, RowReport } from './report.ts';
import { AGAIN } from './report.ts';

/** Page loads for each engine. */
const LOADS = 9;
/** Steps after which the memory of a step is what it stays. */
const STEPS = 10;

const failed = (label: string, error: unknown): Cell => ({
  label,
  state: 'failed',
  reason: (error instanceof Error ? error.message : String(error)).trim().split('\n')[0] as string,
  samples: [],
});

const absent = (label: string, reason: string): Cell => ({
  label,
  state: 'absent',
  reason,
  samples: [],
});

const measured = (label: string, samples: readonly number[]): Cell => ({
  label,
  state: 'measured',
  samples,
  summary: summarize(samples),
});

/** Cold starts, and from the first of them the memory: the loads of all engines take turns. */
export async function measureColdStarts(
  browser: Browser,
  address: string,
  engines: readonly EngineReport[],
): Promise<{ cold: RowReport; memory: RowReport }> {
  const times = new Map<string, number[]>(engines.map(({ label }) => [label, []]));
  const peaks = new Map<string, number>();
  const failures = new Map<string, Cell>();
  for (let load = 0; load < LOADS; load++) {
    for (const engine of engines) {
      const { label } = engine;
      if (failures.has(label)) continue;
      let page: EnginePage | undefined;
      try {
        page = await EnginePage.open(browser, address, engine, true);
        const { ms, loss } = await page.call('cold');
        if (!(loss > 0 && loss < 1e4)) throw new Error(`the loss of the first step is ${loss}`);
        times.get(label)?.push(ms);
        if (load === 0) peaks.set(label, (await page.call('memory', STEPS)) / 2 ** 20);
      } catch (error) {
        const why = error instanceof Error ? error.message : '';
        const isAbsent = why.startsWith('does not: ');
        failures.set(label, isAbsent ? absent(label, why.slice(10)) : failed(label, error));
      } finally {
        await page?.close();
      }
    }
  }
  const cells = (of: (engine: EngineReport) => Cell) =>
    withRatios(engines.map((engine) => failures.get(engine.label) ?? of(engine)));
  return {
    cold: {
      row: FRESH.cold,
      name: 'cold start to the first VAE step',
      unit: 'ms',
      aim: FRESH_AIMS.cold,
      cells: cells(({ label }) => measured(label, times.get(label) as number[])),
    },
    memory: {
      row: FRESH.memory,
      name: 'GPU memory of the VAE step, peak',
      unit: 'MiB',
      aim: FRESH_AIMS.memory,
      cells: cells(({ label, backend }) =>
        backend === 'webgpu'
          ? measured(label, [peaks.get(label) as number])
          : absent(label, 'uses no GPU'),
      ),
    },
  };
}

/** What a page fetches to draw from a trained VAE. */
export async function measureBytes(
  browser: Browser,
  served: { address: string; dist: string },
  engines: readonly EngineReport[],
): Promise<RowReport> {
  const cells: Cell[] = [];
  for (const engine of engines) {
    const { label } = engine;
    if (label === AGAIN) continue;
    try {
      cells.push(measured(label, [(await samplerBytes(browser, served, engine)) / 1024]));
    } catch (error) {
      cells.push(failed(label, error));
    }
  }
  return {
    row: FRESH.bytes,
    name: 'bytes to sample a trained VAE, min + gzip',
    unit: 'KiB',
    aim: FRESH_AIMS.bytes,
    cells: withRatios(cells),
  };
}
