// A plane of the latent space: codes of held-out images as points, or the images that its points
// decode to. A finger, a mouse or the arrow keys move a point across it.
import { drawAtlas, extents } from './images.ts';
import { paintMark, paintPoint } from './marks.ts';
import { Surface } from './surface.ts';
import { theme } from './theme.ts';

type At = readonly [number, number];

/** Codes glide to where they have moved. */
const GLIDE_MS = 350;
/** What an arrow key moves the point by, and with Shift. */
const KEY_STEP = 0.1;
const LONG_STEP = 0.5;

const calm = matchMedia('(prefers-reduced-motion: reduce)');

export class LatentMap {
  private readonly surface: Surface;
  private readonly moved: (at: At) => void;
  private shown: Float32Array = new Float32Array();
  private from: Float32Array = new Float32Array();
  private target: Float32Array = new Float32Array();
  private began = 0;
  private labels: ArrayLike<number> | undefined;
  private extent = 3;
  private manifold: { images: Float32Array; side: number; extent: number } | undefined;
  private shape: readonly number[] = [28, 28];
  private point: At = [0, 0];
  /** Where the visitor's drawing lies. */
  private mark: At | undefined;
  private hasRings = true;

  /**
   * @param frame what holds the canvas and takes the focus
   * @param moved called when the visitor has moved the point
   */
  constructor(frame: HTMLElement, moved: (at: At) => void) {
    this.moved = moved;
    const canvas = frame.querySelector('canvas') as HTMLCanvasElement;
    this.surface = new Surface(canvas, (g, width, height) => this.paint(g, width, height));
    frame.tabIndex = 0;
    this.listen(frame, canvas);
  }

  /** @param isStandard whether the prior is N(0, I), whose deviations are drawn */
  reset(shape: readonly number[], isStandard: boolean): void {
    this.shape = shape;
    this.hasRings = isStandard;
    this.mark = undefined;
    this.shown = this.from = this.target = new Float32Array();
    this.manifold = undefined;
    this.point = [0, 0];
    this.surface.repaint();
  }

  showCodes(points: Float32Array, labels: ArrayLike<number> | undefined, extent: number): void {
    const isSame = points.length === this.shown.length && !calm.matches;
    this.from = isSame ? this.shown : points;
    this.target = points;
    this.began = performance.now();
    this.labels = labels;
    this.extent = extent;
    this.surface.repaint();
  }

  /** Points appear where they are: after the plane has changed, gliding would tell a lie. */
  jump(): void {
    this.shown = new Float32Array();
  }

  showManifold(manifold: { images: Float32Array; side: number; extent: number } | undefined): void {
    this.manifold = manifold;
    this.surface.repaint();
  }

  showMark(at: At | undefined): void {
    this.mark = at;
    this.surface.repaint();
  }

