// Data that are no images as points: held-out rows, draws of the model, and what it makes of the rows.
import { frameAround, type Places, PlaneView } from '../lab/plane-view.ts';
import type { Cloud } from '../protocol.ts';
import { theme } from './theme.ts';

export class CloudPicture {
  private readonly view: PlaneView;
  private cloud: Cloud | undefined;
  private decoded: ArrayLike<number> | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.view = new PlaneView(canvas, (g, places) => this.paint(g, places));
  }

  clear(): void {
    this.cloud = undefined;
    this.decoded = undefined;
    this.view.repaint();
  }

  show(cloud: Cloud): void {
    // The data stay where they are: the frame is made once.
    if (!this.cloud) this.view.frame = frameAround(cloud.data);
    this.cloud = cloud;
    this.view.repaint();
  }

  /** What the map's point decodes to, [2]. */
  showDecoded(place: ArrayLike<number>): void {
    this.decoded = place;
    this.view.repaint();
  }

  private paint(g: CanvasRenderingContext2D, places: Places): void {
    const { cloud, decoded } = this;
    if (!cloud) return;
    const { accent, warm, cool, ink } = theme();
    const of = (points: Float32Array, i: number) =>
      places.at(points[2 * i] as number, points[2 * i + 1] as number);
    const dots = (points: Float32Array, color: string, radius: number, alpha: number) => {
      g.fillStyle = color;
      g.globalAlpha = alpha;
      for (let i = 0; i < points.length / 2; i++) {
        g.beginPath();
        g.arc(...of(points, i), radius, 0, 7);
        g.fill();
      }
    };
    g.strokeStyle = warm;
    g.globalAlpha = 0.3;
    g.lineWidth = 1;
    g.beginPath();
    for (let i = 0; i < cloud.rebuilt.length / 2; i++) {
      g.moveTo(...of(cloud.data, i));
      g.lineTo(...of(cloud.rebuilt, i));
    }
    g.stroke();
    dots(cloud.data, cool, 2.4, 0.7);
    dots(cloud.rebuilt, warm, 1.6, 0.9);
    dots(cloud.drawn, accent, 2, 0.75);
    g.globalAlpha = 1;
    if (!decoded) return;
    g.strokeStyle = ink;
    g.lineWidth = 2;
    g.beginPath();
    g.arc(...places.at(decoded[0] as number, decoded[1] as number), 7, 0, 7);
    g.stroke();
  }
}
