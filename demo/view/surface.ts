// A canvas that knows its size in CSS pixels and is painted at most once a frame.
import { onThemeChange } from './theme.ts';

export type Paint = (g: CanvasRenderingContext2D, width: number, height: number) => void;

export class Surface {
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly paint: Paint;
  private isDue = false;

  constructor(canvas: HTMLCanvasElement, paint: Paint) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d') as CanvasRenderingContext2D;
    this.paint = paint;
    observePixels(canvas, () => this.repaint());
    onThemeChange(() => this.repaint());
    // A GPU that crashes takes the pictures along.
    canvas.addEventListener('contextrestored', () => this.repaint());
  }

  repaint(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.paintNow();
    });
  }

  private paintNow(): void {
    const { canvas, context } = this;
    const { clientWidth, clientHeight } = canvas;
    if (clientWidth === 0 || clientHeight === 0) return;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    this.paint(context, clientWidth, clientHeight);
  }
}

/** Calls back when the canvas covers other pixels: it, the zoom, or the screen has changed. */
function observePixels(canvas: HTMLCanvasElement, changed: () => void): void {
  const observer = new ResizeObserver(changed);
  try {
    observer.observe(canvas, { box: 'device-pixel-content-box' });
  } catch {
    // Safari counts CSS pixels only.
    observer.observe(canvas);
  }
  // Zooming does this too.
  addEventListener('resize', changed);
}
