/** The benchmark: its statistics, its roofline, its reports, and that its numbers hold together. */

import { compareReports, formatComparison } from '../../src/bench/compare.ts';
import { curveSpecs } from '../../src/bench/curves.ts';
import { formatReport } from '../../src/bench/format.ts';
import { parseReport, stringifyReport } from '../../src/bench/json.ts';
import { elementwise } from '../../src/bench/kernels.ts';
import { costsBeside, objectiveSpecs, PLAIN } from '../../src/bench/objective-steps.ts';
import { peakFigures } from '../../src/bench/peaks/rates.ts';
import { formatProfile, profileSchedule } from '../../src/bench/profile.ts';
import type { BenchReport } from '../../src/bench/report.ts';
import {
  floorOf,
  floorOfAll,
  NO_WORK,
  type Peaks,
  sumOfWork,
  type Work,
} from '../../src/bench/roofline.ts';
import { measureInRounds } from '../../src/bench/rounds.ts';
import { runBenchmark } from '../../src/bench/run.ts';
import {
  isSettled,
  medianInterval,
  ratioOfMedians,
  summarize,
} from '../../src/bench/statistics.ts';
import { STEPS } from '../../src/bench/steps.ts';
import { prepareKernel } from '../../src/bench/subjects.ts';
import { worthOfSubmissions } from '../../src/bench/submissions.ts';
import { Stopwatch } from '../../src/device/index.ts';
import { PART_ALIGNMENT, variable } from '../../src/graph/variable.ts';
import { benchChain, benchDot, benchFma, benchRead } from '../../src/kernels/shaders.gen.ts';
import { specialize } from '../../src/kernels/specialize.ts';
import { add, assign, matmul, mul, slice, sum } from '../../src/ops/index.ts';
import { median, quantile } from '../../src/quantile.ts';
import { Random } from '../../src/random.ts';
import { schedule } from '../../src/scheduler/index.ts';
import { newTuner } from '../../src/tuning/index.ts';
import { aloneCases } from '../rig/cases.ts';
import { withRuntime } from '../support/engine.ts';

/** Round numbers: 100 GFLOP/s, 10 GB/s in the cache and 5 outside, a million draws a second. */
const peaks: Peaks = {
  flops: 1e11,
  copy: [
    { bytes: 1e6, bytesPerSecond: 1e10 },
    { bytes: 1e8, bytesPerSecond: 5e9 },
  ],
  normals: 1e6,
  uniforms: 2e6,
  dispatch: { inPassMs: 0.01, submittedMs: 0.02, waitedMs: 0.1, readMs: 0.2 },
};

const work = (part: Partial<Work>): Work => ({ ...NO_WORK, ...part });

const namesOf = ({ rows }: BenchReport) =>
  rows.filter(({ group }) => group !== 'peak').map(({ name }) => name);

let running: Promise<{ report: BenchReport; told: readonly BenchReport[] }> | undefined;

/** The report of a run, which cases share, because its peaks take long; and what it told on the way. */
const measured = () => {
  running ??= (async () => {
    const told: BenchReport[] = [];
    const report = await runBenchmark({
      seconds: 0.01,
      minRounds: 2,
      filter: ['chain of', 'VAE step,', 'sample 64'],
      curves: ['product n', 'against count'],
      curveSeconds: 0.05,
      onReport: (known) => told.push(known),
    });
    return { report, told };
  })();
  return running;
};

