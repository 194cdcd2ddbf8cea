// Mixtures and EM: points in the plane, half step by half step.
import { Chapter } from '../lab/chapter.ts';
import { frameAround, PlaneView } from '../lab/plane-view.ts';
import type { OwnFile } from '../protocol.ts';
import { button, canvas, element, formatNumber, input, setText } from '../view/elements.ts';
import { acceptChoices, acceptDrops } from '../view/files.ts';
import { Cursor } from './cursor.ts';
import { Curves } from './curves.ts';
import { EmRun } from './em-run.ts';
import { paintComponents, paintPoints } from './paint.ts';
import { MOST_OWN, type Point, pointsOf, pointsOfTable, read, written } from './points.ts';
import { Starts } from './starts.ts';

const DEFAULTS = {
  data: 'pinwheel',
  count: 400,
  components: 5,
  covariance: 'full' as 'full' | 'tied' | 'diagonal' | 'spherical',
  from: 'random' as 'random' | 'kmeans',
  regularize: 0,
  guess: 'net' as 'net' | 'hard',
  pace: 8,
  seed: 1,
  points: '',
};

let points = new Float32Array();
const view = new PlaneView(canvas('plane'), (g, places) => {
  const run = chapter.run;
  paintPoints(g, places, points, run, starts.shown, 2.4);
  if (run) paintComponents(g, places, run, starts.shown, 1);
  cursor.paint(g, places);
});
const curves = new Curves();
const starts = new Starts(() => show());
const cursor = new Cursor(element('place'), view, { add, takeBack, moved: () => view.repaint() });

const chapter: Chapter<typeof DEFAULTS, EmRun> = new Chapter({
  defaults: DEFAULTS,
  restarts: [
    'data',
    'count',
    'components',
    'covariance',
    'from',
    'regularize',
    'guess',
    'seed',
    'points',
  ],
  worksWithoutGpu: true,
  rest: ({ pace }) => 1000 / pace,
  picture: () => ({ canvas: canvas('plane'), caption: element('told').textContent ?? '' }),
  open: async ({ runtime }, settings) => {
    const { data, count, components, covariance, from, regularize, guess, seed } = settings;
    points = pointsOf(data, count, read(settings.points)) as Float32Array<ArrayBuffer>;
    view.frame = data === 'own' ? { centre: [0, 0], reach: 4 } : frameAround(points);
    starts.reset(points);
    curves.clear();
    view.repaint();
    const asked = { components, covariance, start: from, guess, regularize, seed };
    return await EmRun.open(runtime, points, asked, show);
  },
  show,
  reset: () => chapter.settings.set('seed', chapter.settings.value.seed + 1),
});

function show(run = chapter.run): void {
  if (!run) return;
  starts.show(run);
  view.repaint();
  const s = starts.shown;
  curves.show(run, s);
  setText('half', `${run.exact.nextStep} step`);
  setText('told', sentenceOf(run, s));
}

function sentenceOf(run: EmRun, s: number): string {
  const last = run.exact.moments.at(-1);
  if (!last || last.after === 'start') return `${run.count} points, nothing guessed yet`;
  if (run.exact.starts[s]?.isLost) return 'A component has become singular: this start is out';
  const value = formatNumber(last.logLikelihood[s] as number, 1);
  if (run.isConverged) return `Converged at ${value} nats`;
  const apart = (last.logLikelihood[s] as number) - (last.bound[s] as number);
  return last.after === 'E'
    ? `E step: the bound touches at ${value} nats`
    : `M step: both rise, ${apart.toPrecision(2)} nats apart`;
}

function own(): Point[] {
  return read(chapter.settings.value.points);
}

function add(point: Point): void {
  if (own().length >= MOST_OWN) chapter.notice.show('info', `${MOST_OWN} points are the most`);
  else chapter.settings.set('points', written([...own(), point]));
}

function takeBack(): void {
  chapter.settings.set('points', written(own().slice(0, -1)));
}

button('half').addEventListener('click', () => {
  chapter.pause();
  chapter.do(async (run) => {
    await run.turn();
  });
});
button('clear').addEventListener('click', () => chapter.settings.set('points', ''));
button('choose').addEventListener('click', () => input('files').click());

async function open([first]: readonly OwnFile[]): Promise<void> {
  if (!first) return;
  try {
    const { points: found, about } = await pointsOfTable(first.file);
    chapter.settings.set('points', written(found));
    chapter.settings.set('data', 'own');
    chapter.notice.show('info', about);
  } catch (error) {
    chapter.notice.show('error', error instanceof Error ? error.message : String(error));
  }
}
acceptChoices(input('files'), open);
acceptDrops(open);
