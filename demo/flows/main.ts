// Flows: a density in the plane, from noise to data along the layers.
import { Chapter } from '../lab/chapter.ts';
import { PlaneView } from '../lab/plane-view.ts';
import { Plot } from '../lab/plot.ts';
import { button, canvas, element, formatNumber, input, setText } from '../view/elements.ts';
import { calmRange } from '../view/range.ts';
import { theme } from '../view/theme.ts';
import { written } from '../view/ticks.ts';
import { DENSITY, standardized } from './model.ts';
import { paintDensity, paintFlow } from './paint.ts';
import { FlowRun } from './run.ts';

const DEFAULTS = {
  data: 'moons',
  depth: 4,
  width: 32,
  transform: 'affine' as 'affine' | 'spline',
  rate: 0.004,
  temperature: 1,
  grid: true,
  samples: true,
  density: false,
  points: false,
};
const COUNT = 8192;
/** Seconds from noise to data. */
const PLAY_SECONDS = 4;

let layer = DEFAULTS.depth;
const stage = new PlaneView(canvas('plane'), (g, places) => {
  const { grid, samples, density, points } = chapter.settings.value;
  if (chapter.run) paintFlow(g, places, chapter.run, { grid, samples, density, points, layer });
});
const heat = new PlaneView(canvas('density'), (g, places) => {
  if (chapter.run) paintDensity(g, places, chapter.run, 1);
});
for (const view of [stage, heat]) view.frame = { centre: [0, 0], reach: DENSITY.reach };
const loss = new Plot(canvas('loss'), {
  xLabel: 'steps',
  yLabel: '−log p(x), nats; dashed: the entropy, where it is known',
  empty: 'The curve begins with the training.',
});
const ticking = new Plot(canvas('certificate'), {
  y: 'log',
  xLabel: 'steps',
  yLabel: 'largest error at 64 points',
  empty: 'Tried at every look.',
});

const chapter: Chapter<typeof DEFAULTS, FlowRun> = new Chapter({
  defaults: DEFAULTS,
  restarts: ['data', 'depth', 'width', 'transform'],
  picture: () => ({ canvas: canvas('plane'), caption: element('told').textContent ?? '' }),
  open: async (_, settings) => {
    layer = settings.depth;
    const run = await FlowRun.open(settings, standardized(settings.data, COUNT), () => show());
    run.temperature = settings.temperature;
    showSlider(settings.depth);
    show(run);
    return run;
  },
  changed: async ({ rate, temperature }, run) => {
    await run.set(rate, temperature);
    stage.repaint();
  },
  show,
});

function show(run = chapter.run): void {
  stage.repaint();
  heat.repaint();
  if (!run) return;
  const { accent, cool, warm, muted } = theme();
  const { entropy } = run.data;
  const known = run.losses.slice(run.losses.length > 40 ? 4 : 0);
  const ends = [known[0]?.[0], known.at(-1)?.[0]] as [number, number];
  loss.show({
    // A batch may be far off for once, and would flatten all others.
    ...(known.length > 1 && { yRange: calmRange([...known.map(([, nats]) => nats), entropy]) }),
    lines: [
      ...(entropy !== undefined && known.length > 1
        ? [{ color: muted, dash: [4, 4], width: 1, points: ends.map((x) => [x, entropy] as const) }]
        : []),
      { color: accent, points: known },
    ],
  });
  const floor = 1e-8;
  ticking.show({
    lines: (['inversion', 'logDet'] as const).map((of) => ({
      color: of === 'inversion' ? cool : warm,
      points: run.looks.map(
        ({ step, certified }) => [step, Math.max(floor, certified[of])] as const,
      ),
    })),
  });
  const [step, nats] = run.losses.at(-1) ?? [0, Number.NaN];
  const certified = run.looks.at(-1)?.certified;
  setText('step', formatNumber(step, 0));
  setText('nats', step > 0 ? formatNumber(nats, 3) : '–');
  const error = (value: number | undefined) =>
    value === undefined ? '–' : written(Number(value.toPrecision(2)));
  setText('inversion', error(certified?.inversion));
  setText('logdet', error(certified?.logDet));
  const now = step > 0 ? `${formatNumber(nats, 2)} nats a point` : 'the identity';
  const told = run.compiling ? `compiling ${run.compiling}…` : now;
  setText('told', `Step ${formatNumber(step, 0)}: ${told}`);
}

/** Where on the way from noise to data. */
function showSlider(depth: number): void {
  const slider = input('layer');
  slider.max = String(depth);
  slider.value = String(layer);
  const text =
    layer === 0 ? 'noise' : layer >= depth ? 'data' : `layer ${formatNumber(layer, 1)} of ${depth}`;
  setText('layer-value', text);
  slider.setAttribute('aria-valuetext', text);
}

function moveTo(at: number): void {
  layer = at;
  showSlider(chapter.settings.value.depth);
  stage.repaint();
}

let playing = 0;
input('layer').addEventListener('input', () => {
  playing += 1;
  moveTo(input('layer').valueAsNumber);
});
button('play').addEventListener('click', () => {
  const mine = ++playing;
  const { depth } = chapter.settings.value;
  const began = performance.now();
  const frame = (now: number) => {
    if (mine !== playing) return;
    const share = Math.min(1, Math.max(0, (now - began) / (1000 * PLAY_SECONDS)));
    moveTo(depth * share);
    if (share < 1) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});
