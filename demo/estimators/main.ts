// Estimators of gradients, side by side on one small model.
import { Chapter } from '../lab/chapter.ts';
import { type Line, Plot } from '../lab/plot.ts';
import { canvas, element, formatNumber, setText } from '../view/elements.ts';
import { theme } from '../view/theme.ts';
import type { Part } from './cell.ts';
import { Figures } from './figures.ts';
import { RACE_STEPS } from './racer.ts';
import { Ridges } from './ridges.ts';
import { EstimatorRun, SAMPLES, slopeOf, VAGUE } from './run.ts';
import type { Estimator } from './table.ts';

const DEFAULTS = {
  code: 'normal' as 'normal' | 'classes',
  samples: 16,
  off: 0.3,
  temperature: 0.5,
  rate: 0.05,
  part: 'encoder' as Part,
};

const ridges = new Ridges(canvas('ridges'));
const ratio = new Plot(canvas('ratio'), {
  x: 'log',
  y: 'log',
  xLabel: 'draws K',
  yLabel: '|mean| / deviation; dashed: slopes ±½',
  empty: 'A point for each K, as soon as it is measured.',
});
const variance = new Plot(canvas('variance'), {
  x: 'log',
  y: 'log',
  xLabel: 'draws K',
  yLabel: 'variance',
  empty: 'A point for each K, as soon as it is measured.',
});
const race = new Plot(canvas('race'), {
  y: 'log',
  xLabel: 'steps',
  yLabel: 'KL(q ∥ p(z | x)) in nats, the median run',
  empty: 'The race begins with Start.',
});
const figures = new Figures(element('figures'));

const chapter: Chapter<typeof DEFAULTS, EstimatorRun> = new Chapter({
  defaults: DEFAULTS,
  restarts: ['code'],
  worksWithoutGpu: true,
  picture: () => ({
    canvas: canvas('ridges'),
    caption: `${chapter.settings.value.part} gradients, K = ${chapter.settings.value.samples}`,
  }),
  open: async (engine, settings) => {
    // A normal number has no relaxed draws.
    element<HTMLElement>('temperature')
      .closest<HTMLElement>('[data-own]')
      ?.toggleAttribute('hidden', settings.code !== 'classes');
    const run = new EstimatorRun(engine, settings, () => show());
    show(run);
    return run;
  },
  changed: (settings, run) => {
    run.set(settings);
    show();
  },
  show,
});

const colorOf = (run: EstimatorRun, estimator: Estimator) =>
  theme().classes[run.code.estimators.indexOf(estimator)] ?? theme().ink;

function show(run = chapter.run): void {
  if (!run) return;
  const { part, samples } = chapter.settings.value;
  const shown = run.code.estimators.filter(({ least }) => samples >= least);
  const streamOf = (estimator: Estimator, k: number) => run.cellOf(estimator, k)?.parts[part];
  ridges.show(
    shown.map((estimator) => {
      const stream = streamOf(estimator, samples);
      return {
        name: estimator.name,
        color: colorOf(run, estimator),
        draws: stream?.draws ?? new Float32Array(),
        mean: stream?.mean ?? 0,
        deviation: stream?.deviation ?? 0,
      };
    }),
  );
  const over = (estimator: Estimator, of: 'signalToNoise' | 'variance') =>
    SAMPLES.flatMap((k) => {
      const stream = streamOf(estimator, k);
      const value = stream?.[of] ?? Number.NaN;
      const isVague = of === 'signalToNoise' && (stream?.uncertainty ?? 1) > VAGUE;
      return Number.isFinite(value) && value > 1e-20 && !isVague ? [[k, value] as const] : [];
    });
  const linesOf = (of: 'signalToNoise' | 'variance'): Line[] =>
    run.code.estimators.map((estimator) => ({
      color: colorOf(run, estimator),
      points: over(estimator, of),
      dots: true,
    }));
  const xRange = [0.85, 75] as const;
  const signals = linesOf('signalToNoise');
  ratio.show({ lines: [...guides(run, part, over), ...signals], xRange });
  variance.show({ lines: linesOf('variance'), xRange });
  race.show({
    yRange: [1e-5, 3],
    xRange: [0, RACE_STEPS],
    lines: run.racers.map(({ estimator, reached }) => ({
      color: colorOf(run, estimator),
      points: reached.map(({ step, median }) => [step, median] as const),
    })),
    bands: run.racers.map(({ estimator, reached }) => ({
      color: colorOf(run, estimator),
      points: reached.map(({ step, low, high }) => [step, low, high] as const),
    })),
  });
  figures.show(
    shown.map((estimator) => ({
      estimator,
      color: colorOf(run, estimator),
      stream: streamOf(estimator, samples),
      slope: slopeOf(
        SAMPLES.flatMap((k) => {
          const stream = streamOf(estimator, k);
          if (!stream) return [];
          return [{ samples: k, ratio: stream.signalToNoise, uncertainty: stream.uncertainty }];
        }),
      ),
      published: estimator.slopes?.[part],
    })),
  );
  setText('told', sentenceOf(run, part, samples));
}

/** Lines of the published slopes, through the last point of whoever has one. */
function guides(
  run: EstimatorRun,
  part: Part,
  over: (estimator: Estimator, of: 'signalToNoise') => readonly (readonly [number, number])[],
): Line[] {
  const known = new Map<number, readonly [number, number]>();
  for (const estimator of run.code.estimators) {
    const slope = estimator.slopes?.[part];
    const points = over(estimator, 'signalToNoise');
    const middle = points[points.length >> 1];
    if (slope !== undefined && middle && !known.has(slope)) known.set(slope, middle);
  }
  return [...known].map(([slope, [k, value]]) => ({
    color: theme().muted,
    dash: [4, 4],
    width: 1,
    points: [1, 64].map((at) => [at, 0.8 * value * (at / k) ** slope] as const),
  }));
}

function sentenceOf(run: EstimatorRun, part: Part, samples: number): string {
  const measured = run.code.estimators.flatMap((estimator) => {
    const deviation = run.cellOf(estimator, samples)?.parts[part].deviation ?? 0;
    return deviation > 0 ? [{ name: estimator.name, deviation }] : [];
  });
  if (measured.length < 2) return 'Nothing is measured yet';
  measured.sort((a, b) => a.deviation - b.deviation);
  const [least, most] = [measured[0], measured.at(-1)] as [
    (typeof measured)[0],
    (typeof measured)[0],
  ];
  const ratio = (most.deviation / least.deviation) ** 2;
  const times = formatNumber(Number(ratio.toPrecision(2)), ratio < 10 ? 1 : 0);
  return `At K = ${samples} a draw of ${most.name} has ${times} times the variance of ${least.name}: so many more draws for the same certainty.`;
}
