// The card on which the visitor draws: the sheet, what the model makes of it, and as which class.
import type { Drawn, Ready } from '../protocol.ts';
import { DrawPad } from './draw-pad.ts';
import { button, canvas, element, input, select, setText } from './elements.ts';
import { extents, Tiles } from './images.ts';

export interface DrawingEvents {
  onDrawing(image: Float32Array, label: number): void;
  /** A row of the held-out data is wanted in place of a drawing. */
  onPick(row: number): void;
  onErase(): void;
}

export class DrawingCard {
  private readonly pad: DrawPad;
  private readonly redrawn = new Tiles(canvas('redrawn'), { columns: 1, rows: 1 });
  private others: Tiles | undefined;
  private readonly events: DrawingEvents;

  constructor(events: DrawingEvents) {
    this.events = events;
    this.pad = new DrawPad(canvas('pad'), () => this.report());
    select('drawn-label').addEventListener('change', () => this.report());
    input('pick').addEventListener('input', () => {
      const row = input('pick').valueAsNumber;
      setText('pick-value', String(row));
      events.onPick(row - 1);
    });
    button('erase').addEventListener('click', () => this.erase());
  }

  /** For another model. */
  reset({ data, classes }: Ready): void {
    const [, , channels] = extents(data.shape);
    const isDrawn = data.shape.length > 1 && channels === 1;
    element('draw-card').hidden = !isDrawn;
    if (!isDrawn) return;
    const kept = this.pad.drawn;
    const hadLabel = Number(select('drawn-label').value);
    this.pad.setShape(data.shape);
    this.redrawn.setShape(data.shape);
    input('pick').max = String(data.heldOut);
    for (const id of ['drawn-as', 'others']) element(id).hidden = !classes;
    if (classes) {
      const options = classes.map((name, label) => new Option(name, String(label)));
      select('drawn-label').replaceChildren(...options);
      this.others ??= new Tiles(canvas('other-classes'), { columns: classes.length, rows: 1 });
      this.others.setShape(data.shape);
      if (hadLabel < classes.length) select('drawn-label').value = String(hadLabel);
    }
    if (kept.length !== this.pad.drawn.length) return;
    this.pad.show(kept);
    this.report();
  }

  /** A row of the data, as what it is. */
  showPicked(image: Float32Array, label: number | undefined): void {
    this.pad.show(image);
    if (label !== undefined) select('drawn-label').value = String(label);
    this.report();
  }

  showDrawn({ image, others }: Drawn): void {
    if (this.pad.isEmpty) return;
    this.redrawn.show(image);
    if (others) this.others?.show(others);
  }

  private erase(): void {
    this.pad.show(new Float32Array(this.pad.drawn.length));
    this.redrawn.clear();
    this.others?.clear();
    setText('pick-value', '–');
    this.events.onErase();
  }

  private report(): void {
    if (this.pad.isEmpty) return;
    this.events.onDrawing(this.pad.drawn.slice(), Number(select('drawn-label').value || 0));
  }
}
