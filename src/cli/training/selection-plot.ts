// The curve of a selection: BIC by size, as SVG.
import type { Selection } from './select.ts';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 400, 90, 20, 20, 50];
const TICKS = 5;

export function selectionPlot({ key, best, candidates }: Selection): string {
  const values = candidates.map(({ value }) => value);
  const bics = candidates.map(({ bic }) => bic);
  const [first, last] = [Math.min(...values), Math.max(...values)];
  const [low, high] = [Math.min(...bics), Math.max(...bics)];
  const x = (value: number) =>
    LEFT + ((WIDTH - LEFT - RIGHT) * (value - first)) / Math.max(1, last - first);
  const y = (bic: number) =>
    HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (bic - low)) / (high - low || 1);
  const text = (at: [number, number], anchor: string, words: string) =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
  const levels = Array.from({ length: TICKS }, (_, i) => low + ((high - low) * i) / (TICKS - 1));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#464c54">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...levels.map(
      (level) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(level).toFixed(1)}" y2="${y(level).toFixed(1)}" stroke="#e8eaed"/>` +
        text([LEFT - 8, y(level) + 4], 'end', level.toFixed(1)),
    ),
    ...values.map((value) => text([x(value), HEIGHT - BOTTOM + 20], 'middle', String(value))),
    `<polyline fill="none" stroke="#2563c9" stroke-width="2" points="${candidates
      .map(({ value, bic }) => `${x(value).toFixed(1)},${y(bic).toFixed(1)}`)
      .join(' ')}"/>`,
    ...candidates.map(
      ({ value, bic }) =>
        `<circle cx="${x(value).toFixed(1)}" cy="${y(bic).toFixed(1)}" r="${value === best ? 6 : 3.5}" fill="${value === best ? '#e8710a' : '#2563c9'}"/>`,
    ),
    text([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10], 'middle', key),
    text([LEFT, TOP - 6], 'end', 'BIC'),
    '</svg>\n',
  ].join('\n');
}
