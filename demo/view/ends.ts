// The images between which an interpolation goes: two rows of candidates, one picked in each.
import { CANDIDATES } from '../protocol.ts';
import { element } from './elements.ts';
import { Tiles } from './images.ts';

const ENDS = ['from', 'to'] as const;
type End = (typeof ENDS)[number];

export class Ends {
  private readonly onPick: (from: number, to: number) => void;
  private readonly tiles: Record<End, Tiles[]>;
  private readonly picked = { from: 0, to: 1 };

  constructor(onPick: (from: number, to: number) => void) {
    this.onPick = onPick;
    this.tiles = { from: this.build('from'), to: this.build('to') };
  }

  setShape(shape: readonly number[]): void {
    for (const end of ENDS) for (const tile of this.tiles[end]) tile.setShape(shape);
  }

  show(images: Float32Array, labels: readonly number[] | undefined): void {
    const size = images.length / CANDIDATES;
    for (const end of ENDS) {
      this.tiles[end].forEach((tile, i) => {
        tile.show(images.subarray(i * size, (i + 1) * size));
        const name = labels ? `class ${labels[i]}` : `image ${i + 1}`;
        element(`${end}-${i}`).setAttribute('aria-label', name);
      });
    }
  }

  private build(end: End): Tiles[] {
    return Array.from({ length: CANDIDATES }, (_, i) => {
      const label = document.createElement('label');
      const input = Object.assign(document.createElement('input'), {
        type: 'radio',
        name: end,
        id: `${end}-${i}`,
        checked: i === this.picked[end],
      });
      const picture = document.createElement('canvas');
      picture.setAttribute('aria-hidden', 'true');
      input.setAttribute('aria-label', `image ${i + 1}`);
      label.append(input, picture);
      element(end).append(label);
      input.addEventListener('change', () => {
        this.picked[end] = i;
        this.onPick(this.picked.from, this.picked.to);
      });
      return new Tiles(picture, { columns: 1, rows: 1 });
    });
  }
}
