// Points in the colours of who they belong to, and components as ellipses.
import { mixed } from '../lab/colors.ts';
import type { Places } from '../lab/plane-view.ts';
import { theme } from '../view/theme.ts';
import { ellipseOf } from './ellipse.ts';
import type { EmRun } from './em-run.ts';

export function paintPoints(
  g: CanvasRenderingContext2D,
  places: Places,
  points: Float32Array,
  run: EmRun | undefined,
  start: number,
  radius: number,
): void {
  const count = points.length / 2;
  const components = run?.count === count ? run.settings.components : 0;
  const hasInferred = (run?.exact.moments.length ?? 0) > 1;
  const at = (i: number, k: number) =>
    Math.exp(run?.exact.logQ[(start * components + k) * count + i] as number);
  for (let i = 0; i < count; i++) {
    const [x, y] = places.at(points[2 * i] as number, points[2 * i + 1] as number);
    g.fillStyle =
      components > 0 && hasInferred ? mixed((k) => at(i, k), components) : theme().muted;
    g.beginPath();
    g.arc(x, y, radius, 0, 2 * Math.PI);
    g.fill();
  }
}

/** Ellipses of one and two deviations; those of a start that is out are dashed. */
export function paintComponents(
  g: CanvasRenderingContext2D,
  places: Places,
  run: EmRun,
  index: number,
  thick: number,
): void {
  const start = run.exact.starts[index];
  if (!start) return;
  const { components, covariance } = run.settings;
  const { card } = theme();
  g.setLineDash(start.isLost ? [3, 4] : []);
  for (let k = 0; k < components; k++) {
    const [x, y] = places.at(start.mean[2 * k] as number, start.mean[2 * k + 1] as number);
    const { major, minor, angle } = ellipseOf(covariance, start, k);
    const color = mixed((j) => (j === k ? 1 : 0), k + 1);
    const weight = Math.exp(start.logWeights[k] as number);
    for (const [size, alpha] of [
      [1, 0.95],
      [2, 0.4],
    ] as const) {
      g.beginPath();
      const [a, b] = [size * major * places.unit, size * minor * places.unit];
      g.ellipse(x, y, Math.max(a, 1), Math.max(b, 0.5), -angle, 0, 2 * Math.PI);
      g.globalAlpha = 0.07;
      g.fillStyle = color;
      g.fill();
      g.globalAlpha = alpha;
      g.strokeStyle = color;
      g.lineWidth = thick * Math.min(2.2, 0.8 + 4 * weight);
      g.stroke();
    }
    g.globalAlpha = 1;
    g.beginPath();
    g.arc(x, y, 4 * thick, 0, 2 * Math.PI);
    g.fillStyle = color;
    g.fill();
    g.strokeStyle = card;
    g.lineWidth = 1.5 * thick;
    g.stroke();
  }
  g.setLineDash([]);
}
