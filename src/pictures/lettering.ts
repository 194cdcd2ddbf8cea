// Numbers and the few words in pictures, without a font.
import type { Canvas, Color } from './canvas.ts';

/** The round of an a and a d, to the left of their stems. */
const BOWL = [
  0.5, 0.55, 0.42, 0.41, 0.28, 0.36, 0.1, 0.46, 0.04, 0.67, 0.1, 0.88, 0.28, 0.98, 0.42, 0.93, 0.5,
  0.79,
];

/**
 * A stroke font. A glyph's lines pass smoothly through points x, y in a box one unit high
 * (y down); a point given twice is a corner.
 */
const GLYPHS: Readonly<Record<string, { advance: number; lines: readonly (readonly number[])[] }>> =
  {
    '0': glyph([
      0.5, 0.17, 0.3, 0.02, 0.1, 0.17, 0.04, 0.5, 0.1, 0.83, 0.3, 0.98, 0.5, 0.83, 0.56, 0.5, 0.5,
      0.17, 0.3, 0.02,
    ]),
    '1': glyph([0.12, 0.2, 0.34, 0.02, 0.34, 0.02, 0.34, 0.98]),
    '2': glyph([
      0.06, 0.27, 0.12, 0.1, 0.3, 0.02, 0.48, 0.1, 0.53, 0.28, 0.42, 0.52, 0.05, 0.97, 0.05, 0.97,
      0.56, 0.97,
    ]),
    '3': glyph([
      0.06, 0.13, 0.27, 0.02, 0.47, 0.12, 0.48, 0.34, 0.24, 0.46, 0.24, 0.46, 0.48, 0.55, 0.55,
      0.75, 0.44, 0.93, 0.25, 0.98, 0.04, 0.86,
    ]),
    '4': glyph([0.43, 0.98, 0.43, 0.02, 0.43, 0.02, 0.03, 0.7, 0.03, 0.7, 0.58, 0.7]),
    '5': glyph([
      0.52, 0.03, 0.13, 0.03, 0.13, 0.03, 0.08, 0.45, 0.08, 0.45, 0.28, 0.37, 0.5, 0.48, 0.55, 0.7,
      0.43, 0.92, 0.23, 0.98, 0.04, 0.88,
    ]),
    '6': glyph([
      0.46, 0.03, 0.2, 0.25, 0.06, 0.6, 0.12, 0.87, 0.3, 0.98, 0.5, 0.87, 0.54, 0.64, 0.44, 0.45,
      0.25, 0.41, 0.09, 0.55,
    ]),
    '7': glyph([0.04, 0.03, 0.56, 0.03, 0.56, 0.03, 0.22, 0.98]),
    '8': glyph([
      0.48, 0.34, 0.3, 0.46, 0.08, 0.6, 0.06, 0.84, 0.3, 0.98, 0.54, 0.84, 0.52, 0.6, 0.3, 0.46,
      0.12, 0.34, 0.12, 0.12, 0.3, 0.02, 0.48, 0.12, 0.48, 0.34, 0.3, 0.46,
    ]),
    '9': glyph([
      0.14, 0.97, 0.4, 0.75, 0.54, 0.4, 0.48, 0.13, 0.3, 0.02, 0.1, 0.13, 0.06, 0.36, 0.16, 0.55,
      0.35, 0.59, 0.51, 0.45,
    ]),
    '-': glyph([0.06, 0.54, 0.48, 0.54]),
    '.': { advance: 0.36, lines: [[0.13, 0.95, 0.13, 0.96]] },
    a: letter(0.7, BOWL, [0.5, 0.37, 0.5, 0.98]),
    d: letter(0.7, BOWL, [0.5, 0.02, 0.5, 0.98]),
    e: letter(
      0.69,
      [
        0.05, 0.66, 0.51, 0.66, 0.51, 0.66, 0.46, 0.46, 0.29, 0.36, 0.11, 0.45, 0.04, 0.68, 0.11,
        0.9, 0.3, 0.98, 0.48, 0.9,
      ],
    ),
    l: letter(0.36, [0.12, 0.02, 0.12, 0.98]),
    m: letter(
      0.98,
      [0.08, 0.37, 0.08, 0.98],
      [0.08, 0.56, 0.16, 0.42, 0.28, 0.37, 0.39, 0.44, 0.42, 0.6, 0.42, 0.6, 0.42, 0.98],
      [0.42, 0.56, 0.5, 0.42, 0.62, 0.37, 0.73, 0.44, 0.76, 0.6, 0.76, 0.6, 0.76, 0.98],
    ),
    o: letter(
      0.72,
      [
        0.29, 0.36, 0.11, 0.45, 0.04, 0.67, 0.11, 0.89, 0.29, 0.98, 0.47, 0.89, 0.54, 0.67, 0.47,
        0.45, 0.29, 0.36,
      ],
    ),
    t: letter(
      0.56,
      [0.2, 0.12, 0.2, 0.8, 0.2, 0.8, 0.25, 0.95, 0.4, 0.96],
      [0.05, 0.37, 0.4, 0.37],
    ),
  };

function glyph(points: readonly number[]) {
  return letter(0.78, points);
}

function letter(advance: number, ...lines: readonly (readonly number[])[]) {
  return { advance, lines: lines.map(spline) };
}

/** Width in pixels of a text set `height` pixels high. */
export function textWidth(text: string, height: number): number {
  const advances = [...text].map((letter) => GLYPHS[letter]?.advance ?? 0);
  return height * (advances.reduce((sum, advance) => sum + advance, 0) - 0.18);
}

/** Draws digits, signs and the letters that there are with the upper left corner at (x, y), `height` pixels high. */
export function drawText(
  canvas: Canvas,
  text: string,
  x: number,
  y: number,
  height: number,
  color: Color,
): void {
  let pen = x;
  for (const letter of text) {
    const { advance, lines } = GLYPHS[letter] ?? { advance: 0, lines: [] };
    const placed = lines.map((line) =>
      line.map((value, i) => (i % 2 === 0 ? pen : y) + height * value),
    );
    if (placed.length > 0) canvas.polylines(placed, 0.058 * height, color);
    pen += height * advance;
  }
}

/** A uniform Catmull–Rom spline through the points, broken where a point is doubled. */
function spline(points: readonly number[]): number[] {
  const at = (i: number) => [points[2 * i] as number, points[2 * i + 1] as number] as const;
  const same = (i: number, j: number) => at(i)[0] === at(j)[0] && at(i)[1] === at(j)[1];
  const last = points.length / 2 - 1;
  const line = [...at(0)];
  for (let i = 0; i < last; i++) {
    if (same(i, i + 1)) continue;
    const p0 = at(i > 0 && !same(i - 1, i) ? i - 1 : i);
    const p1 = at(i);
    const p2 = at(i + 1);
    const p3 = at(i + 2 <= last && !same(i + 1, i + 2) ? i + 2 : i + 1);
    for (let step = 1; step <= 8; step++) {
      const t = step / 8;
      for (const axis of [0, 1] as const) {
        const [a, b, c, d] = [p0[axis], p1[axis], p2[axis], p3[axis]];
        const cubic = 2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a);
        line.push(b + 0.5 * t * (c - a + t * cubic));
      }
    }
  }
  return line;
}
