// The likelihood card: the bound over K, annealed importance sampling beside it, and what they are worth.
import { Plot } from '../lab/plot.ts';
import type { Likelihood } from '../protocol.ts';
import { button, canvas, element, formatNumber, setText } from './elements.ts';
import { onThemeChange, theme } from './theme.ts';

export class LikelihoodCard {
  private readonly plot = new Plot(canvas('bounds'), {
    x: 'log',
    xLabel: 'K, draws of the code',
    yLabel: 'nats a row',
    empty: 'Train a little, then measure.',
  });
  private readonly intro = element('likelihood-text').textContent ?? '';
  private readonly progress = element<HTMLProgressElement>('measured');
  private shown: Likelihood | undefined;

  constructor() {
    onThemeChange(() => {
      if (this.shown) this.show(this.shown);
    });
  }

  clear(): void {
    this.shown = undefined;
    this.plot.show({ lines: [] });
    setText('likelihood-text', this.intro);
  }

  setMeasuring(on: boolean): void {
    setText('measure', on ? 'Stop' : 'Measure');
    this.progress.hidden = !on;
    if (!on) this.progress.value = 0;
    button('measure').setAttribute('aria-pressed', String(on));
  }

  show(likelihood: Likelihood): void {
    const { done, rows, curve, effective, annealed } = likelihood;
    this.shown = likelihood;
    this.progress.value = done;
    const { accent, cool } = theme();
    const last = curve.at(-1);
    if (!last) return;
    const points = curve.map(({ samples, value }) => [samples, value] as const);
    const ends = [1, 5000] as const;
    this.plot.show({
      xRange: ends,
      bands: [
        {
          color: accent,
          points: curve.map(({ samples, value, error }) => [samples, value - error, value + error]),
        },
      ],
      lines: [
        { color: accent, points, dots: true },
        ...(annealed
          ? [
              {
                color: cool,
                dash: [5, 4],
                points: ends.map((k) => [k, annealed.value] as const),
              },
            ]
          : []),
      ],
    });
    const nats = (value: number, error: number) =>
      `${formatNumber(value, 2)} ± ${formatNumber(error, 2)} nats`;
    const bound = `K = ${formatNumber(last.samples, 0)}: ${nats(last.value, last.error)}, as good as ${formatNumber(effective ?? 0, 1)} draws of the posterior.`;
    const ais = annealed
      ? ` By annealing ${nats(annealed.value, annealed.error)}, ${formatNumber(100 * annealed.acceptance, 0)} % accepted.`
      : '';
    setText(
      'likelihood-text',
      `${bound}${ais} Of ${rows} rows; ± is their spread’s standard error.`,
    );
  }
}
