// Collapse: the units of a code beside a strong decoder, and what keeps them alive.
import { Chapter } from '../lab/chapter.ts';
import { Plot } from '../lab/plot.ts';
import { button, canvas, element, formatNumber, setText } from '../view/elements.ts';
import { theme } from '../view/theme.ts';
import { showUnits } from '../view/units.ts';
import { CollapseRun } from './run.ts';
import { Stream } from './stream.ts';

const DEFAULTS = { receptive: 2, latent: 8, beta: 1, freeBits: 0, rate: 0.003 };
/** More looks than this are thinned out: a band has no more pixels. */
const MOST = 400;

const stream = new Stream(canvas('stream'));
const traded = new Plot(canvas('traded'), {
  xLabel: 'steps',
  yLabel: '−E log p(x | z), nats',
  empty: 'What the decoder cannot tell, with the code or without.',
});
const weights = new Plot(canvas('weights'), {
  xLabel: 'steps',
  yLabel: 'weight of the divergence',
  empty: 'β, as it rises and is set.',
});

const chapter: Chapter<typeof DEFAULTS, CollapseRun> = new Chapter({
  defaults: DEFAULTS,
  restarts: ['receptive', 'latent'],
  picture: () => ({ canvas: canvas('stream'), caption: element('told').textContent ?? '' }),
  open: async (_, settings) => {
    const run = await CollapseRun.open(settings, () => show());
    show(run);
    return run;
  },
  changed: (settings, run) => run.set(settings),
  show,
});

function show(run = chapter.run): void {
  const last = run?.looks.at(-1);
  if (!run || !last) return;
  if (run.looks.length > MOST) {
    const kept = run.looks.filter((_, i) => i % 2 === 0 || i === run.looks.length - 1);
    run.looks.splice(0, run.looks.length, ...kept);
  }
  stream.show(run.looks);
  const { warm, accent } = theme();
  const over = (of: 'reconstruction' | 'weight') =>
    run.looks.slice(1).map((look) => [look.step, look[of]] as const);
  traded.show({ lines: [{ color: warm, points: over('reconstruction') }] });
  weights.show({ lines: [{ color: accent, points: over('weight') }] });
  showUnits(element('units'), Float64Array.from(last.kl), Float64Array.from(last.variance));
  const nats = formatNumber(
    last.kl.reduce((a, b) => a + b, 0),
    1,
  );
  setText('step', formatNumber(last.step, 0));
  const units = last.kl.length;
  // Nothing has been learned that a unit could say.
  setText('active', last.step === 0 ? '–' : `${last.active} of ${units}`);
  setText(
    'told',
    last.step === 0
      ? `${nats} nats in all, and nothing said yet`
      : `Step ${formatNumber(last.step, 0)}: ${last.active} of ${units} units active, ${nats} nats`,
  );
}

button('anneal').addEventListener('click', () => chapter.do((run) => run.anneal()));
for (const [id, settings] of [
  ['cure-none', { beta: 1, freeBits: 0 }],
  ['cure-bits', { beta: 1, freeBits: 0.5 }],
  ['cure-beta', { beta: 0.2, freeBits: 0 }],
] as const) {
  button(id).addEventListener('click', () => {
    chapter.settings.set('beta', settings.beta);
    chapter.settings.set('freeBits', settings.freeBits);
  });
}