aloneCases('bench', (c) => {
  c('takes quantiles between neighbours', (t) => {
    const values = [4, 1, 3, 2];
    t.equal(
      [0, 0.25, 0.5, 1].map((q) => quantile(values, q)),
      [1, 1.75, 2.5, 4],
    );
    t.equal(values, [4, 1, 3, 2], 'the values themselves');
    t.equal(median([7]), 7);
    t.equal(summarize([5, 1, 3]), { median: 3, quartiles: [2, 4], min: 1, max: 5, count: 3 });
  });

  c('refuses the quantile of nothing', async (t) => {
    await t.throws('bad-input', () => median([]));
  });

  c('brackets a ratio of medians', (t) => {
    const random = new Random(3, 0, 0);
    const draws = (scale: number) => Array.from({ length: 40 }, () => scale * random.uniform(1, 2));
    const [a, b, same] = [draws(2), draws(1), draws(1)];
    const { ratio } = ratioOfMedians(a, b);
    t.ok(ratio.low < 2 && 2 < ratio.high && ratio.low > 1.5 && ratio.high < 2.6, `${ratio.value}`);
    const none = ratioOfMedians(same, b).ratio;
    t.ok(none.low < 1 && 1 < none.high, 'equal distributions');
    t.equal(ratioOfMedians(a, b), ratioOfMedians(a, b), 'the same interval again');
    t.equal(ratioOfMedians([2, 2], [1, 1]).ratio, { value: 2, low: 2, high: 2 });
  });

  c('encloses a median, and tells when it is known', (t) => {
    t.equal(medianInterval([3, 1, 2]), { value: 2, low: 1, high: 3 });
    const hundred = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
    // Of the binomial distribution: ranks 41 and 60 of 100.
    t.equal(medianInterval(hundred), { value: 50.5, low: 41, high: 60 });
    // Of 400 samples about 20 intervals miss the median of what they were drawn from.
    const random = new Random(5, 0, 0);
    let missed = 0;
    for (let trial = 0; trial < 400; trial++) {
      const { low, high } = medianInterval(Array.from({ length: 20 }, () => random.uniform(0, 1)));
      if (low > 0.5 || high < 0.5) missed++;
    }
    t.ok(missed <= 40, `${missed} of 400 intervals miss the median`);
    t.equal(isSettled([1, 1, 1, 1, 1]), false, 'five samples');
    t.equal(isSettled([1, 1.01, 0.99, 1, 1.02, 1]), true);
    t.equal(isSettled([1, 1.1, 0.9, 1, 1.2, 1]), false);
  });

  c('samples on what has not settled, and nothing else', async (t) => {
    const subject = { sample: async () => ({ ms: 1, cpuMs: null }) };
    let rounds = 0;
    const [steady, restless] = await measureInRounds([subject, subject], {
      seconds: 0.02,
      minRounds: 3,
      onRound: () => rounds++,
      unsettled: ([one, other]) => ((other?.length ?? 0) < (one?.length ?? 0) + 4 ? [1] : []),
    });
    t.equal([steady?.length, restless?.length], [rounds, rounds + 4]);
    const all = await measureInRounds([subject], { seconds: 0.01, unsettled: () => [0] });
    t.ok((all[0]?.length ?? 0) > 5, 'what never settles ends all the same');
  });

  c('its kernels of one thing each do that thing', async (t) => {
    const chain = specialize(benchChain, { constants: { LOADS: 16 } });
    const next = Uint32Array.from({ length: 7 }, (_, i) => (i + 3) % 7);
    const place = new Uint32Array(4);
    const led = await t.kernel({ code: chain, bindings: { next, place }, dispatch: 1 });
    t.equal(led.place[0], (16 * 3) % 7, 'the place a chain leads to');

    const dot = specialize(benchDot, {
      constants: { ACCUMULATORS: 1, ITERATIONS: 1, UNROLL: 2, WORKGROUP: 4 },
    });
    const factor = Uint32Array.of(0x01ff7f03, 0, 0, 0);
    const bytes = (x: number) => new Int8Array(Int32Array.of(x).buffer);
    const step = (x: number) =>
      x + bytes(x).reduce((sum, b, k) => sum + b * (bytes(factor[0] as number)[k] as number), 0);
    const sums = { label: 'dot', code: dot, dispatch: 1 };
    const { result } = await t.kernel({
      ...sums,
      bindings: { factor, result: new Int32Array(4) },
    });
    t.equal(
      [...result],
      [0, 1, 2, 3].map((x) => step(step(x))),
      'sums of products of bytes',
    );

    for (const [kind, width] of [
      ['f32', 1],
      ['vec4f', 4],
    ] as const) {
      const code = specialize(benchFma, {
        constants: { ACCUMULATORS: 2, ITERATIONS: 1, UNROLL: 3, WORKGROUP: 4 },
        hooks: { number: `alias Scalar = f32;\nalias Number = ${kind};` },
      });
      const factors = new Float32Array(2 * width).fill(0.5);
      const run = { code, dispatch: 1, bindings: { factors, result: new Float32Array(4 * width) } };
      const { result: totals } = await t.kernel(run);
      // x, three times halved and raised by a half: x/8 + 7/8.
      t.equal(
        [...totals],
        Array.from({ length: 4 * width }, (_, at) => (2 * Math.floor(at / width) + 1) / 8 + 14 / 8),
        kind,
      );
    }

    const code = specialize(benchRead, { constants: { QUADS: 5, ITEMS: 2, WORKGROUP: 4 } });
    const source = new Float32Array(20).fill(1.6e38);
    const read = { code, dispatch: 1, bindings: { source, result: new Float32Array(4) } };
    // Two of the quads that the first invocation reads are too much, and only then is it told.
    t.ok(((await t.kernel(read)).result[0] as number) > 3e38, 'the sum of what is read');
  });

  c('names the roof that binds', (t) => {
    t.equal(floorOf(work({ flops: 1e9, bytes: 1e6 }), peaks), { limit: 'fma', ms: 10 });
    t.equal(floorOf(work({ flops: 1e6, bytes: 1e6 }), peaks), { limit: 'copy', ms: 0.1 });
    t.equal(floorOf(work({ bytes: 2e6 }), peaks), { limit: 'copy', ms: 0.4 }, 'past the cache');
    t.equal(floorOf(work({ bytes: 1e9 }), peaks).ms, 200, 'past every copy');
    t.equal(floorOf(work({ normals: 1e6, uniforms: 1e6 }), peaks), { limit: 'random', ms: 1500 });
    t.equal(floorOf(work({ dispatches: 1 }), peaks), { limit: 'launch', ms: 0.01 });
  });

  c('adds the floors of what runs in sequence', (t) => {
    const pieces = [work({ flops: 1e9 }), work({ bytes: 1e6 }), work({ flops: 1e9, bytes: 10 })];
    const { ms, limit } = floorOfAll(pieces, peaks);
    t.close(ms, 20.1, { relative: 1e-12 });
    t.equal(limit, 'fma');
    t.equal(sumOfWork(pieces), work({ flops: 2e9, bytes: 1e6 + 10 }));
    t.equal(floorOfAll([], peaks).ms, 0);
  });

  c('takes a sample of every subject in each round', async (t) => {
    const order: string[] = [];
    const subject = (name: string) => ({
      sample: async () => {
        order.push(name);
        // A browser's clock ticks in tenths of a millisecond: the time is up after the first tick.
        for (const start = performance.now(); performance.now() === start; );
        return { ms: order.length, cpuMs: null };
      },
    });
    const progress: number[] = [];
    const samples = await measureInRounds([subject('a'), subject('b')], {
      seconds: 1e-9,
      minRounds: 3,
      onProgress: (done) => progress.push(done),
    });
    t.equal(order.join(''), 'ababab');
    t.equal(
      samples.map((all) => all.map(({ ms }) => ms)),
      [
        [1, 3, 5],
        [2, 4, 6],
      ],
    );
    t.ok(
      progress.every((p, i) => p >= (progress[i - 1] ?? 0)) && progress.at(-1) === 1,
      'progress',
    );
  });

  c(
    'measures numbers that hold together',
    async (t) => {
      const { told } = await measured();
      const report = told.findLast(({ curves }) => curves === undefined) as BenchReport;
      t.equal(namesOf(report), [
        'chain of 200, 1024',
        'VAE step, batch 100',
        'VAE step, each submitted',
        'VAE step, each waited for',
        'sample 64 images',
      ]);
      t.equal(report.adapter.name, t.device.adapter.name);
      const { copy, dispatch, ...rates } = report.peaks;
      const speeds = copy.map(({ bytesPerSecond }) => bytesPerSecond);
      for (const x of [...Object.values(rates), ...speeds, ...Object.values(dispatch)]) {
        t.ok(Number.isFinite(x) && x > 0, `a peak of ${x}`);
      }
      for (const { name, group, ms, samples, share, variants, work: done } of report.rows) {
        const [low, high] = ms.quartiles;
        const isExact = group !== 'peak';
        // A peak is sampled until it has settled.
        t.ok(samples.length >= report.rounds, `samples of ${name}`);
        t.equal(samples.length === report.rounds || !isExact, true, `samples of ${name}`);
        t.ok(0 < ms.min && ms.min <= low && low <= ms.median, `${name}: lower half in order`);
        t.ok(ms.median <= high && high <= ms.max && Number.isFinite(ms.max), `${name}: upper half`);
        t.ok(Number.isFinite(share) && share > 0, `share of ${name}`);
        t.ok(group === 'peak' || done.dispatches >= 1, `dispatches of ${name}`);
        t.equal(variants === undefined, group === 'peak', `variants of ${name}`);
      }
      const figures = peakFigures(report);
      for (const { name, best, unit, certainty } of figures) {
        const isAbsent = report.absent?.some((each) => each.name === name) ?? false;
        t.ok(isAbsent ? best === '–' : Number(best) > 0 && unit !== '', `${name}: ${best} ${unit}`);
        t.ok(
          (isAbsent ? /^needs \S+, which is not/ : /^±.* %(, noisy)?$/).test(certainty),
          certainty,
        );
      }
      for (const name of ['f32 multiply-adds, scalar', 'read of 64 MiB', 'write of 64 MiB']) {
        t.ok(
          figures.some((figure) => figure.name === name && figure.best !== '–'),
          name,
        );
      }
      const isOffered = (feature: string) => t.device.features.has(feature);
      const halves = figures.filter(({ name }) => name.startsWith('f16'));
      t.equal(
        halves.map(({ best }) => best !== '–'),
        [0, 0].map(() => isOffered('shader-f16')),
        'peaks of float16',
      );
      t.equal(report.tune, 'off');
      const step = report.rows.find(({ name }) => name.startsWith('VAE step'));
      t.equal(step?.counts?.dispatches, step?.work.dispatches, 'dispatches run and planned');
      t.equal(step?.counts?.buffersCreated, 0, 'buffers made by a step');
      t.equal(step?.counts?.bindGroupsCreated, 0, 'bind groups made by a step');
      t.equal(step?.counts?.hostWrites, 0, 'host writes of a step');
      const { total = 0, intermediates = 0, bound = 0, variables = 0 } = step?.memory ?? {};
      t.ok(bound <= intermediates && intermediates + variables <= total, 'memory adds up');

      const worths = worthOfSubmissions(report);
      t.equal(
        worths.map(({ step, than }) => `${step}: ${than}`),
        ['VAE step, batch 100: one a submission', 'VAE step, batch 100: each waited for'],
      );
      const submitted = report.rows.find(({ name }) => name === 'VAE step, each waited for');
      t.equal(submitted?.counts?.submissions, 1, 'submissions of a step that is waited for');
      t.ok((step?.counts?.submissions ?? 2) <= 1, 'a step or several a submission');
      for (const { than, ratio } of worths) {
        const { low, value, high } = ratio;
        t.ok(0 < low && low <= value && value <= high, `${than}: ${value}`);
      }

      const text = stringifyReport(report);
      t.equal(parseReport(text, 'the report'), report, 'the report after a round trip');
      const lines = formatReport(report).split('\n');
      const head = lines.find((line) => line.startsWith('kernel ')) ?? '';
      const row = lines.find((line) => line.startsWith('chain of 200')) ?? '';
      t.equal(
        [head.endsWith('calls'), row.length],
        [true, head.length],
        'a row to its last column',
      );
      const { rows, added, warnings } = compareReports(report, report);
      t.equal([added, warnings], [[], []]);
      t.ok(
        rows.every(({ ratio, bestRatio }) => ratio.value === 1 && bestRatio === 1),
        'ratios of a report to itself',
      );
      t.ok(formatComparison({ rows, added, warnings }, 'itself').includes('chain of 200'), 'rows');
    },
    { timeout: 180_000 },
  );

  c('kernels are chosen by its tuner, and it is told which ran', async (t) => {
    const tuner = newTuner(t.device, { mode: 'on', memory: null });
    const workbench = { device: t.device, seed: 1, tuner, stopwatch: new Stopwatch(t.device) };
    const program = elementwise(64, 64).build();
    const { variants, destroy } = await prepareKernel('elementwise', program, workbench);
    t.equal(
      variants,
      tuner.measured.map(({ winner }) => winner),
    );
    t.equal(variants?.length, 1);
    await destroy?.();
    workbench.stopwatch.destroy();
  });

  c(
    'draws cost against size as far as the time goes, and tells what it knows meanwhile',
    async (t) => {
      const { report, told } = await measured();
      t.equal(
        report.curves?.map(({ name }) => name),
        ['product n×n×n against n', 'sampling against count'],
      );
      for (const { name, points } of report.curves ?? []) {
        const spec = curveSpecs.find((each) => each.name === name);
        const sizes = points.map(({ size }) => size);
        t.ok(sizes.length >= 1, `${name} has points`);
        t.equal(sizes, spec?.sizes.slice(0, sizes.length), `sizes of ${name}`);
        for (const { size, samples, ms, share, work: done } of points) {
          t.ok(samples.length >= 2 && ms.min > 0 && share > 0, `${name}, ${size}`);
          t.ok(done.flops > 0 && done.bytes > 0, `work of ${name}, ${size}`);
        }
      }
      const [product] = report.curves ?? [];
      t.ok((product?.points.length ?? 9) < 8, 'ends before the largest size');

      t.equal(namesOf(told[0] as BenchReport), [], 'peaks come first');
      t.equal(namesOf(told[1] as BenchReport), ['chain of 200, 1024'], 'then the kernels');
      t.equal(told.at(-1), { ...report, date: told.at(-1)?.date }, 'the whole at the end');

      const text = stringifyReport(report);
      t.equal(parseReport(text, 'the report'), report, 'curves after a round trip');
      const lines = formatReport(report).split('\n').toSpliced(1, 1);
      t.ok(
        lines.every((line) => line.length <= 100),
        'at most 100 columns',
      );
      const { rows } = compareReports(report, report);
      t.equal(
        rows.filter(({ isPoint }) => isPoint).length,
        report.curves?.reduce((all, { points }) => all + points.length, 0),
        'every point is compared',
      );
      t.ok(
        rows.some(({ name }) => name === 'product n×n×n against n: n 32'),
        'points have names',
      );
    },
    { timeout: 180_000 },
  );

  c('tells a change from a busy machine', (t) => {
    const report = (samples: number[]): BenchReport =>
      ({
        adapter: { name: 'a' },
        clock: 'gpu',
        host: { runtime: 'b' },
        rows: [{ name: 'product', samples }],
      }) as unknown as BenchReport;
    const before = report([10, 10.1, 10.2, 10.1, 10]);
    const verdicts = (samples: number[]) =>
      compareReports(before, report(samples)).rows.map(({ verdict }) => verdict);
    t.equal(verdicts([5, 5.1, 5.2, 5.1, 5]), ['faster']);
    t.equal(verdicts([20, 20.1, 20.2, 20.1, 20]), ['slower']);
    t.equal(verdicts([10, 20, 20.2, 20.1, 20]), ['same'], 'the fastest sample is what it was');
    t.equal(verdicts([5, 10, 15, 20, 25]), ['same'], 'the interval holds 1');
    const other = { ...report([1]), clock: 'host', rows: [{ name: 'other', samples: [1] }] };
    const { warnings, added } = compareReports(before, other as unknown as BenchReport);
    t.equal(warnings, ['the clock differs: gpu before, host now']);
    t.equal(added, ['other']);
  });

  c('tells what an objective costs beside the plain step', (t) => {
    const row = (name: string, samples: number[], cpuMs: number | null) => ({
      ...{ name, samples, cpuMs },
      ms: summarize(samples),
    });
    const rows = [
      row('VAE step, batch 100', [10, 10, 12], 20),
      row('STL step', [11, 11, 12], 21),
      row('DReG step K=5', [3, 3, 3], 3),
      row('free bits step', [20, 20, 20], null),
    ];
    const told = costsBeside({ rows } as unknown as BenchReport);
    // Nothing is said of what has nothing beside it.
    t.equal(
      told.map(({ step, beside }) => [step, beside]),
      ['STL step', 'free bits step'].map((step) => [step, 'VAE step, batch 100']),
    );
    t.close(
      told.map(({ ratio }) => ratio.value),
      [1.1, 2],
      { absolute: 1e-12 },
    );
    t.equal(
      told.map(({ cpuRatio }) => cpuRatio),
      [1.05, undefined],
    );
    const absent = [...Object.values(PLAIN), ...Object.keys(objectiveSpecs)].filter(
      (name) => !STEPS.includes(name),
    );
    t.equal(absent, [], 'every step is measured by that name');
  });

  c('refuses what is no report', async (t) => {
    await t.throws(
      'bad-format',
      () => parseReport('{', 'x.json'),
      /x\.json is no benchmark report/,
    );
    await t.throws('bad-format', () => parseReport('{"format": 2}', 'x.json'), /reads 1/);
    const damaged = { format: 1, rows: [] };
    await t.throws('bad-format', () => parseReport(JSON.stringify(damaged), 'x'), /adapter/);
    const bare = { ...damaged, adapter: {}, host: {} };
    await t.throws('bad-format', () => parseReport(JSON.stringify(bare), 'x'), /peaks/);
    const curves = { ...bare, peaks, curves: [{ name: 'a', points: [{ samples: [0] }] }] };
    await t.throws('bad-format', () => parseReport(JSON.stringify(curves), 'x'), /curves/);
  });

  c('refuses a filter that matches nothing', async (t) => {
    await t.throws('bad-config', () => runBenchmark({ curves: ['tensor core'] }), /against K/);
    await t.throws('bad-config', () => runBenchmark({ filter: ['tensor core'] }), /product NN/);
  });

  c('profiles kernels that begin inside their memory', async (t) => {
    await withRuntime(t, async (runtime) => {
      const size = 3 * PART_ALIGNMENT;
      const values = Float32Array.from({ length: size }, (_, i) => i);
      const x = variable('x', [size], { init: () => values });
      const last = variable('last', [PART_ALIGNMENT]);
      const effects = [assign(last, mul(slice(x, 0, 2 * PART_ALIGNMENT, size), 2))];
      const plan = schedule({ effects }, runtime.adapter);
      const offsets = plan.kernels.flatMap(({ bindings }) => bindings.map(({ offset }) => offset));
      t.ok(
        offsets.some((offset) => offset > 0),
        'a binding starts inside its memory',
      );
      await profileSchedule(runtime, plan, { seconds: 0.01 });
      t.equal(
        await runtime.read(last),
        values.slice(2 * PART_ALIGNMENT).map((v) => 2 * v),
        'the result',
      );
    });
  });

  for (const clock of ['gpu', 'host'] as const) {
    c(`profiles each dispatch by the ${clock}'s clock`, async (t) => {
      await withRuntime(t, async (runtime) => {
        const a = variable('a', [20, 30], { init: () => new Float32Array(600).fill(0.5) });
        const b = variable('b', [30, 20], { init: () => new Float32Array(600).fill(0.25) });
        const total = variable('total', []);
        const program = { effects: [assign(total, add(sum(matmul(a, b)), 1))] };
        const plan = schedule(program, runtime.adapter);
        const profile = await profileSchedule(runtime, plan, { seconds: 0.01, clock });
        const offered = runtime.device.features.has('timestamp-query');
        t.equal(profile.clock, offered ? clock : 'host');
        t.equal(
          profile.dispatches.map(({ label }) => label),
          plan.kernels.map(({ label }) => label),
        );
        t.ok(
          profile.dispatches.every(({ ms, bestMs }) => bestMs > 0 && ms >= bestMs),
          'times',
        );
        t.close(
          profile.bestMs,
          profile.dispatches.reduce((all, { bestMs }) => all + bestMs, 0),
          { relative: 1e-12 },
        );
        t.equal(
          await runtime.read(total),
          new Float32Array([20 * 20 * 30 * 0.125 + 1]),
          'the result',
        );
        t.equal(formatProfile(profile).split('\n').length, 3 + plan.kernels.length);
      });
    });
  }
});