  private listen(frame: HTMLElement, canvas: HTMLCanvasElement): void {
    const move = (event: PointerEvent) => {
      const u = (2 * event.offsetX) / canvas.clientWidth - 1;
      const v = 1 - (2 * event.offsetY) / canvas.clientHeight;
      this.moveTo([u * this.extent, v * this.extent]);
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      move(event);
    });
    // A mouse need not press: pointing is enough.
    canvas.addEventListener('pointermove', (event) => {
      if (event.pointerType === 'mouse' || event.buttons > 0) move(event);
    });
    frame.addEventListener('keydown', (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const direction = way[event.key as keyof typeof way];
      if (event.key === 'Home') this.moveTo([0, 0]);
      else if (direction) {
        const step = event.shiftKey ? LONG_STEP : KEY_STEP;
        const [dx, dy] = direction as [number, number];
        this.moveTo([this.point[0] + step * dx, this.point[1] + step * dy]);
      } else return;
      event.preventDefault();
    });
  }

  private moveTo([u, v]: At): void {
    const within = (value: number) => Math.min(this.extent, Math.max(-this.extent, value));
    this.point = [within(u), within(v)];
    this.surface.repaint();
    this.moved(this.point);
  }

  private paint(g: CanvasRenderingContext2D, width: number, height: number): void {
    const toX = (u: number) => (width * (u / this.extent + 1)) / 2;
    const toY = (v: number) => (height * (1 - v / this.extent)) / 2;
    if (this.manifold) this.paintManifold(g, toX, toY);
    else {
      this.paintGrid(g, width, height, toX, toY);
      this.paintCodes(g, toX, toY);
    }
    paintPoint(g, toX(this.point[0]), toY(this.point[1]));
    if (this.mark) paintMark(g, toX(this.mark[0]), toY(this.mark[1]));
  }

  private paintGrid(
    g: CanvasRenderingContext2D,
    width: number,
    height: number,
    toX: (u: number) => number,
    toY: (v: number) => number,
  ): void {
    const colors = theme();
    g.strokeStyle = colors.line;
    g.lineWidth = 1;
    // Standard deviations of the prior.
    const rings = this.hasRings ? [1, 2, 3] : [];
    for (const radius of rings) {
      g.beginPath();
      g.ellipse(toX(0), toY(0), toX(radius) - toX(0), toY(0) - toY(radius), 0, 0, 2 * Math.PI);
      g.stroke();
    }
    g.beginPath();
    g.moveTo(0, toY(0));
    g.lineTo(width, toY(0));
    g.moveTo(toX(0), 0);
    g.lineTo(toX(0), height);
    g.stroke();
    g.fillStyle = colors.muted;
    g.font = `10px ${getComputedStyle(this.surface.canvas).fontFamily}`;
    g.textAlign = 'left';
    for (const radius of rings) g.fillText(`${radius}σ`, toX(0) + 4, toY(radius) - 4);
  }

  private paintCodes(
    g: CanvasRenderingContext2D,
    toX: (u: number) => number,
    toY: (v: number) => number,
  ): void {
    const { from, target, labels } = this;
    const t = Math.min(1, (performance.now() - this.began) / GLIDE_MS);
    const eased = from === target ? 1 : t * t * (3 - 2 * t);
    this.shown = target.map((value, i) => (from[i] as number) * (1 - eased) + value * eased);
    if (eased < 1) this.surface.repaint();
    const { classes, accent } = theme();
    g.globalAlpha = 0.8;
    for (let i = 0; i < target.length / 2; i++) {
      const label = labels?.[i];
      g.fillStyle = label === undefined ? accent : (classes[label % classes.length] as string);
      g.beginPath();
      g.arc(toX(this.shown[2 * i] as number), toY(this.shown[2 * i + 1] as number), 3, 0, 7);
      g.fill();
    }
    g.globalAlpha = 1;
    if (labels) this.paintNames(g, toX, toY, labels);
  }

  /** A class's number at the middle of its codes, so that colour is not the only sign. */
  private paintNames(
    g: CanvasRenderingContext2D,
    toX: (u: number) => number,
    toY: (v: number) => number,
    labels: ArrayLike<number>,
  ): void {
    const { classes, card } = theme();
    g.font = `700 15px ${getComputedStyle(this.surface.canvas).fontFamily}`;
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    g.lineWidth = 4;
    g.lineJoin = 'round';
    for (let label = 0; label < classes.length; label++) {
      const members = [...this.shown.keys()].filter((i) => i % 2 === 0 && labels[i / 2] === label);
      if (members.length < 5) continue;
      const middle = (axis: number) => {
        const values = members.map((i) => this.shown[i + axis] as number).sort((a, b) => a - b);
        return values[values.length >> 1] as number;
      };
      const [x, y] = [toX(middle(0)), toY(middle(1))];
      g.strokeStyle = card;
      g.strokeText(String(label), x, y);
      g.fillStyle = classes[label] as string;
      g.fillText(String(label), x, y);
    }
    g.textBaseline = 'alphabetic';
  }

  private paintManifold(
    g: CanvasRenderingContext2D,
    toX: (u: number) => number,
    toY: (v: number) => number,
  ): void {
    const { images, side, extent } = this.manifold as NonNullable<typeof this.manifold>;
    const [height, width] = extents(this.shape);
    const atlas = drawAtlas(images, side * side, this.shape);
    const cell = (2 * extent) / side;
    g.imageSmoothingQuality = 'high';
    for (let i = 0; i < side * side; i++) {
      const u = -extent + (i % side) * cell;
      const v = extent - Math.floor(i / side) * cell;
      const [w, h] = [toX(u + cell) - toX(u), toY(v - cell) - toY(v)];
      g.drawImage(atlas, 0, i * height, width, height, toX(u), toY(v), w, h);
    }
  }
}
