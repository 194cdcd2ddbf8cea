// Colours that are mixed: those of classes as numbers.
import { onThemeChange, theme } from '../view/theme.ts';

export type Rgb = readonly [r: number, g: number, b: number];

let known: readonly Rgb[] | undefined;
onThemeChange(() => {
  known = undefined;
});

/** One for each class, in [0, 255]. */
export function classColors(): readonly Rgb[] {
  known ??= theme().classes.map(rgbOf);
  return known;
}

export function rgbOf(color: string): Rgb {
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const g = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  g.fillStyle = color;
  g.fillRect(0, 0, 1, 1);
  const [r = 0, green = 0, b = 0] = g.getImageData(0, 0, 1, 1).data;
  return [r, green, b];
}

/** The mean of colours by weights that sum to 1. */
export function mixed(weights: (k: number) => number, count: number): string {
  const sum = [0, 0, 0];
  const colors = classColors();
  for (let k = 0; k < count; k++) {
    const color = colors[k % colors.length] as Rgb;
    for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + weights(k) * (color[c] as number);
  }
  return `rgb(${sum.map(Math.round).join(' ')})`;
}
