// What rises: bound and log-likelihood of EM and of variational EM, and the gaps between them.
import { type Line, Plot } from '../lab/plot.ts';
import { canvas, formatNumber, setText } from '../view/elements.ts';
import { theme } from '../view/theme.ts';
import type { EmRun } from './em-run.ts';
import type { Moment, Track } from './track.ts';

/** Half steps that are plotted. */
const RECENT = 24;

type Series = 'logLikelihood' | 'bound';

const recentOf = ({ moments }: Track) => moments.slice(1).slice(-RECENT);
const series = (moments: readonly Moment[], of: Series, start: number) =>
  moments.map((each) => [each.half, each[of][start] as number] as const);

export class Curves {
  private readonly plots = ['rise', 'beside'].map(
    (id) =>
      new Plot(canvas(id), {
        xLabel: 'half steps',
        yLabel: 'nats',
        empty: 'E step, M step: press Start.',
      }),
  ) as [Plot, Plot];
  private readonly gap = new Plot(canvas('gap'), {
    y: 'log',
    xLabel: 'half steps',
    yLabel: 'gaps, in nats',
    empty: 'The gap is nothing after an E step of EM.',
  });

  /** Of a run that is over. */
  clear(): void {
    for (const plot of [...this.plots, this.gap]) plot.show({ lines: [] });
    for (const end of ['', '-beside']) {
      for (const name of ['likelihood', 'bound']) setText(`${name}${end}`, '–');
    }
  }

  /** @param s the start that is shown */
  show({ exact, guessed, count }: EmRun, s: number): void {
    const tracks = [exact, guessed] as const;
    const ends = tracks.flatMap((track) =>
      recentOf(track).flatMap(({ logLikelihood, bound }) => [logLikelihood[s], bound[s]]),
    ) as number[];
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    const air = Math.max(0.5, 0.12 * (high - low));
    const range = ends.length > 0 && { yRange: [low - air, high + air] as const };
    const { muted, warm, cool } = theme();
    const others: Line[] = exact.starts.flatMap((_, i) => {
      const points = series(recentOf(exact), 'logLikelihood', i);
      return i === s ? [] : [{ color: muted, alpha: 0.35, width: 1, points }];
    });
    const ofEm = series(recentOf(exact), 'logLikelihood', s);
    const backgrounds = [others, [{ color: muted, dash: [4, 4], width: 1.5, points: ofEm }]];
    tracks.forEach((track, i) => {
      this.plots[i]?.show({ ...range, ...linesOf(track, s, backgrounds[i] ?? []) });
    });
    // In float32 the two agree to so many nats.
    const floor = 1e-6 * count;
    const apart = (track: Track) =>
      recentOf(track).map(
        ({ half, logLikelihood, bound }) =>
          [half, Math.max(floor, (logLikelihood[s] as number) - (bound[s] as number))] as const,
      );
    this.gap.show({
      lines: [
        { color: cool, points: apart(guessed), dots: true },
        { color: warm, points: apart(exact), dots: true },
      ],
    });
    tracks.forEach((track, i) => {
      const last = track.moments.at(-1);
      if (!last) return;
      const end = i === 0 ? '' : '-beside';
      setText(`likelihood${end}`, formatNumber(last.logLikelihood[s] as number, 2));
      setText(`bound${end}`, formatNumber(last.bound[s] as number, 2));
    });
  }
}

function linesOf(track: Track, s: number, behind: readonly Line[]) {
  const { accent, warm } = theme();
  const moments = recentOf(track);
  return {
    bands: [
      {
        color: warm,
        points: moments.map(
          ({ half, bound, logLikelihood }) =>
            [half, bound[s] as number, logLikelihood[s] as number] as const,
        ),
      },
    ],
    lines: [
      ...behind,
      { color: accent, points: series(moments, 'logLikelihood', s), dots: true },
      { color: warm, points: series(moments, 'bound', s), dots: true },
    ],
  };
}
