// The plane while the flow bends it: density, grid and draws at a moment between two layers.
import { classColors, rgbOf } from '../lab/colors.ts';
import type { Places } from '../lab/plane-view.ts';
import { theme } from '../view/theme.ts';
import { DENSITY, GRID } from './model.ts';
import type { FlowRun } from './run.ts';

export interface Shown {
  readonly grid: boolean;
  readonly samples: boolean;
  readonly density: boolean;
  readonly points: boolean;
  /** From 0, the noise, to the number of layers. */
  readonly layer: number;
}

export function paintFlow(
  g: CanvasRenderingContext2D,
  places: Places,
  run: FlowRun,
  shown: Shown,
): void {
  const { layers, depth } = run;
  // The density is that of the data's side: it comes up with the last layer.
  const presence = Math.min(1, Math.max(0, shown.layer - depth + 1));
  if (shown.density && presence > 0) paintDensity(g, places, run, presence);
  if (shown.points) paintPoints(g, places, run.data.set.data as Float32Array);
  const [before, after] = [Math.floor(shown.layer), Math.min(depth, Math.floor(shown.layer) + 1)];
  const [from, to] = [layers[before], layers[after]];
  const noise = layers[0];
  if (!from || !to || !noise) return;
  const share = shown.layer - before;
  const at = (i: number) => {
    const [x, y] = [0, 1].map(
      (d) => (1 - share) * (from[2 * i + d] as number) + share * (to[2 * i + d] as number),
    ) as [number, number];
    return places.at(x, y);
  };
  if (shown.grid) paintGrid(g, at);
  if (!shown.samples) return;
  const first = 2 * GRID.lines * GRID.points;
  const colors = classColors();
  for (let i = first; i < noise.length / 2; i++) {
    const angle = Math.atan2(noise[2 * i + 1] as number, noise[2 * i] as number) / (2 * Math.PI);
    const place = (angle + 1) * WHEEL.length;
    const [one, two] = [
      WHEEL[Math.floor(place) % WHEEL.length],
      WHEEL[Math.ceil(place) % WHEEL.length],
    ];
    const part = place - Math.floor(place);
    const [a, b] = [colors[one as number], colors[two as number]];
    if (!a || !b) continue;
    g.fillStyle = `rgb(${a.map((value, c) => Math.round((1 - part) * value + part * (b[c] as number))).join(' ')})`;
    const [x, y] = at(i);
    g.beginPath();
    g.arc(x, y, 2.1, 0, 2 * Math.PI);
    g.fill();
  }
}

/** Classes whose colours follow each other round a circle. */
const WHEEL = [0, 9, 2, 5, 1, 3, 6, 4];

function paintPoints(g: CanvasRenderingContext2D, places: Places, points: Float32Array): void {
  g.fillStyle = theme().muted;
  g.globalAlpha = 0.35;
  for (let i = 0; i < Math.min(800, points.length / 2); i++) {
    const [x, y] = places.at(points[2 * i] as number, points[2 * i + 1] as number);
    g.fillRect(x - 1, y - 1, 2, 2);
  }
  g.globalAlpha = 1;
}

function paintGrid(
  g: CanvasRenderingContext2D,
  at: (i: number) => readonly [number, number],
): void {
  const { ink } = theme();
  g.strokeStyle = ink;
  for (let line = 0; line < 2 * GRID.lines; line++) {
    const isMiddle = line % GRID.lines === (GRID.lines - 1) / 2;
    g.lineWidth = isMiddle ? 1.4 : 0.7;
    g.globalAlpha = isMiddle ? 0.75 : 0.4;
    g.beginPath();
    for (let i = 0; i < GRID.points; i++) {
      const [x, y] = at(line * GRID.points + i);
      g.lineTo(x, y);
    }
    g.stroke();
  }
  g.globalAlpha = 1;
}

/** p(x) as ink: the more of it, the denser, up to what one cell in a hundred reaches. */
export function paintDensity(
  g: CanvasRenderingContext2D,
  places: Places,
  { logDensity }: FlowRun,
  presence: number,
): void {
  if (!logDensity) return;
  const { columns, rows, reach } = DENSITY;
  const sorted = Float32Array.from(logDensity).sort();
  const most = Math.exp(sorted[Math.floor(0.99 * sorted.length)] as number);
  const [r, green, b] = rgbOf(theme().accent);
  const picture = new ImageData(columns, rows);
  logDensity.forEach((value, i) => {
    const share = Math.min(1, Math.exp(value) / most);
    picture.data.set([r, green, b, 215 * presence * share ** 0.7], 4 * i);
  });
  const small = document.createElement('canvas');
  [small.width, small.height] = [columns, rows];
  (small.getContext('2d') as CanvasRenderingContext2D).putImageData(picture, 0, 0);
  const across = (reach * columns) / rows;
  const [left, top] = places.at(-across, reach);
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = 'high';
  g.drawImage(small, left, top, 2 * across * places.unit, 2 * reach * places.unit);
}
